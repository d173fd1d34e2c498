"""Carrying out a correction in one system: exactly the entries that were chosen, written and read again (GDPR Art. 16, 19).

The connector compares each value with the one that was decided about and stops for an officer when it is another, and it
proves what it wrote before it commits. Writing the same again does no harm, so whoever takes over a job repeats it.
"""

from collections.abc import Mapping
from dataclasses import replace

from portal import audit, connectors, jobs, vault
from portal.cases import events, fanout, fulfilment, models, moves, new_address, own_data, targets, verification
from portal.lib.errors import Refusal
from portal.paper import _
from portal.vault import Place


@jobs.verb("cases.correct", at_once=4)
async def correct_job(job: jobs.Job) -> None:
    task, row = await fulfilment.mine(job)
    if task is None or row is None:
        return
    key = await vault.find_key("case", row.id)
    if key is None:
        return
    if task.system == own_data.NAME:
        await _correct_own(job, task, key)
        return
    rows: dict[str, list[connectors.RowName]] = {}
    changes: dict[str, str | None] = {}
    for each in await models.CorrectionRow.filter(case_id=row.id, accepted=1):
        if chosen := targets.rows_in(task.system, targets.kept(key, each)):
            rows[each.field] = chosen
            changes[each.field] = key.open(Place("case_correction", "new", each.id), each.new)
    try:
        known = await verification.covered(row)
        await fulfilment.start(job, task)
        outcome = await (await fanout.open_system(task, row)).correct(known.identifiers, changes, rows)
    except Refusal as problem:
        raise await fanout.not_done(task, problem) from problem
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        await _note(key, row, task, outcome, changes)


async def _correct_own(job: jobs.Job, task: models.Task, key: vault.Key) -> None:
    """The portal's own part, after every other system's: the address that the person is written to and signs in with."""
    try:
        async with fulfilment.holding(job):
            row = await moves.lock(task.case_id)
            correction = await models.CorrectionRow.get(case_id=row.id, field=new_address.FIELD)
            names = targets.rows_in(task.system, targets.kept(key, correction))
            changed = [await new_address.replace(row, name.key["id"]) for name in names]
            outcome = connectors.Outcome(True, changed=tuple(changed))
            await _note(key, await moves.load(row.id), task, outcome, {new_address.FIELD: None})
    except Refusal as problem:
        raise await fanout.not_done(task, problem) from problem


async def _note(
    key: vault.Key,
    row: models.CaseRow,
    task: models.Task,
    outcome: connectors.Outcome,
    changes: Mapping[str, str | None],
) -> None:
    """Inside `writing()`: what was read back there; with the last system the answer to the person."""
    missed = []
    for each in await models.CorrectionRow.filter(case_id=row.id, accepted=1):
        done = {(change.table, str(change.key)) for change in outcome.changed if change.field == each.field}
        now = [
            replace(target, read_back=(target.table, str(target.key)) in done)
            if target.chosen and target.system == task.system
            else target
            for target in targets.kept(key, each)
        ]
        await targets.keep(key, each, now)
        read = [target.read_back for target in now if target.chosen]
        each.read_back = None if None in read else int(all(read))
        await each.save(update_fields=["read_back"])
        missed += [each.field] if each.read_back != 1 else []
    counts = {field: sum(change.field == field for change in outcome.changed) for field in changes}
    await fulfilment.answered(row, task, counts, events.CORRECTED)
    if await models.Task.filter(case_id=row.id, round=row.round, step="correct").exclude(state="answered").exists():
        await fulfilment.own_turn(row, "correct")
        return
    if not missed:
        await fulfilment.complete(row)
        return
    task.state = "stopped"
    task.sentence = _("No system has taken over: %s.") % ", ".join(missed)
    await task.save(update_fields=["state", "sentence"])
    await audit.record(events.STOPPED, actor="system", subject=row.subject, case=row.id, object=task.system)
