"""What each connected system has been told, what waits for it, and how far in the log it is.

Deliveries are written together with the cursor, after the telling: a crash in between tells the same once more, under
the same ids. Of each person only the first open delivery has a time for its next try; the others stand behind it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Any

from portal import db
from portal.consent.changes import Item
from portal.consent.telling import Outcome
from portal.consent.words import Cell
from portal.lib import clock, ids

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
PARKED_AFTER = timedelta(hours=24)

_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 1000
_random = SystemRandom()


@dataclass(frozen=True)
class Standing:
    """`position` is the last place in the log that the system was told; `next_at`: it is left alone until then."""

    position: int = -1
    tries: int = 0
    next_at: datetime | None = None
    paused_at: datetime | None = None
    alerted_at: datetime | None = None

    @property
    def is_left_alone(self) -> bool:
        return self.paused_at is not None or (self.next_at is not None and self.next_at > clock.now())


@dataclass(frozen=True)
class Open:
    """A delivery that was not taken yet."""

    id: str
    item: Item
    tries: int
    created_at: datetime


async def standing(system: str) -> Standing:
    found = await db.row("SELECT * FROM cursor WHERE system = ?", system)
    if found is None:
        return Standing()
    moments = (None if found[name] is None else clock.from_micros(found[name]) for name in ("next_at", "paused_at", "alerted_at"))
    return Standing(int(found["log_index"]), int(found["tries"]), *moments)


async def due(system: str, people: int) -> list[Open]:
    """Everything open of those people whose turn has come, person by person in the order of the log."""
    heads = await db.rows(
        "SELECT subject FROM delivery WHERE system = ? AND state <> 'sent' AND next_at <= ? ORDER BY next_at LIMIT ?",
        *(system, clock.micros(clock.now()), people),
    )
    turn = list(dict.fromkeys(row["subject"] for row in heads))
    if not turn:
        return []
    found = await db.rows(
        f"SELECT * FROM delivery WHERE system = ? AND state <> 'sent' AND subject IN ({_marks(turn)})"
        " ORDER BY subject, log_index, id",
        *(system, *turn),
    )
    return [_open(row) for row in found]


async def blocked(system: str, people: Iterable[str]) -> set[str]:
    """Those of the people for whom something earlier waits."""
    found: set[str] = set()
    for part in _parts(people):
        sql = f"SELECT DISTINCT subject FROM delivery WHERE system = ? AND state <> 'sent' AND subject IN ({_marks(part)})"
        found |= {row["subject"] for row in await db.rows(sql, system, *part)}
    return found


async def write_down(system: str, position: int, end: int, told: Sequence[tuple[Item, Outcome]]) -> bool:
    """New deliveries and the cursor in one transaction; says no when another worker told the same round."""
    now = clock.now()
    async with db.writing():
        await _have_cursor(system, now)
        moved = await db.run(
            "UPDATE cursor SET log_index = ?, moved_at = ? WHERE system = ? AND log_index = ?",
            *(end, clock.micros(now), system, position),
        )
        if not moved:
            return False
        await db.many(
            "INSERT INTO delivery (id, system, log_index, subject, identifier, purpose, channel, topic, state, allowed, tries,"
            " next_at, problem, created_at, done_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (system, log_index, identifier, purpose, channel, topic) DO UPDATE SET subject = excluded.subject,"
            " state = excluded.state, allowed = excluded.allowed, tries = delivery.tries + excluded.tries,"
            " next_at = excluded.next_at, problem = excluded.problem, done_at = excluded.done_at"
            " WHERE delivery.state = 'sent'",  # replayed; what is open keeps its place
            [_row(system, item, outcome, now) for item, outcome in told],
        )
        await _lead(system, {item.subject for item, outcome in told if outcome.allowed is None})
    return True


async def note(system: str, tried: Sequence[tuple[Open, Outcome]]) -> bool:
    """How the next try of open deliveries went; says whether one was parked now."""
    now = clock.now()
    sent = [(int(outcome.allowed), clock.micros(now), each.id) for each, outcome in tried if outcome.allowed is not None]
    failed = [(each, outcome.problem) for each, outcome in tried if outcome.problem]
    parked = {each.id for each, _problem in failed if now - each.created_at >= PARKED_AFTER}
    async with db.writing():
        await db.many(
            "UPDATE delivery SET state = 'sent', allowed = ?, done_at = ?, tries = tries + 1, next_at = NULL"
            " WHERE id = ? AND state <> 'sent'",
            sent,
        )
        await db.many(
            "UPDATE delivery SET state = ?, tries = tries + 1, next_at = ?, problem = ? WHERE id = ? AND state <> 'sent'",
            [(*_next(each.id in parked, each.tries + 1, now), problem, each.id) for each, problem in failed],
        )
        await _lead(system, {each.item.subject for each, _outcome in tried})
    return bool(parked)


async def counts(system: str) -> tuple[int, datetime | None]:
    """How many deliveries are open, and when the next of them is due."""
    found = await db.row("SELECT count(*) AS n, min(next_at) AS at FROM delivery WHERE system = ? AND state <> 'sent'", system)
    assert found is not None
    return int(found["n"]), None if found["at"] is None else clock.from_micros(found["at"])


async def release(system: str) -> None:
    """Inside `writing()`: the system answers (again), so everything that waits for it is due now."""
    now = clock.micros(clock.now())
    await db.run("UPDATE delivery SET next_at = ? WHERE system = ? AND state <> 'sent' AND next_at > ?", now, system, now)


async def forget_sent(before: datetime) -> int:
    """Forget what was taken before a moment; what still waits stays, however old. Answers how many went.

    A replay needs none of it: it reads the log. Oldest first and in portions, so that nobody waits long to write; it
    stops at the first portion that is younger.
    """
    limit, last, gone, old = clock.micros(before), "", 0, True
    while old:
        sql = "SELECT id, state, created_at, done_at FROM delivery WHERE id > ? ORDER BY id LIMIT ?"
        portion = await db.rows(sql, last, _FORGOTTEN_AT_ONCE)
        old = bool(portion) and portion[-1]["created_at"] < limit
        last = portion[-1]["id"] if portion else last
        taken = [(each["id"], limit) for each in portion if each["state"] == "sent" and each["done_at"] < limit]
        if taken:
            async with db.writing():  # one that was replayed meanwhile has been taken later
                await db.many("DELETE FROM delivery WHERE id = ? AND state = 'sent' AND done_at < ?", taken)
            gone += len(taken)
    return gone


async def note_system(system: str, **columns: Any) -> None:
    """Inside `writing()`: how the system as a whole fares."""
    await _have_cursor(system, clock.now())
    assignments = ", ".join(f"{name} = ?" for name in columns)
    await db.run(f"UPDATE cursor SET {assignments} WHERE system = ?", *columns.values(), system)


def pause(tries: int) -> timedelta:
    """Doubles with each try; the half at random spreads those that failed together."""
    longest: timedelta = min(FIRST_PAUSE * 2 ** min(tries - 1, 20), LONGEST_PAUSE)
    return longest * _random.uniform(0.5, 1)


async def _have_cursor(system: str, now: datetime) -> None:
    await db.run(
        "INSERT INTO cursor (system, log_index, moved_at) VALUES (?, -1, ?) ON CONFLICT (system) DO NOTHING",
        *(system, clock.micros(now)),
    )


async def _lead(system: str, people: set[str]) -> None:
    """The first open delivery of each person gets a time, if none of theirs has one."""
    now = clock.micros(clock.now())
    for part in _parts(people):
        await db.run(
            "UPDATE delivery SET next_at = ? WHERE system = ? AND state <> 'sent' AND next_at IS NULL"
            f" AND subject IN ({_marks(part)}) AND NOT EXISTS (SELECT 1 FROM delivery AS other"
            " WHERE other.system = delivery.system AND other.subject = delivery.subject"
            " AND other.state <> 'sent' AND (other.next_at IS NOT NULL"
            " OR other.log_index < delivery.log_index OR (other.log_index = delivery.log_index AND other.id < delivery.id)))",
            *(now, system, *part),
        )


def _next(parked: bool, tries: int, now: datetime) -> tuple[str, int]:
    """State and time of the next try: ever longer pauses for a day, then once a day."""
    if parked:
        return "parked", clock.micros(now + PARKED_AFTER * _random.uniform(0.9, 1))
    return "waiting", clock.micros(now + pause(tries))


def _row(system: str, item: Item, outcome: Outcome, now: datetime) -> tuple[Any, ...]:
    sent, tried = outcome.allowed is not None, outcome.allowed is not None or outcome.problem != ""
    state, next_at = ("sent", None) if sent else _next(False, 1, now) if tried else ("waiting", None)
    return (
        *(ids.new(), system, item.log_index, item.subject, item.identifier, *item.cell, state),
        *(None if outcome.allowed is None else int(outcome.allowed), int(tried), next_at, outcome.problem),
        *(clock.micros(now), clock.micros(now) if sent else None),
    )


def _open(row: dict[str, Any]) -> Open:
    cell = Cell(row["purpose"], row["channel"], row["topic"])
    item = Item(row["log_index"], row["subject"], row["identifier"], cell)
    return Open(row["id"], item, row["tries"], clock.from_micros(row["created_at"]))


def _parts(values: Iterable[str]) -> Iterable[list[str]]:
    wanted = sorted(set(values))
    return (wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
