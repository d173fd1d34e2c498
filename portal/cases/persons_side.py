"""What a person is told of their own request beyond its reference, and what they can do: why it waits and since when, that it
takes longer; for some minutes taking it back that they took it back, and letting a deletion wait no longer (GDPR Art. 12)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, identity, vault
from portal.cases import clocks, closing, cooling, deadlines, events, fulfilment, laws, legal_holds, mine, models, moves, states
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed, NotFound
from portal.paper import _
from portal.settings import get

TO_CHANGE_ONES_MIND = timedelta(minutes=30)


@dataclass(frozen=True)
class Wait:
    """A hold that stands. `still`: the legal date moves on by a day each day that it does; `since` is not said of all."""

    kind: str
    since: date | None
    still: bool


@dataclass(frozen=True)
class Side:
    """`late`: the legal date is over without an answer. `extended_on`: when we took more time. `undo_until`: until when
    taking it back can be taken back. `deletes_after`: until when a deletion waits so that they can take it back. `can_write`:
    messages are still kept. `language`: what we write in."""

    waits: tuple[Wait, ...]
    late: bool
    extended_on: date | None
    undo_until: datetime | None
    deletes_after: datetime | None
    can_write: bool
    language: str


async def of(case_id: str) -> Side:
    row = await moves.load(case_id)
    answered = row.state in (states.DELIVERING, states.CLOSED)
    return Side(
        await _waits(row),
        not answered and deadlines.today(get().time_zone).isoformat() > row.due_on,
        None if row.extended_at is None or answered else _day(row.extended_at),
        _undo_until(row),
        await cooling.until(row),
        await vault.find_key("case", case_id) is not None,
        row.language,
    )


async def take_up_again(case_id: str, session: identity.Session) -> None:
    """It goes on where an officer begins, with the date that it had: nothing was done meanwhile."""
    async with db.writing():
        row = await moves.lock(case_id)
        if not await mine.is_of(case_id, session):
            raise NotFound(_("There is no such request."))
        if _undo_until(row) is None:
            raise Conflict(_("It is too late to take this back. You can ask again at any time."))
        actor = f"customer:{session.subject}"
        await closing.begin_again(row, events.TAKEN_UP, actor=actor)
        await clocks.recount(row)


async def delete_at_once(case_id: str, session: identity.Session) -> None:
    """The deletion waits no longer for its person to change their mind: it begins as soon as it is approved.

    Raises NotAllowed when a step-up is due: a visit that was left open must not cut short what nobody can bring back.
    """
    async with db.writing():
        row = await moves.lock(case_id)
        if not await mine.is_of(case_id, session):
            raise NotFound(_("There is no such request."))
        if not identity.fresh(session):
            raise NotAllowed(_("Please prove once more that it is you; then it can be deleted at once."))
        await cooling.give_up(row)
        await audit.record(events.HURRIED, actor=f"customer:{session.subject}", subject=row.subject, case=row.id)
        await fulfilment.hurry(row)


def _undo_until(row: models.CaseRow) -> datetime | None:
    if row.outcome != "withdrawn" or row.closed_at is None or row.right in states.AT_ONCE:
        return None
    ends = row.closed_at + TO_CHANGE_ONES_MIND
    return ends if clock.now() < ends else None


async def _waits(row: models.CaseRow) -> tuple[Wait, ...]:
    if row.state in (states.DELIVERING, states.CLOSED) and row.is_open == 0:
        return ()
    law = laws.laws().get(row.law)
    period = law.clocks.get(row.clock) if law is not None and law.edition == row.law_edition else None
    stops = period.pauses + period.waits_for if period is not None else ()
    holds = await models.Hold.filter(case_id=row.id, lifted_at=None).order_by("since")
    waits = {each.kind: Wait(each.kind, _day(each.since), each.kind in stops) for each in holds}
    if row.right in states.FOUR_EYES and await legal_holds.holds_request(row):
        waits["legal"] = Wait("legal", None, False)
    return tuple(waits.values())


def _day(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(get().time_zone)).date()
