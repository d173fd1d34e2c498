"""From decisions to the latest words per cell: the same whether kept up one by one or rebuilt from the start.

Kept per identifier, cell, grade and kind of answer. Which of two words is later does not depend on which came first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from portal import db
from portal.consent.rules import Spoken
from portal.consent.words import Cell
from portal.lib import clock

WORDS = ("yes", "no", "unset", "informed")
_COLUMNS = "identifier, purpose, channel, topic, grade, answer, said_at, expires_at, decision, source, edition"
_FOREVER = 2**62
_AT_ONCE = 500

Place = tuple[str, Cell, str, str]


def fold(words: Iterable[Spoken]) -> dict[Place, Spoken]:
    """The latest word of each grade and kind on each cell."""
    latest: dict[Place, Spoken] = {}
    for word in words:
        place = (word.identifier, word.cell, word.grade, word.answer)
        if place not in latest or _order(word) > _order(latest[place]):
            latest[place] = word
    return latest


async def keep(words: Iterable[Spoken]) -> None:
    """Let new words into the stored ones; inside `writing()`, one statement."""
    latest = fold(words)
    if not latest:
        return
    await db.many(
        f"INSERT INTO permission ({_COLUMNS}) VALUES ({', '.join('?' * 11)})"
        " ON CONFLICT (identifier, purpose, channel, topic, grade, answer) DO UPDATE SET said_at = excluded.said_at,"
        " expires_at = excluded.expires_at, decision = excluded.decision, source = excluded.source, edition = excluded.edition"
        " WHERE excluded.said_at > permission.said_at OR (excluded.said_at = permission.said_at AND ("
        f"coalesce(excluded.expires_at, {_FOREVER}) < coalesce(permission.expires_at, {_FOREVER})"
        f" OR (coalesce(excluded.expires_at, {_FOREVER}) = coalesce(permission.expires_at, {_FOREVER})"
        " AND excluded.decision < permission.decision)))",
        [_row(word) for word in latest.values()],
    )


async def kept(identifiers: Iterable[str], purposes: Iterable[str] | None = None) -> list[Spoken]:
    """The stored words of these identifiers, for these purposes or all."""
    about = None if purposes is None else sorted(set(purposes))
    narrowed = "" if about is None else f" AND purpose IN ({_marks(about)})"
    found: list[Spoken] = []
    for part in _parts(identifiers):
        sql = f"SELECT {_COLUMNS} FROM permission WHERE identifier IN ({_marks(part)}){narrowed}"
        found += [_spoken(row) for row in await db.rows(sql, *part, *(about or ()))]
    return found


async def from_scratch(identifiers: Iterable[str], at: datetime | None = None) -> list[Spoken]:
    """The words of these identifiers folded anew from all decisions, as recorded by then."""
    moment = _FOREVER if at is None else clock.micros(at)
    found: list[Spoken] = []
    for part in _parts(identifiers):
        found += [
            _spoken(row)
            for row in await db.rows(
                "SELECT identifier, purpose, channel, topic, grade, answer, said_at, expires_at, id AS decision, source, edition"
                f" FROM decision WHERE identifier IN ({_marks(part)}) AND recorded_at <= ? AND state = 'firm'"
                " AND answer <> 'undone' AND NOT EXISTS (SELECT 1 FROM decision AS undoing"
                " WHERE undoing.refers_to = decision.id AND undoing.answer = 'undone' AND undoing.recorded_at <= ?)",
                *(*part, moment, moment),
            )
        ]
    return list(fold(found).values())


async def rebuild(identifiers: Sequence[str]) -> None:
    """Write the stored words of these identifiers anew; inside `writing()`. Changes nothing unless a no was undone."""
    for part in _parts(identifiers):
        # Touching the rows first makes a decision that is being recorded at this moment (PostgreSQL) wait or be seen.
        await db.run(f"UPDATE permission SET said_at = said_at WHERE identifier IN ({_marks(part)})", *part)
        await db.run(f"DELETE FROM permission WHERE identifier IN ({_marks(part)})", *part)
        await keep(await from_scratch(part))


def _order(word: Spoken) -> tuple[datetime, int, tuple[int, ...]]:
    """Later wins; of two said at the same time the one that ends first; then the one with the smaller id."""
    ends = _FOREVER if word.expires_at is None else clock.micros(word.expires_at)
    return word.at, -ends, tuple(-ord(letter) for letter in word.decision)


def _row(word: Spoken) -> tuple[Any, ...]:
    ends = None if word.expires_at is None else clock.micros(word.expires_at)
    said = clock.micros(word.at)
    return (word.identifier, *word.cell, word.grade, word.answer, said, ends, word.decision, word.source, word.edition)


def _spoken(row: dict[str, Any]) -> Spoken:
    return Spoken(
        row["identifier"],
        Cell(row["purpose"], row["channel"], row["topic"]),
        row["grade"],
        row["answer"],
        clock.from_micros(row["said_at"]),
        None if row["expires_at"] is None else clock.from_micros(row["expires_at"]),
        row["decision"],
        row["source"],
        row["edition"],
    )


def _parts(identifiers: Iterable[str]) -> Iterable[list[str]]:
    wanted = sorted(set(identifiers))
    return (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
