"""Carrying out what was approved, in every connected system: the tasks, their turn and their end (GDPR Art. 15(3), 16, 17, 19).

Only jobs act: erasing.py, correcting.py, parcels.py, restricting.py and stopping.py. The portal's own data goes last, in one
transaction with the end.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from portal import audit, db, jobs
from portal.cases import (
    closing,
    cooling,
    events,
    fanout,
    freeze,
    models,
    moves,
    own_data,
    protection,
    recipients,
    states,
    targets,
)
from portal.cases.mine import reference_of
from portal.cases.policy import policy
from portal.lib import clock

VERBS = {
    **{"package": "cases.package", "correct": "cases.correct", "erase": "cases.erase"},
    **{"restrict": "cases.restrict", "stop": "cases.stop"},
}
# Done in the portal alone; connected systems hear of what may not be used by the propagation.
OUR_OWN = ("package", "restrict", "stop")


async def begin(row: models.CaseRow) -> None:
    """Inside `writing()`: one task and one job per system that has something to do; the portal's own part comes last.

    An erasure begins when the person's time to change their mind is over.
    """
    step = moves.ACTS[row.right]
    if step in OUR_OWN:
        systems = [(own_data.NAME, own_data.TITLE)]
    else:
        systems = [each for each in fanout.all_systems() if each[0] != own_data.NAME]
    own = step == "erase"
    if step == "correct":
        chosen = await targets.chosen_systems(row)
        systems, own = [each for each in systems if each[0] in chosen], own_data.NAME in chosen
    at = await cooling.until(row)
    for name, label in systems:
        await _add(row, name, label, step, at)
    if own:
        task_id = await fanout.add_task(row, own_data.NAME, own_data.TITLE, step)
        if not systems:
            await fanout.ask_later(task_id, VERBS[step], at)
    await audit.record(events.EXECUTING, actor="system", subject=row.subject, case=row.id, payload={"step": step})


async def execute(case_id: str, *, officer: str) -> int:
    """An officer lets tasks that wait for a system go on at once; answers how many."""
    async with db.writing():
        return await hurry(await moves.lock(case_id))


async def hurry(row: models.CaseRow) -> int:
    """Inside `writing()`: the same; the portal's own part stays the last."""
    waiting = await models.Task.filter(
        case_id=row.id, round=row.round, step__in=list(VERBS), state="waiting", system__not=own_data.NAME
    )
    for task in waiting:
        await fanout.ask_later(task.id, VERBS[task.step])
    if not waiting and row.state == states.FULFILLING:
        await own_turn(row, moves.ACTS[row.right])
    return len(waiting)


async def tell_refusal(row: models.CaseRow, reasons: str, *, by: str) -> None:
    """Inside `writing()`: the letter with reasons, complaint and judicial remedy (Art. 12(4)), from when data that was only
    stored is used again, and the end of the case."""
    declined = [each for each in await freeze.corrections(row) if each.accepted is False]
    day = await protection.end_later(row, by=by)
    await closing.tell(row, "mail/case-refused", {"reasons": reasons, "declined": declined, "day": day})
    await moves.finish(row, "refused", actor="system")


async def own_turn(row: models.CaseRow, step: str) -> None:
    """Inside `writing()`: the portal's own part comes when every other system has done its own."""
    tasks = await models.Task.filter(case_id=row.id, round=row.round, step=step)
    own = next((each for each in tasks if each.system == own_data.NAME), None)
    if own is not None and own.state == "waiting" and all(each.state == "answered" for each in tasks if each is not own):
        await fanout.ask_later(own.id, VERBS[step])


async def complete(row: models.CaseRow) -> None:
    """Inside `writing()`: all is done; tell the person. A package waits to be fetched, the rest is closed."""
    await moves.move(row, "deliver", event=events.DELIVERING, actor="system")
    if moves.ACTS[row.right] == "package":
        until = (clock.now() + policy().package_kept).date()
        await closing.tell(row, "mail/case-ready", {"until": until})
        return
    approval = await moves.latest_approval(row)
    reasons = await moves.reasons_of(approval) if approval else ""
    context = {"snapshot": await freeze.take(row), "reasons": reasons}
    if row.right == "erasure":
        # Whoever was deleted cannot sign in; the reference is the way to their certificate.
        await closing.tell(row, "mail/case-erased", context | {"reference": await reference_of(row.id)})
    elif row.right == "rectification":
        await closing.tell(row, "mail/case-corrected", context)
    else:
        stored = row.right == "restriction" or not await protection.objectable()
        await closing.tell(row, "mail/case-done", {"reasons": reasons, "stored": stored})
    await recipients.note(row)
    facts = await moves.facts(row)
    if "freeze" not in facts.holds:
        await moves.finish(row, row.proposed, actor="system")


async def mine(job: jobs.Job) -> tuple[models.Task | None, models.CaseRow | None]:
    """The task and its case if there is still something to do, and nothing changed since it was approved."""
    task = await models.Task.get_or_none(id=job.arguments["task"])
    if task is None or task.state in ("answered", "void", "stopped"):
        return None, None
    row = await moves.load(task.case_id)
    if row.state != states.FULFILLING or task.round != row.round:
        return None, None
    facts = await moves.facts(row)
    approval = await moves.latest_approval(row)
    if approval is not None and not facts.acting:
        reasons = await moves.reasons_of(approval)
        if (await freeze.take(row, answer=approval.answer, reasons=reasons)).digest != approval.digest:
            async with holding(job):
                await moves.void(await moves.lock(row.id), actor="system")
            return None, None
    return task, row


@asynccontextmanager
async def holding(job: jobs.Job) -> AsyncIterator[None]:
    """A write transaction that commits only while this worker still holds the job."""
    async with db.writing():
        await job.hold()
        yield


async def start(job: jobs.Job, task: models.Task) -> None:
    """From here on the work has begun: it can no longer be voided or taken back. What was, since this job looked, is left."""
    async with holding(job):
        row = await moves.lock(task.case_id)
        found = await models.Task.get_or_none(id=task.id)
        if found is None or found.state == "void" or row.state != states.FULFILLING:
            raise jobs.TryAgain("It was taken back meanwhile.", after=timedelta(0))
        task = found
        task.attempts += 1
        await task.save(update_fields=["attempts"])


async def answered(row: models.CaseRow, task: models.Task, counts: dict[str, int], event: audit.Event, **said: str) -> None:
    task.state, task.sentence, task.answered_at, task.counts = "answered", "", clock.now(), counts
    await task.save(update_fields=["state", "sentence", "answered_at", "counts"])  # the counters went on since it was read
    await audit.record(
        event, actor="system", subject=row.subject, case=row.id, object=task.system, payload={"rows": sum(counts.values())} | said
    )


async def _add(row: models.CaseRow, name: str, label: str, step: str, at: datetime | None) -> None:
    await fanout.ask_later(await fanout.add_task(row, name, label, step), VERBS[step], at)
