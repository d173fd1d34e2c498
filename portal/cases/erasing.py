"""A deletion in one system: exactly the stored dry run, and a second look (GDPR Art. 17, 5(1)(f)).

A count unlike the dry run's stops for an officer, and so does a row that is left. Around the outside effect the job's journal
says "about to" and "done": taken over in between, we ask the system what happened and never repeat blindly.
"""

from datetime import timedelta

from portal import audit, connectors, jobs
from portal.cases import (
    contact,
    cooling,
    events,
    fanout,
    findings,
    fulfilment,
    intake,
    legal_holds,
    models,
    moves,
    own_data,
    repeating,
    states,
    verification,
)
from portal.lib import clock
from portal.lib.errors import Refusal
from portal.paper import _

HELD_FOR = timedelta(hours=1)


@jobs.verb("cases.erase", at_once=4)
async def erase_job(job: jobs.Job) -> None:
    task, row = await fulfilment.mine(job)
    if task is None or row is None:
        return
    if ends := await cooling.until(row):
        # Woken before its time, by an officer or a hold that was lifted; or the legal date has moved.
        raise jobs.TryAgain("The person may still change their mind.", after=ends - clock.now())
    await _wait_for_holds(job, task)
    search = await models.Task.get(case_id=row.id, system=task.system, round=task.round, step="plan")
    if task.system == own_data.NAME:
        try:
            await _erase_own(job, task, row, search)
        except Refusal as problem:
            raise await _stop(task, problem.sentence) from problem
        return
    plan = await findings.read_plan(search)
    if legal_holds.keeps_all(plan) and await legal_holds.holds_system(task.system):
        await _done(job, task, plan, events.ANSWERED)
        return
    await _wait_for_system(job, task)
    try:
        system = await fanout.open_system(task, row)
        await fulfilment.start(job, task)
        if await job.note("erase") is None:
            await _erase_once(job, task, system, plan)
        left = await system.recheck(plan.identifiers, plan)
    except Refusal as problem:
        raise await fanout.not_done(task, problem) from problem
    remaining = [each for each in left if not each.expected]
    if remaining:
        raise await _stop(task, _("%(count)s rows are still there after the deletion: %(tables)s.") % _said(remaining))
    await _done(job, task, plan, events.ERASED)


async def _wait_for_holds(job: jobs.Job, task: models.Task) -> None:
    """Nothing is deleted while a hold stands, also one that was set after the approval. Lifting it hurries the job."""
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        held = states.held(await moves.facts(row))
        # What a system failed with stays said until it answers; that a hold stands says the case as well.
        await models.Task.filter(id=task.id, failures=0).update(sentence=held)
    if held:
        raise jobs.TryAgain("A hold stands.", after=HELD_FOR)


async def _wait_for_system(job: jobs.Job, task: models.Task) -> None:
    """A legal hold on the system that was set after its dry run."""
    if await legal_holds.holds_system(task.system):
        async with fulfilment.holding(job):
            sentence = _("A legal hold stands on this system: nothing in it may be deleted before it is lifted.")
            await models.Task.filter(id=task.id, failures=0).update(sentence=sentence)
        raise jobs.TryAgain("A legal hold stands.", after=HELD_FOR)


async def _done(job: jobs.Job, task: models.Task, plan: connectors.Plan, event: audit.Event) -> None:
    """All is as the approved dry run says: deleted, or kept whole under a legal hold, which is no deletion to repeat."""
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        if event is events.ERASED:
            await repeating.remember(row, task, plan)
        await fulfilment.answered(row, task, {f"{each.action} {each.table}": each.rows for each in plan.counts}, event)
        await fulfilment.own_turn(row, "erase")


async def _erase_once(job: jobs.Job, task: models.Task, system: connectors.Connector, plan: connectors.Plan) -> None:
    before = await job.begin("erase")
    if before == "about to":
        # Whoever had this job fell between "about to" and "done": only the system knows whether it happened.
        left = [each for each in await system.recheck(plan.identifiers, plan) if not each.expected]
        if not left:
            await job.finish("erase", "found done")
            return
    fresh = await system.plan_erasure(plan.identifiers)
    if fresh.counts != plan.counts:
        if before == "new":
            await job.undone("erase")
        raise await _stop(task, _("The rows there are not those of the dry run any more. Nothing was deleted now."))
    try:
        await _wait_for_holds(job, task)  # once more: asking the system took its time
        await _wait_for_system(job, task)
    except jobs.TryAgain:
        if before == "new":
            await job.undone("erase")
        raise
    try:
        await system.erase(plan)
    except connectors.Uncertain:
        raise  # still "about to": the next try asks the system first
    except connectors.ConnectorError:
        await job.undone("erase")  # the contract: it raised, so it changed nothing
        raise
    await job.finish("erase", "done")


async def _erase_own(job: jobs.Job, task: models.Task, row: models.CaseRow, search: models.Task) -> None:
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        plan = await findings.read_plan(search)
        own = own_data.OwnData(row)
        if (await own.plan_erasure(plan.identifiers)).counts != plan.counts:
            stopped = _("Our own records are not those of the dry run any more. Nothing was deleted now.")
        elif states.held(await moves.facts(row)):
            # Set since this job looked; the transaction is undone and the next try says so on the task.
            raise jobs.TryAgain("A hold stands.", after=timedelta(0))
        elif (await verification.covered(row)).joined:
            stopped = _("An address joined to this person was not proven. Part it, or let the person prove it, first.")
        else:
            stopped = ""
            for address in plan.identifiers.get("email", ()):
                await intake.forget(address)
            outcome = await own.erase(plan)
            await contact.fall_with(row)
            await findings.drop(row)
            await fulfilment.answered(
                row, task, {f"{each.action} {each.table}": each.rows for each in outcome.counts}, events.ERASED
            )
            await fulfilment.complete(row)
    if stopped:
        raise await _stop(task, stopped)


async def _stop(task: models.Task, sentence: str) -> jobs.GiveUp | jobs.TryAgain:
    return await fanout.failed(task, sentence, permanent=True)


def _said(left: list[connectors.Leftover]) -> dict[str, str]:
    return {"count": str(len(left)), "tables": ", ".join(sorted({each.label for each in left}))}
