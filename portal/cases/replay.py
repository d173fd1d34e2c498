"""Doing again in a connected system what requests had done there since a day, after its owner restored a backup of that day.

For `portal replay`. Nothing is remembered about how far it came: each deletion begins with a fresh dry run and each correction
with a look, so that a second run, or one after a kill, finds what is left to do. What cannot be done again is named with the
reason, never left out (GDPR Art. 5(1)(d), 5(2), 16, 17).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal import audit, connectors, db
from portal.cases import by_hand_again, events, legal_holds, models, moves, repeating, states, targets, verification
from portal.cases.repeating import CORRECT, ERASE, Entry
from portal.connectors import as_text
from portal.lib.errors import Invalid, NotFound, Refusal
from portal.paper import _, date_text

# What becomes of one request's part in the system.
OPEN, DONE, ASKED, NOTHING, STUCK = "to do", "done", "asked", "nothing to do", "by hand"
STATES = (OPEN, DONE, ASKED, NOTHING, STUCK)


@dataclass(frozen=True)
class Part:
    """What one request had done in the system. `rows`: how many rows (of a correction: values) are to be done again or were,
    `then`: how many it had been; `why` it is STUCK, or what to look at before."""

    case: str
    step: str
    state: str
    rows: int = 0
    then: int = 0
    why: str = ""


@dataclass(frozen=True)
class Replay:
    """One system and the day of its backup. `told`: it only takes messages, so nobody can see what it holds; `people`: somebody
    answers for it by hand."""

    system: str
    since: datetime
    connector: connectors.Connector
    tasks: Sequence[models.Task]
    entries: dict[str, list[Entry]]
    told: bool
    people: bool

    @property
    def day(self) -> date:
        return self.since.date()


async def prepare(system: str, since: datetime) -> Replay:
    """Raises Invalid when the system does not answer: then nothing can be said about it."""
    kind = next((each.kind for each in connectors.systems() if each.name == system), None)
    if kind is None:
        raise NotFound(_("No connected system is called %s.") % system)
    connector = connectors.open_system(system)
    health = await connector.check()
    if not health.ok:
        said = "; ".join(f"{each.place}: {each.sentence}" for each in health.problems)
        raise Invalid(_("This system does not answer as it should, so nothing was done: %s") % said)
    tasks = await repeating.done_since(system, since)
    entries = await repeating.entries(tasks)
    return Replay(system, since, connector, tasks, entries, kind == "webhook", kind == "person")


async def look(replay: Replay, task: models.Task) -> Part:
    """The dry run of one; changes nothing."""
    return await _part(replay, task, by=None)


async def carry_out(replay: Replay, task: models.Task, *, by: str) -> Part:
    """Do one again, and prove it."""
    return await _part(replay, task, by=by)


async def _part(replay: Replay, task: models.Task, *, by: str | None) -> Part:
    row = await moves.load(task.case_id)
    do = _asked if replay.people else _erasure if task.step == ERASE else _correction
    try:
        part = await do(replay, row, task, by)
    except Refusal as problem:
        part = _stuck(task, problem.sentence)
    if part.state == STUCK and by is not None:
        await _note(events.REPLAY_FAILED, row, task, by, 0)
    return part


async def _erasure(replay: Replay, row: models.CaseRow, task: models.Task, by: str | None) -> Part:
    then = repeating.deleted_rows(task)
    known = await repeating.recall(task)
    if known is None:
        return _stuck(task, await repeating.gone(row, task)) if then or replay.told else Part(row.id, ERASE, NOTHING)
    if why := await _against(row, known, task):
        return _stuck(task, why)
    plan = await replay.connector.plan_erasure(known)
    rows = sum(each.action != "keep" for each in plan.rows)
    if by is None:
        more = _("More than were deleted then: look at the system before you go on.") if rows > then and not replay.told else ""
        return Part(row.id, ERASE, OPEN if rows or replay.told else NOTHING, rows, then, more)
    if not rows and not replay.told:
        return await _settled(row, task, by)
    await _note(events.REPLAYING, row, task, by, rows)
    await replay.connector.erase(plan)
    left = [each for each in await replay.connector.recheck(known, plan) if not each.expected]
    if left:
        raise Invalid(_("Rows are still there after the deletion: %s.") % ", ".join(sorted({each.label for each in left})))
    await _note(events.REPLAYED, row, task, by, rows)
    return Part(row.id, ERASE, DONE, rows, then)


async def _correction(replay: Replay, row: models.CaseRow, task: models.Task, by: str | None) -> Part:
    then = sum(task.counts.values())
    if await verification.is_erased(row):
        return Part(row.id, CORRECT, NOTHING)  # what they had is deleted, and that deletion stands in the list itself
    if task.id not in replay.entries:
        return _stuck(task, await repeating.gone(row, task))
    known = (await verification.covered(row)).identifiers
    wrong = await _unlike(replay.connector, known, replay.entries[task.id])
    if by is None:
        return Part(row.id, CORRECT, OPEN if wrong else NOTHING, len(wrong), then)
    if not wrong:
        return await _settled(row, task, by)
    await _note(events.REPLAYING, row, task, by, len(wrong))
    written, problems = 0, list[str]()
    for entry, held in wrong:
        place = connectors.RowName(entry.target.table, entry.target.key, held)
        try:
            outcome = await replay.connector.correct(known, {entry.field: entry.new}, {entry.field: [place]})
        except Refusal as problem:
            problems.append(problem.sentence)
            continue
        written += len(outcome.changed)
        problems += [_("The system takes no correction of %s any more.") % entry.field] if not outcome.changed else []
    if problems:
        raise Invalid(" ".join(dict.fromkeys(problems)))
    await _note(events.REPLAYED, row, task, by, written)
    return Part(row.id, CORRECT, DONE, written, then)


async def _unlike(
    connector: connectors.Connector, known: dict[str, list[str]], entries: Sequence[Entry]
) -> list[tuple[Entry, str]]:
    """The entries that do not say what they were corrected to, each with what it may say for the correction to be made again.

    An entry that says something that it never said before stays as it is: the connector refuses.
    """
    there = {
        (each.table, json.dumps(each.key, sort_keys=True)): {field.column: as_text(field.value) for field in each.fields}
        for each in await connector.find(_also_by(known, entries))
    }
    found = []
    for each in entries:
        said = there.get((each.target.table, json.dumps(each.target.key, sort_keys=True)), {}).get(each.target.column)
        if said is None or not targets.alike(said, each.new):
            found.append((each, said if said in each.before else each.target.old))
    return found


def _also_by(known: dict[str, list[str]], entries: Sequence[Entry]) -> dict[str, list[str]]:
    """A corrected address leads to its row by its new value alone."""
    more = {kind: [each.new for each in entries if each.field == kind] for kind in ("email", "phone")}
    return known | {kind: [*known.get(kind, []), *new] for kind, new in more.items() if new}


async def _asked(replay: Replay, row: models.CaseRow, task: models.Task, by: str | None) -> Part:
    """Whoever answers for the system is asked to do it again; a job waits for the answer."""
    then = repeating.deleted_rows(task) if task.step == ERASE else sum(task.counts.values())
    if task.step == CORRECT and await verification.is_erased(row):
        return Part(row.id, CORRECT, NOTHING)
    if not then:
        return Part(row.id, task.step, NOTHING)
    known = await repeating.recall(task)
    if (known if task.step == ERASE else replay.entries.get(task.id)) is None:
        return _stuck(task, await repeating.gone(row, task))
    if known is not None and (why := await _against(row, known, task)):
        return _stuck(task, why)
    again = await by_hand_again.found(row, task, replay.day)
    if again is None and by is not None:
        async with db.writing():
            await audit.record(events.REPLAYING, actor=by, case=row.id, object=task.system, payload=_said(task, then))
            await by_hand_again.ask(row, task, replay.day)
    if again is not None and again.state == "stopped":
        return _stuck(task, again.sentence)
    if again is not None and again.answered_at is not None:
        return Part(
            row.id, task.step, NOTHING, then=then, why=_("They did it again on %s.") % date_text(again.answered_at.date())
        )
    return Part(row.id, task.step, OPEN if again is None and by is None else ASKED, then, then)


async def _settled(row: models.CaseRow, task: models.Task, by: str) -> Part:
    """Nothing is left to do. Whoever did it may have been stopped before it was noted: it is noted now."""
    newest = await audit.search(case=row.id, object=task.system, limit=1)
    if newest and newest[0].event in (events.REPLAYING.name, events.REPLAY_FAILED.name):
        await _note(events.REPLAYED, row, task, by, 0)
    return Part(row.id, task.step, NOTHING)


async def _against(row: models.CaseRow, known: connectors.Identifiers, task: models.Task) -> str:
    """Why a deletion may not be done again without a person's look, or "": also a hold that was set since it was done first."""
    if held := states.held(await moves.facts(row)):
        return held
    if await legal_holds.holds_system(task.system):
        return _("A legal hold stands on this system: nothing in it may be deleted before it is lifted.")
    assert task.answered_at is not None
    if await repeating.came_back(known, task.answered_at):
        return _(
            "Somebody used this person's address anew since the deletion. If they came back, what they gave since must stay:"
            " look in the system, and delete by hand what the backup brought back."
        )
    return ""


async def _note(event: audit.Event, row: models.CaseRow, task: models.Task, by: str, rows: int) -> None:
    async with db.writing():
        await audit.record(event, actor=by, case=row.id, object=task.system, payload=_said(task, rows))


def _said(task: models.Task, rows: int) -> dict[str, Any]:
    return {"step": task.step, "rows": rows}


def _stuck(task: models.Task, why: str) -> Part:
    return Part(task.case_id, task.step, STUCK, why=why)
