"""The laws' clocks as data: policies/laws/*.toml, one file per law, each with its edition and the hash of its bytes.

A running case keeps the dates that were computed when it came in, with the edition they rest on: changing a file moves
no case (GDPR Art. 5(2)). A file that cannot be read is named with its line.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.handwritten import Faulty, Toml, content_of, text_of
from portal.settings import get

UNITS = ("month", "day", "business day", "hour", "year")

_LAW = {"title": str, "edition": str, "calendar": str, "countries": list, "for_unknown": bool, "clocks": dict}
_TEXTS = ("title", "article", "unit", "start", "extension_needs", "safe", "note")
_CLOCK = dict.fromkeys(_TEXTS, str) | {"amount": int, "extension": int, "rolls": bool, "pauses": bool, "rights": list}


class LawError(Exception):
    """A law's file cannot be used; the message names the file, each line and what to do there."""


@contextmanager
def law_errors() -> Iterator[None]:
    try:
        yield
    except Faulty as problem:
        raise LawError("\n".join(f"{each.place}: {each.sentence}" for each in problem.faults)) from problem


@dataclass(frozen=True)
class Clock:
    """One period of a law. `amount` None: the law gives no number ("without undue delay")."""

    key: str
    title: str
    article: str
    amount: int | None = None
    unit: str = ""
    start: str = "receipt"
    rolls: bool = False
    extension: int | None = None
    extension_needs: str = ""
    pauses: bool = False
    safe: str = ""  # day of receipt counts · no holidays: the stricter reading where the law's wording is disputed
    rights: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Law:
    key: str
    title: str
    edition: str
    calendar: str
    countries: tuple[str, ...]
    for_unknown: bool
    clocks: Mapping[str, Clock]

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
        if "amount" in clock and clock.get("unit") not in UNITS:
            file.wrong(f"unit {clock.get('unit')!r} is none of: {', '.join(UNITS)}.", "clocks", key, "unit")
    if "answer" not in clocks:
        file.wrong("A law needs [clocks.answer], the period within which a request is answered.", "clocks")
    file.done()
    edition = f"{values['edition']}/{hashlib.sha256(content).hexdigest()[:12]}"
    calendar, countries, unknown = values.get("calendar", "none"), values.get("countries", ()), values.get("for_unknown", False)
    periods = {key: Clock(key, **clock | {"rights": tuple(clock.get("rights", ()))}) for key, clock in clocks.items()}
    return Law(path.stem, values["title"], edition, calendar, tuple(countries), unknown, periods)
