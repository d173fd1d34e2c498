"""Asking a colleague once more, who answers by hand for a system whose backup was restored: see replay.py.

One question per request and day of the backup, however often the command is run. A job waits for the answer as while the
request was open; its task lies beside the request's own rounds, which are over.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal import audit, connectors, jobs
from portal.cases import deadlines, events, fanout, fulfilment, models, moves, repeating, verification
from portal.lib import clock, ids
from portal.lib.errors import Refusal
from portal.settings import get

VERB = "cases.by_hand_again"
STEPS = {repeating.ERASE: "erase again", repeating.CORRECT: "correct again"}
VERBS = dict.fromkeys(STEPS.values(), VERB)
# The legal date of the request is long over; what was undone stays undone until somebody does it.
TIME_TO_ANSWER = timedelta(days=7)


async def found(row: models.CaseRow, task: models.Task, day: date) -> models.Task | None:
    """The task by which this is asked again, if it was asked."""
    return await models.Task.get_or_none(case_id=row.id, system=task.system, step=STEPS[task.step], round=-day.toordinal())


async def ask(row: models.CaseRow, task: models.Task, day: date) -> None:
    """Inside `writing()`: the mail goes out with the job."""
    again = ids.new()
    await models.Task.create(
        id=again,
        case_id=row.id,
        system=task.system,
        label=task.label,
        step=STEPS[task.step],
        round=-day.toordinal(),
        created_at=clock.now(),
        counts={},
    )
    await fanout.ask_later(again, VERB)


@jobs.verb(VERB, at_once=4)
async def ask_job(job: jobs.Job) -> None:
    again = await models.Task.get_or_none(id=job.arguments["task"])
    if again is None or again.state == "answered":
        return
    row, day = await moves.load(again.case_id), date.fromordinal(-again.round)
    since = datetime.combine(day, time(), ZoneInfo(get().time_zone))
    done = await repeating.done_since(again.system, since)
    task = next((each for each in done if each.case_id == row.id and STEPS[each.step] == again.step), None)
    if task is None:
        return  # the request was reopened and is done anew
    due = deadlines.today(get().time_zone) + TIME_TO_ANSWER
    subject = None if await verification.is_erased(row) else row.subject
    occasion = connectors.Occasion(row.id, again.round, again.id, subject, due.isoformat(), restored=day.isoformat())
    system = connectors.open_system(again.system, occasion)
    try:
        rows = await (_erase(system, row, task) if task.step == repeating.ERASE else _correct(system, row, task, done))
    except Refusal as problem:
        raise await fanout.not_done(again, problem) from problem
    async with fulfilment.holding(job):
        await models.Task.filter(id=again.id).update(state="answered", sentence="", answered_at=clock.now())
        payload = {"step": task.step, "rows": rows}
        await audit.record(events.REPLAYED, actor="system", case=row.id, object=again.system, payload=payload)


async def _erase(system: connectors.Connector, row: models.CaseRow, task: models.Task) -> int:
    """Raises Waiting until they have answered."""
    plan = await repeating.planned_then(task)
    if plan is None:
        raise connectors.ConnectorError(await repeating.gone(row, task), permanent=True)
    if any(not each.expected for each in await system.recheck(plan.identifiers, plan)):
        await system.erase(plan)
    return repeating.deleted_rows(task)


async def _correct(system: connectors.Connector, row: models.CaseRow, task: models.Task, done: list[models.Task]) -> int:
    entries = (await repeating.entries(done)).get(task.id)
    if entries is None:
        raise connectors.ConnectorError(await repeating.gone(row, task), permanent=True)
    known = (await verification.covered(row)).identifiers
    rows: dict[str, list[connectors.RowName]] = {}
    for each in entries:
        rows.setdefault(each.field, []).append(connectors.RowName(each.target.table, each.target.key, each.target.old))
    changes: dict[str, str | None] = {each.field: each.new for each in entries}
    return len((await system.correct(known, changes, rows)).changed) if rows else 0
