"""From decisions to the latest words per cell: the same whether kept up one by one or rebuilt from the start.

Kept per identifier, cell, grade, kind of answer and batch. Which of two words is later does not depend on which came
first. The words of an import stand beside all others: a row of `batch` says whether they count. What closes (no, unset)
counts as soon as it is recorded and stays after an undoing; what opens counts from the end of the import to its undoing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from portal import db
from portal.consent.rules import Spoken
from portal.consent.words import Cell
from portal.lib import clock

WORDS = ("yes", "no", "unset", "informed")
CLOSING = ("no", "unset")
_COLUMNS = "identifier, purpose, channel, topic, grade, answer, said_at, expires_at, decision, source, edition"
_FOREVER = 2**62
_AT_ONCE = 500
COUNTS = (
    "(permission.batch = '' OR EXISTS (SELECT 1 FROM batch WHERE batch.id = permission.batch AND ("
    "(permission.answer IN ('no', 'unset') AND batch.noes_undone_at IS NULL) OR (permission.answer NOT IN ('no', 'unset')"
    " AND batch.in_force_at IS NOT NULL AND batch.undone_at IS NULL))))"
)
_COUNTED = (
    "(decision.batch IS NULL OR EXISTS (SELECT 1 FROM batch WHERE batch.id = decision.batch AND ("
    "(decision.answer IN ('no', 'unset') AND (batch.noes_undone_at IS NULL OR batch.noes_undone_at > ?))"
    " OR (decision.answer NOT IN ('no', 'unset') AND batch.in_force_at <= ?"
    " AND (batch.undone_at IS NULL OR batch.undone_at > ?)))))"
)

Place = tuple[str, Cell, str, str]


def fold(words: Iterable[Spoken]) -> dict[Place, Spoken]:
    """The latest word of each grade and kind on each cell."""
    latest: dict[Place, Spoken] = {}
    for word in words:
        place = (word.identifier, word.cell, word.grade, word.answer)
        if place not in latest or _order(word) > _order(latest[place]):
            latest[place] = word
    return latest


async def keep(words: Iterable[Spoken], batch: str | None = None) -> None:
    """Let new words, perhaps those of an import, into the stored ones; inside `writing()`, one statement."""
    latest = fold(words)
    if not latest:
        return
    await db.many(
        f"INSERT INTO permission ({_COLUMNS}, batch) VALUES ({', '.join('?' * 12)})"
        " ON CONFLICT (identifier, purpose, channel, topic, grade, answer, batch) DO UPDATE SET said_at = excluded.said_at,"
        " expires_at = excluded.expires_at, decision = excluded.decision, source = excluded.source, edition = excluded.edition"
        " WHERE excluded.said_at > permission.said_at OR (excluded.said_at = permission.said_at AND ("
        f"coalesce(excluded.expires_at, {_FOREVER}) < coalesce(permission.expires_at, {_FOREVER})"
        f" OR (coalesce(excluded.expires_at, {_FOREVER}) = coalesce(permission.expires_at, {_FOREVER})"
        " AND excluded.decision < permission.decision)))",
        [(*_row(latest[place]), batch or "") for place in sorted(latest)],  # in one order everywhere: no two wait for each other
    )


async def kept(identifiers: Iterable[str], purposes: Iterable[str] | None = None, with_batch: str = "") -> list[Spoken]:
    """The stored words that count, of these identifiers, for these purposes or all; and those of one batch in any case."""
    return kept_of(chain.from_iterable(await db.several(kept_questions(identifiers, purposes, with_batch))))


def kept_questions(identifiers: Iterable[str], purposes: Iterable[str] | None = None, with_batch: str = "") -> list[db.Question]:
    about = None if purposes is None else sorted(set(purposes))
    narrowed = "" if about is None else f" AND purpose IN ({_marks(about)})"
    counts = f"({COUNTS} OR permission.batch = ?)" if with_batch else COUNTS
    return [
        (
            f"SELECT {_COLUMNS}, batch FROM permission WHERE identifier IN ({_marks(part)}){narrowed} AND {counts}",
            (*part, *(about or ()), *([with_batch] if with_batch else [])),
        )
        for part in _parts(identifiers)
    ]


def kept_of(rows: Iterable[dict[str, Any]]) -> list[Spoken]:
    """What those questions found; words of several batches on one place are one."""
    found = list(rows)
    words = [spoken(row) for row in found]
    return list(fold(words).values()) if any(row["batch"] for row in found) else words


async def rows_of(identifiers: Sequence[str], purpose: str) -> list[dict[str, Any]]:
    """The stored words that count as they lie there, of some thousand identifiers and one purpose; see `spoken`."""
    sql = f"SELECT {_COLUMNS} FROM permission WHERE identifier IN ({_marks(identifiers)}) AND purpose = ? AND {COUNTS}"
    return await db.rows(sql, *identifiers, purpose) if identifiers else []


async def from_scratch(identifiers: Iterable[str], at: datetime | None = None) -> list[Spoken]:
    """The words of these identifiers folded anew from all decisions that count, as recorded by then."""
    return list(fold(await said(identifiers, at)).values())


async def said(identifiers: Iterable[str], at: datetime | None = None) -> list[Spoken]:
    """Every word of these identifiers that counts, or counted at a moment: also those that later ones of a grade replaced."""
    moment = _FOREVER if at is None else clock.micros(at)
    return [word for _batch, word in await _decided(identifiers, moment, _COUNTED, [moment] * 3)]


async def rebuild(identifiers: Sequence[str]) -> None:
    """Write the stored words of these identifiers anew; inside `writing()`. Changes nothing unless a no was undone."""
    for part in _parts(identifiers):
        # Touching the rows first makes a decision that is being recorded at this moment (PostgreSQL) wait or be seen.
        await db.run(f"UPDATE permission SET said_at = said_at WHERE identifier IN ({_marks(part)})", *part)
        await db.run(f"DELETE FROM permission WHERE identifier IN ({_marks(part)})", *part)
        decided = await _decided(part, _FOREVER, "decision.id <> ''", [])
        for batch in {batch for batch, _word in decided}:
            await keep([word for each, word in decided if each == batch], batch)


async def _decided(identifiers: Iterable[str], moment: int, condition: str, values: list[int]) -> list[tuple[str | None, Spoken]]:
    """The firm words recorded by then that nobody took back, each with its batch."""
    found: list[dict[str, Any]] = []
    for part in _parts(identifiers):
        found += await db.rows(
            "SELECT identifier, purpose, channel, topic, grade, answer, said_at, expires_at, id AS decision, source, edition,"
            f" batch FROM decision WHERE identifier IN ({_marks(part)}) AND recorded_at <= ? AND state = 'firm'"
            " AND answer <> 'undone' AND NOT EXISTS (SELECT 1 FROM decision AS undoing"
            " WHERE undoing.refers_to = decision.id AND undoing.answer = 'undone' AND undoing.recorded_at <= ?)"
            f" AND {condition}",
            *(*part, moment, moment, *values),
        )
    return [(row["batch"], spoken(row)) for row in found]


def _order(word: Spoken) -> tuple[datetime, int, tuple[int, ...]]:
    """Later wins; of two said at the same time the one that ends first; then the one with the smaller id."""
    ends = _FOREVER if word.expires_at is None else clock.micros(word.expires_at)
    return word.at, -ends, tuple(-ord(letter) for letter in word.decision)


def _row(word: Spoken) -> tuple[Any, ...]:
    ends = None if word.expires_at is None else clock.micros(word.expires_at)
    said = clock.micros(word.at)
    return (word.identifier, *word.cell, word.grade, word.answer, said, ends, word.decision, word.source, word.edition)


def spoken(row: dict[str, Any]) -> Spoken:
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
