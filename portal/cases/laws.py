"""The laws' clocks as data: policies/laws/*.toml, one file per law, each with its edition and the hash of its bytes.

A running case keeps the dates that were computed when it came in, with the edition they rest on: changing a file moves
no case (GDPR Art. 5(2)). A file that cannot be read is named with its line.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.settings import get

UNITS = ("month", "day", "business day", "hour", "year")


class LawError(Exception):
    """A law's file cannot be used; the message names the file, the place and what to do."""


@dataclass(frozen=True)
class Clock:
    """One period of a law. `amount` None: the law gives no number ("without undue delay")."""

    key: str
    title: str
    amount: int | None
    unit: str
    article: str
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


def _law(path: Path) -> Law:
    content = path.read_bytes()
    try:
        data = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise LawError(f"{path}: {problem}") from problem
    clocks = {key: _clock(path, key, clock) for key, clock in data.get("clocks", {}).items()}
    if "answer" not in clocks:
        raise LawError(f"{path}: a law needs [clocks.answer], the period within which a request is answered.")
    try:
        return Law(
            path.stem,
            data["title"],
            f"{data['edition']}/{hashlib.sha256(content).hexdigest()[:12]}",
            data.get("calendar", "none"),
            tuple(data.get("countries", ())),
            data.get("for_unknown", False),
            clocks,
        )
    except KeyError as problem:
        raise LawError(f"{path}: {problem.args[0]!r} is missing.") from problem


def _clock(path: Path, key: str, data: dict[str, Any]) -> Clock:
    if "rights" in data:
        data["rights"] = tuple(data["rights"])
    try:
        clock = Clock(key=key, **{"amount": None, "unit": "", **data})
    except TypeError as problem:
        raise LawError(f"{path}: [clocks.{key}]: {problem}") from problem
    if clock.amount is not None and clock.unit not in UNITS:
        raise LawError(f"{path}: [clocks.{key}]: unit {clock.unit!r} is none of: {', '.join(UNITS)}.")
    return clock
