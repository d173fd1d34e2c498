"""The laws' clocks as data: policies/laws/*.toml, one file per law, each with its edition and the hash of its bytes.

A running case keeps the dates that were computed when it came in, with the edition they rest on: changing a file moves
no case (GDPR Art. 5(2)). A file that cannot be read is named with its line.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from portal.handwritten import Faulty, Toml, content_of, text_of
from portal.settings import SettingsError, get

UNITS = ("month", "day", "business day", "hour", "year")
MEANS = ("by", "keep", "not before")
READINGS = ("day of receipt counts", "no holidays")
HOLDS = ("clarification", "identity", "fee")
OURS = "ours"  # as a calendar: the public holidays of the controller's own state

_KINDS = dict[str, type]
_LAW: _KINDS = dict.fromkeys(("title", "edition", "calendar", "since"), str) | {"countries": list, "clocks": dict}
_LAW |= dict.fromkeys(("for_unknown", "residents_only"), bool)
_TEXTS = ("title", "article", "unit", "start", "extension_needs", "safe", "note", "means")
_NUMBERS = ("amount", "extension", "ours")
_CLOCK: _KINDS = (
    dict.fromkeys(_TEXTS, str) | dict.fromkeys(_NUMBERS, int) | dict.fromkeys(("pauses", "waits_for", "rights"), list)
)
_CLOCK |= dict.fromkeys(("rolls", "always"), bool)
_WORDS = {"unit": UNITS, "means": MEANS, "safe": READINGS}


class LawError(SettingsError):
    """A law's file cannot be used; the message names the file, each line and what to do there."""


@contextmanager
def law_errors() -> Iterator[None]:
    try:
        yield
    except Faulty as problem:
        raise LawError("\n".join(f"{each.place}: {each.sentence}" for each in problem.faults)) from problem


@dataclass(frozen=True)
class Clock:
    """One period of a law. `amount` None: the law gives no number ("without undue delay"); `ours` is then the controller's.

    `pauses`: holds whose days do not count; `waits_for`: holds whose end is where counting begins. `means`: act by then,
    keep until then, or do nothing before then. `always`: it runs for every request, beside the answer's period.
    """

    key: str
    title: str
    article: str
    amount: int | None = None
    unit: str = ""
    start: str = "receipt"
    rolls: bool = False
    extension: int | None = None
    extension_needs: str = ""
    pauses: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    safe: str = ""  # the stricter reading where the law's wording is disputed
    ours: int | None = None
    means: str = "by"
    always: bool = False
    rights: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Law:
    """`since`: requests received earlier are none of its; `residents_only`: it protects who lives there, whoever holds data."""

    key: str
    title: str
    edition: str
    calendar: str
    countries: tuple[str, ...]
    for_unknown: bool
    clocks: Mapping[str, Clock]
    since: date = date.min
    residents_only: bool = False

    def answer_clock(self, right: str) -> Clock:
        """The clock within which a request for `right` must be answered."""
        for clock in self.clocks.values():
            if right in clock.rights:
                return clock
        return self.clocks["answer"]


_read: dict[tuple[Path, int], Law] = {}


def laws(folder: Path | None = None) -> dict[str, Law]:
    """All laws of the folder by key; a file is read again when it has changed."""
    folder = folder or get().policies / "laws"
    found: dict[str, Law] = {}
    for path in sorted(folder.glob("*.toml")):
        stamp = (path, path.stat().st_mtime_ns)
        if stamp not in _read:
            _read[stamp] = _law(path)
        found[_read[stamp].key] = _read[stamp]
    return found


def law(key: str) -> Law:
    found = laws()
    if key not in found:
        raise LawError(f"There is no law {key!r} in {get().policies / 'laws'}; there are: {', '.join(found)}.")
    return found[key]


@law_errors()
def _law(path: Path) -> Law:
    content = content_of(path, str(path))
    file = Toml(str(path), text_of(content, str(path)))
    values = file.part(_LAW, optional=_LAW.keys() - {"title", "edition"})
    optional = _CLOCK.keys() - {"title", "article"}
    clocks = {key: file.part(_CLOCK, "clocks", key, optional=optional) for key in values.get("clocks", ())}
    for key, clock in clocks.items():
        _check(file, key, clock)
    since = _day(file, values.get("since"))
    if "answer" not in clocks:
        file.wrong("A law needs [clocks.answer], the period within which a request is answered.", "clocks")
    elif not clocks["answer"].keys() & {"amount", "ours"}:
        file.wrong("An answer needs a day: where the law names none, set one of your own with `ours`.", "clocks", "answer")
    file.done()
    return Law(
        key=path.stem,
        title=values["title"],
        edition=f"{values['edition']}/{hashlib.sha256(content).hexdigest()[:12]}",
        calendar=values.get("calendar", "none"),
        countries=tuple(values.get("countries", ())),
        for_unknown=values.get("for_unknown", False),
        clocks={key: Clock(key, **{name: _fixed(value) for name, value in each.items()}) for key, each in clocks.items()},
        since=since,
        residents_only=values.get("residents_only", False),
    )


def _check(file: Toml, key: str, clock: Mapping[str, Any]) -> None:
    if clock.keys() & {"amount", "ours"} and "unit" not in clock:
        file.wrong(f"unit is missing; it is one of: {', '.join(UNITS)}.", "clocks", key)
    for name, known in _WORDS.items():
        if name in clock and clock[name] not in known:
            file.wrong(f"{name} {clock[name]!r} is none of: {', '.join(known)}.", "clocks", key, name)
    for name in ("pauses", "waits_for"):
        unknown = [each for each in clock.get(name, ()) if each not in HOLDS]
        if unknown:
            file.wrong(f"{name}: {unknown[0]!r} is none of: {', '.join(HOLDS)}.", "clocks", key, name)
        if name in clock and clock.get("unit") not in ("day", "month"):
            file.wrong(f"{name}: only a period in days or months can stand still.", "clocks", key, name)
    for name in _NUMBERS:
        if not 0 < clock.get(name, 1) <= 1000:
            file.wrong(f"{name} must be between 1 and 1000.", "clocks", key, name)


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _day(file: Toml, text: str | None) -> date:
    try:
        return date.min if text is None else date.fromisoformat(text)
    except ValueError:
        file.wrong(f"since {text!r} is no day such as 2027-05-13.", "since")
        return date.min
