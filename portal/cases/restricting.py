"""Carrying out that data is only stored, and that it is not used against somebody's objection (GDPR Art. 18, 19, 21(1)).

Both began to count with the proof (protection.py), and every connected system that may use the data hears of it by the
propagation. What an officer agrees to stays: a restriction until its end was told, an objection for each purpose it is against.
"""

from datetime import datetime, timedelta

from portal import audit, db, jobs
from portal.cases import closing, events, fulfilment, looking, models, moves, protection, stopping
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import _

TELLING = ("case-refused", "case-restriction-ends")  # the letters that say when a restriction ends
UNPOSTED = timedelta(days=1)  # until it is looked again whether such a letter was posted


@jobs.verb("cases.restrict")
async def restrict_job(job: jobs.Job) -> None:
    await _carry_out(job)


@jobs.verb("cases.stop")
async def stop_job(job: jobs.Job) -> None:
    await _carry_out(job)


async def lift(case_id: str, why: str, *, officer: str) -> None:
    """Tell the person that their data will be used again and why; three days later it may be (Art. 18(3))."""
    if len(why.strip()) < 10:
        raise Invalid(_("Please give the reasons."), {"lift-why": _("The person will read them, with the right to complain.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.restriction is None or row.is_open:
            raise Conflict(_("There is no restriction of this request that could end."))
        if await _waits(row):
            raise Conflict(_("The person was told already that this ends, and when."))
        day = await protection.end_later(row, by=f"officer:{officer}")
        told = await closing.tell_late(row, "mail/case-restriction-ends", {"reasons": why.strip(), "day": day})
        if not told:
            await audit.record(events.UNTOLD, actor=f"officer:{officer}", subject=row.subject, case=case_id)


async def stands(case_id: str) -> bool:
    """Whether data is only stored because of this request, and nobody was told yet that it ends."""
    row = await moves.load(case_id)
    return row.restriction is not None and not await _waits(row)


@jobs.verb("cases.lift")
async def lift_job(job: jobs.Job) -> None:
    async with fulfilment.holding(job):
        row = await moves.lock(job.arguments["case"])
        if row.is_open:
            return  # it was opened again since the person was told, and is being decided anew
        told = await looking.last(row.id, events.RESTRICTION_ENDS)
        if row.outcome != "refused" and (told is None or row.closed_at is None or told < row.closed_at):
            return  # it was refused, looked at again and agreed to since: what the refusal said does not come true
        if waits := await _waits(row):
            raise jobs.TryAgain("The person was told once more since.", after=waits)
        await protection.end(row, by=f"officer:{job.arguments['officer']}", why="the person was told")


async def until_posted(case_id: str) -> bool:
    """Whether data stays only stored because the letter that says when this ends was not posted: nobody was told yet, and before
    that it must not be used (Art. 18(3))."""
    row = await moves.load(case_id)
    if row.restriction is None or row.reach != "post":
        return False
    told = await looking.last(row.id, events.RESTRICTION_ENDS)
    letter = None if told is None else await _told_by(row, told)
    return letter is not None and letter.posted_at is None


async def _told_by(row: models.CaseRow, told: datetime) -> models.Letter | None:
    """The letter on paper that says it."""
    return await models.Letter.filter(case_id=row.id, kind__in=TELLING, made_at__gte=told).order_by("-made_at").first()


async def _waits(row: models.CaseRow) -> timedelta | None:
    """How long it lasts until what the person was told last comes true; None when that is over, or they were told nothing."""
    told = await looking.last(row.id, events.RESTRICTION_ENDS)
    if told is not None and row.reach == "post":
        letter = await _told_by(row, told)
        if letter is not None and letter.posted_at is None:
            return UNPOSTED
        told = told if letter is None or letter.posted_at is None else letter.posted_at  # no letter: told by mail, long after
    left = timedelta(0) if told is None else told + protection.TOLD_BEFORE - clock.now()
    return left if left > timedelta(0) else None


async def _carry_out(job: jobs.Job) -> None:
    """One transaction: a crash before its end leaves nothing, and it is done again."""
    task, row = await fulfilment.mine(job)
    if task is None or row is None:
        return
    await fulfilment.start(job, task)
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        if row.right == "objection" and row.subject is not None:
            await stopping.stop_person(row, row.subject)
        await fulfilment.answered(row, task, {}, events.ACTED)
        await fulfilment.complete(row)
