"""Asking every connected system: one task and one job each (GDPR Art. 15(1), 17(1); Art. 19 for the recipients).

A system that does not answer leaves its task waiting with a sentence, and the case visibly partial; the job comes back
until it answers or an officer decides. Reading repeats without harm, so a crash here only means asking again.
"""

from datetime import datetime, timedelta

from portal import audit, connectors, db, jobs
from portal.cases import events, findings, legal_holds, models, moves, own_data, states, targets, verification
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound, Refusal
from portal.paper import _

LONGEST_PAUSE, WAKES_AFTER = timedelta(hours=1), timedelta(days=1)


async def triage(case_id: str, *, officer: str, flags: list[str]) -> None:
    """Say what is special about a request (third party, free text, weak proof); a flag asks for a second person."""
    async with db.writing():
        row = await moves.lock(case_id)
        if row.state == states.CLOSED:
            raise Conflict(_("This request is closed."))
        row.flags = sorted(set(flags))
        await row.save(update_fields=["flags"])
        await moves.void(row, actor=f"officer:{officer}")
        await audit.record(
            events.FLAGGED, actor=f"officer:{officer}", subject=row.subject, case=row.id, payload={"flags": row.flags}
        )


async def collect(case_id: str, *, officer: str) -> list[str]:
    """Ask every system what it holds (for an erasure: what it would delete); again from reviewing, with fresh answers."""
    async with db.writing():
        row = await moves.lock(case_id)
        return await search(row, actor=f"officer:{officer}", officer=row.officer or officer)


async def search(row: models.CaseRow, *, actor: str, officer: str | None = None) -> list[str]:
    """Inside `writing()`: the same, of a case that is locked; from now on it is this officer's."""
    again = row.state == states.REVIEWING
    verb, event = ("collect again", events.LOOK_AGAIN) if again else ("collect", events.COLLECTING)
    await moves.move(row, verb, event=event, actor=actor, officer=officer)
    return await ask_systems(row)


async def look_again(case_id: str, *, officer: str) -> list[str]:
    """A system stopped while the work was done: ask all anew, and decide anew on what they answer."""
    async with db.writing():
        row = await moves.lock(case_id)
        await moves.move(row, "look again", event=events.LOOK_AGAIN, actor=f"officer:{officer}", proposed="")
        return await ask_systems(row)


async def ask_systems(row: models.CaseRow) -> list[str]:
    """Inside `writing()`: a new round, one task and one job per system."""
    await findings.drop(row)
    await targets.forget(row)
    row.round += 1
    await row.save(update_fields=["round"])
    step = moves.search_step(row.right)
    tasks = []
    for name, label in all_systems():
        tasks.append(await add_task(row, name, label, step))
        await ask_later(tasks[-1], "cases.collect")
    return tasks


def all_systems() -> list[tuple[str, str]]:
    """Name and title of every system to ask: the connected ones, then the portal itself."""
    return [*((each.name, each.title) for each in connectors.systems()), (own_data.NAME, own_data.TITLE)]


async def open_system(task: models.Task, row: models.CaseRow) -> connectors.Connector:
    if task.system == own_data.NAME:
        return own_data.OwnData(row)
    fields = await models.CorrectionRow.filter(case_id=row.id).order_by("id").values_list("field", flat=True)
    occasion = connectors.Occasion(row.id, row.round, task.id, row.subject, row.due_on, tuple(str(each) for each in fields))
    return connectors.open_system(task.system, occasion)


async def add_task(row: models.CaseRow, system: str, label: str, step: str) -> str:
    task_id = ids.new()
    await models.Task.create(
        id=task_id, case_id=row.id, system=system, label=label, step=step, round=row.round, created_at=clock.now(), counts={}
    )
    return task_id


async def ask_later(task_id: str, verb: str, at: datetime | None = None) -> None:
    await jobs.later(verb, {"task": task_id}, key=f"{verb} {task_id}", at=at)


async def ask_now(task_id: str, *, officer: str) -> None:
    """An officer asks a system that did not answer again, without waiting for its turn."""
    async with db.writing():
        task = await _task(task_id)
        row = await moves.lock(task.case_id)
        task = await _task(task_id)
        if task.step != moves.search_step(row.right) or task.state not in ("waiting", "stopped") or task.round != row.round:
            raise Conflict(_("This system has answered."))
        task.state = "waiting"
        await task.save(update_fields=["state"])
        await ask_later(task_id, "cases.collect")
        await jobs.hurry(f"cases.collect {task_id}")


@jobs.verb("cases.collect", at_once=8)
async def collect_job(job: jobs.Job) -> None:
    """Ask one system and keep what it says."""
    task = await _task(job.arguments["task"])
    row = await moves.load(task.case_id)
    if _is_over(task, row):
        return
    try:
        known = await verification.covered(row)
        system = await open_system(task, row)
        if task.step == "plan":
            plan = await system.plan_erasure(known.identifiers)
            found: list[connectors.Finding] | connectors.Plan = await legal_holds.kept(plan)
        else:
            found = await system.find(known.identifiers)
    except Refusal as problem:
        raise await not_done(task, problem) from problem
    async with findings.sealed(row, task.system, found) as answer, db.writing():
        await job.hold()
        row = await moves.lock(task.case_id)
        task = await _task(task.id)
        if _is_over(task, row):
            return
        await _keep(row, task, answer)
        facts = await moves.facts(row)
        if facts.everything_answered:
            await targets.settle(row)
            await moves.move(row, "collected", event=events.COLLECTED, actor="system")


async def not_done(task: models.Task, problem: Refusal) -> jobs.GiveUp | jobs.TryAgain:
    """What a job raises when its system did not do it. A person who was asked is waited for: their answer wakes the job."""
    if isinstance(problem, connectors.Waiting):
        async with db.writing():
            await models.Task.filter(id=task.id, state="waiting").update(sentence=problem.sentence)
        return jobs.TryAgain(f"System {task.system} is a person who was asked.", after=WAKES_AFTER)
    permanent = not isinstance(problem, connectors.ConnectorError) or problem.permanent
    return await failed(task, problem.sentence, permanent=permanent)


async def failed(task: models.Task, sentence: str, *, permanent: bool) -> jobs.GiveUp | jobs.TryAgain:
    """Note on the task why its system did not do it; answers what the job shall raise."""
    async with db.writing():
        row = await moves.lock(task.case_id)
        task = await _task(task.id)
        task.sentence, task.failures = sentence[:500], task.failures + 1
        if permanent:
            task.state = "stopped"
            await audit.record(events.STOPPED, actor="system", subject=row.subject, case=row.id, object=task.system)
        await task.save()
    if permanent:
        return jobs.GiveUp(f"System {task.system} needs an officer.")
    pause = min(timedelta(seconds=2 * 2 ** min(task.failures, 12)), LONGEST_PAUSE)
    return jobs.TryAgain(f"System {task.system} did not answer.", after=pause)


async def _keep(row: models.CaseRow, task: models.Task, answer: findings.Sealed) -> None:
    counts = await findings.store(row, task, answer)
    task.state, task.sentence, task.answered_at, task.counts = "answered", "", clock.now(), counts
    await task.save()
    await audit.record(
        events.ANSWERED,
        actor="system",
        subject=row.subject,
        case=row.id,
        object=task.system,
        payload={"step": task.step, "rows": sum(counts.values())},
    )


async def _task(task_id: str) -> models.Task:
    task = await models.Task.get_or_none(id=task_id)
    if task is None:
        raise NotFound(_("There is no such task."))
    return task


def _is_over(task: models.Task, row: models.CaseRow) -> bool:
    return task.state == "answered" or task.round != row.round or row.state != states.COLLECTING


__all__ = ["all_systems", "ask_now", "collect", "look_again", "open_system", "search", "triage"]
