"""Yeses that wait for their address to confirm them (double opt-in): which there are, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from portal import audit, db, jobs, subjects
from portal.consent import events
from portal.consent.words import Cell
from portal.lib import clock

if TYPE_CHECKING:
    from portal.consent.decisions import Decided

CONFIRM_WITHIN = timedelta(days=14)
# Whoever said something firm about the cell since then has answered; and nobody confirms for whoever left the address.
_WAITING = (
    "SELECT c.decision, c.identifier, c.asked_at, c.ends_at, c.mails, c.mailed_at, d.purpose, d.channel, d.topic, d.language"
    " FROM confirmation c JOIN decision d ON d.id = c.decision JOIN identifier i ON i.id = c.identifier"
    f" WHERE c.outcome = '' AND c.ends_at > ? AND i.audience <> '{subjects.FORMER}'"
    " AND NOT EXISTS (SELECT 1 FROM decision later WHERE later.identifier = d.identifier AND later.purpose = d.purpose"
    " AND later.channel = d.channel AND later.topic = d.topic AND later.state = 'firm' AND later.recorded_at > d.recorded_at)"
)
# An address with nothing else in the log was recorded for what was never confirmed, and for nothing else.
_ONLY_ASKED = {"identifier.added", events.ASKED.name, events.UNCONFIRMED.name, "messages.refused"}


@dataclass(frozen=True, slots=True)
class Pending:
    """A yes that does not count yet; `mailed_at`: when the confirmation was last asked for, None when it could not be."""

    decision: str
    identifier: str
    cell: Cell
    language: str
    asked_at: datetime
    ends_at: datetime
    mails: int
    mailed_at: datetime | None


async def begin(decided: Sequence["Decided"]) -> None:
    """Inside `writing()`: let these pending yeses be confirmed; one mail to an address for all that it was asked at once."""
    if not decided:
        return
    await db.many(
        "INSERT INTO confirmation (decision, identifier, asked_at, ends_at, mails, mailed_at, outcome, closed_at)"
        " VALUES (?, ?, ?, ?, 0, NULL, '', NULL)",
        [
            (each.id, each.word.identifier, clock.micros(each.recorded_at), clock.micros(each.recorded_at + CONFIRM_WITHIN))
            for each in decided
        ],
    )
    for identifier in sorted({each.word.identifier for each in decided}):
        await jobs.later("consent.ask_to_confirm", {"identifier": identifier}, key=f"consent.ask_to_confirm {identifier}")


async def pending(subject_id: str) -> list[Pending]:
    """What waits, of all addresses of a person."""
    mine = [each.id for each in (await subjects.whole(subject_id)).identifiers if each.erased_at is None]
    return await pending_of(mine) if mine else []


async def pending_of(identifiers: Sequence[str], asked_by: datetime | None = None) -> list[Pending]:
    """What waits for these addresses, of what was asked until then."""
    until = clock.micros(asked_by or clock.now())
    found = await db.rows(
        f"{_WAITING} AND c.identifier IN ({', '.join('?' * len(identifiers))}) AND c.asked_at <= ?"
        " ORDER BY c.asked_at, c.decision",
        *(clock.micros(clock.now()), *identifiers, until),
    )
    return [_pending(row) for row in found]


async def close(decision_id: str, outcome: str) -> bool:
    """Inside `writing()`; False when it was closed before."""
    now = clock.micros(clock.now())
    sql = "UPDATE confirmation SET outcome = ?, closed_at = ? WHERE decision = ? AND outcome = ''"
    return bool(await db.run(sql, outcome, now, decision_id))


async def is_only_asked(identifier: subjects.Identifier) -> bool:
    """Nothing is known of this address but yeses that it has not confirmed, whether they still wait or not."""
    if identifier.erased_at is not None or identifier.verified_at is not None:
        return False
    spoken = await db.row("SELECT 1 AS one FROM decision WHERE identifier = ? AND state <> 'pending' LIMIT 1", identifier.id)
    if spoken is not None or (await subjects.whole(identifier.home)).subjects != [identifier.subject]:
        return False
    entries = await audit.search(subject=identifier.home, limit=500)
    return {each.event for each in entries} <= _ONLY_ASKED


def _pending(row: dict[str, Any]) -> Pending:
    mailed = None if row["mailed_at"] is None else clock.from_micros(row["mailed_at"])
    asked, ends = clock.from_micros(row["asked_at"]), clock.from_micros(row["ends_at"])
    cell = Cell(row["purpose"], row["channel"], row["topic"])
    return Pending(row["decision"], row["identifier"], cell, row["language"], asked, ends, row["mails"], mailed)
