"""How the rules are tuned, and since when: policies/precedence.toml is tried first and then switched on, never half-way.

What is in force lies in the database, the same for every process from one moment on; the audit log has the hash of each
file that was switched on (GDPR Art. 5(2)).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal import db, settings
from portal.consent import precedence_file
from portal.consent.rules import Answer, Asked, Pause, Spoken, Stop, Terms, Tuning, answer
from portal.lib import clock

FILE = "precedence.toml"
NEUTRAL = Tuning()
DAY = 86_400 * 1_000_000  # in microseconds


@dataclass(frozen=True)
class InForce:
    """A tuning that was switched on. `told_at`: when everybody whose answer it changed had been found; None: not yet."""

    number: int
    tuning: Tuning
    file: bytes
    sha256: bytes
    in_force_from: datetime
    by: str
    told_up_to: str
    told_at: datetime | None


@dataclass(frozen=True)
class File:
    tuning: Tuning
    content: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


def read(path: Path | None = None) -> File:
    """The company's own file or another; raises Faulty with file and line. One that is not there changes nothing."""
    path = path or settings.get().policies / FILE
    content = precedence_file.content_of(path)
    return File(precedence_file.parse(content, path.name), content)


async def tuning(at: datetime | None = None) -> Tuning:
    """The tuning in force, now or at a moment."""
    return tuning_of((await db.several([question("tuning", at)]))[0])


def tuning_of(found: Sequence[dict[str, Any]]) -> Tuning:
    return _tuning(found[0]["tuning"]) if found else NEUTRAL


async def in_force(at: datetime | None = None) -> InForce | None:
    """What was switched on last, with its file; None: nothing ever was."""
    [found] = await db.several([question("*", at)])
    return _row(found[0]) if found else None


async def numbered(number: int) -> InForce | None:
    found = await db.row("SELECT * FROM precedence WHERE number = ?", number)
    return None if found is None else _row(found)


def tuned(
    found: Answer,
    asked: Asked,
    said: Sequence[Spoken],
    stops: Sequence[Stop],
    pauses: Sequence[Pause],
    terms: Terms,
    now: datetime,
    tuning: Tuning,
) -> Answer:
    """The answer of the rules, or the no that a tuning makes of their yes.

    `said` are all words: the latest of a grade may be the one that a tuning sets aside, and an earlier one stands then.
    """
    if not found.allowed or tuning.changes_nothing:
        return found
    by_both = answer(asked, said, stops, pauses, terms._replace(tuning=tuning), now)
    if by_both.allowed:
        return found
    only_recency = terms._replace(tuning=tuning._replace(order=()))
    why = "priority" if answer(asked, said, stops, pauses, only_recency, now).allowed else "recency"
    lost = [each for each in (found.because, *found.overruled) if each != by_both.because]
    return replace(by_both, overruled=tuple(lost), tuned=why)


async def moments(identifiers: Sequence[str]) -> set[int]:
    """When a tuning may have changed answers about these: it was switched on, or under one a yes ran out sooner."""
    found, windows = set[int](), set[tuple[str, int]]()
    for row in await db.rows("SELECT tuning, in_force_from FROM precedence"):
        found.add(row["in_force_from"])
        windows.update(_tuning(row["tuning"]).counts_for)
    marks = ", ".join("?" * len(identifiers))
    sql = f"SELECT said_at FROM decision WHERE identifier IN ({marks}) AND source = ? AND answer IN ('yes', 'informed')"
    for source, days in windows:
        found |= {row["said_at"] + days * DAY for row in await db.rows(sql, *identifiers, source)}
    return found


def question(columns: str, at: datetime | None) -> db.Question:
    if at is None:
        return f"SELECT {columns} FROM precedence ORDER BY number DESC LIMIT 1", ()
    sql = f"SELECT {columns} FROM precedence WHERE in_force_from <= ? ORDER BY number DESC LIMIT 1"
    return sql, (clock.micros(at),)


@lru_cache(maxsize=100)
def _tuning(stored: str) -> Tuning:
    raw = json.loads(stored)
    counts_for = tuple((str(source), int(days)) for source, days in raw["counts_for"])
    return Tuning(tuple(raw["order"]), int(raw["within_days"]), counts_for)


def _row(found: dict[str, Any]) -> InForce:
    return InForce(
        *(found["number"], _tuning(found["tuning"]), bytes(found["file"]), bytes(found["sha256"])),
        *(clock.from_micros(found["in_force_from"]), found["by"], found["told_up_to"]),
        None if found["told_at"] is None else clock.from_micros(found["told_at"]),
    )
