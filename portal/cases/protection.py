"""What protects a person from the moment it is known that a request is theirs, until it is decided (GDPR Art. 18, 21).

A deletion stops advertising at once. What is objected to or contested is only stored, not used: an objection until it is
decided, a restriction until an officer has told the person that it ends. Who is refused is told so first (Art. 18(3)).
"""

from datetime import date, timedelta

from portal import audit, consent, jobs
from portal.cases import events, models, states
from portal.lib import clock

GROUNDS = ("accuracy contested", "unlawful use", "needed for legal claims")
STANDS = frozenset({"restriction", "objection"})
TOLD_BEFORE = timedelta(days=3)


async def begin(row: models.CaseRow, subject: str, *, by: str, ground: str = "") -> None:
    """Inside `writing()`: it was shown that the request is about this person."""
    if row.right == "erasure" and row.requester != states.BY_COMPANY:
        # Marketing and profiling stop now; the deletion itself waits for the dry run and a second person.
        await consent.stops.object_to_marketing(subject, by=by, why="erasure asked")
    if row.right in STANDS and row.restriction is None:
        why = "objection being weighed" if row.right == "objection" else ground or GROUNDS[0]
        row.restriction = await consent.stops.restrict(subject, by=by, why=why, case=row.id)
        await row.save(update_fields=["restriction"])


async def end_with(row: models.CaseRow, *, by: str) -> None:
    """Inside `writing()`, when a request has ended: what stood only until its decision ends with it.

    Where no published use could be stopped, an objection that was agreed to stays a restriction: the data is only stored.
    """
    agreed = row.outcome in ("fulfilled", "partly")
    if agreed and (row.right == "restriction" or (row.right == "objection" and not await objectable())):
        return
    if row.outcome == "refused":
        return  # the letter named the day (end_later)
    await end(row, by=by, why=row.outcome)


async def end_later(row: models.CaseRow, *, by: str) -> date | None:
    """Inside `writing()`: a restriction will end on the day that is answered, which the person is told now; None without one."""
    if row.restriction is None:
        return None
    ends = clock.now() + TOLD_BEFORE
    key, officer = f"cases.lift {row.restriction}", by.removeprefix("officer:")
    await jobs.later("cases.lift", {"case": row.id, "officer": officer}, key=key, at=ends)
    await audit.record(events.RESTRICTION_ENDS, actor=by, subject=row.subject, case=row.id)
    return ends.date()


async def objectable() -> list[consent.Purpose]:
    """The published purposes that rest on our own interest or a public task: what an objection can be against (Art. 21(1))."""
    return [
        each
        for each in await consent.purposes()
        if each.default != "fixed" and each.basis in ("legitimate interest", "public task")
    ]


async def end(row: models.CaseRow, *, by: str, why: str) -> None:
    """Inside `writing()`: the data may be used again, as far as it might before."""
    if row.restriction is not None:
        await consent.stops.end_restriction(row.restriction, by=by, why=why, case=row.id)
        row.restriction = None
        await row.save(update_fields=["restriction"])
