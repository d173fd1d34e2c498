"""Systems that people answer for by hand, as a request sees them: who is waited for, their answers, reminders, new links.

An answer can be given and corrected as long as the request still waits for it or nobody has proposed anything on its ground;
what was deleted or written counts at once. Whoever holds a link may do this one thing and is nobody else for it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal import audit, connectors, db, jobs, vault
from portal.cases import by_hand_again, events, fanout, findings, fulfilment, models, moves, states, targets
from portal.cases.handover import File
from portal.cases.policy import policy
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _

AT_MOST, PER = 30, timedelta(hours=1)


@dataclass(frozen=True)
class Asked:
    """What a link leads to. `title` and `asks` are the system's; `wanted`: it can be answered, or corrected, now."""

    question: connectors.person.Question
    title: str
    asks: str
    wanted: bool


@dataclass(frozen=True)
class Waits:
    """One question, for an officer. `again`: a new link may be sent."""

    id: str
    label: str
    address: str
    step: str
    since: datetime
    reminded: tuple[datetime, ...]
    link_until: datetime
    how: str
    why: str
    answered_at: datetime | None
    again: bool


async def asked(token: str) -> Asked:
    """Raises NotFound for a link that is forged, replaced or over."""
    question = await connectors.person.by_link(token)
    system = next((each for each in connectors.systems() if each.name == question.system), None)
    title, asks = (system.title, str(system.own.get("asks", ""))) if system else (question.system, "")
    return Asked(question, title, asks, await _is_wanted(question))


async def answer(token: str, form: Mapping[str, str], file: connectors.person.HandedIn | None) -> None:
    """Keep what somebody answered and let the request go on. Raises Invalid with the field, Conflict when it is too late."""
    question = await connectors.person.by_link(token)
    await db.throttle(f"answer {question.id}", limit=AT_MOST, per=PER, sentence=_("Please wait an hour before the next answer."))
    read = await asyncio.to_thread(connectors.person.read_answer, question, form, file)
    async with db.writing():
        row = await moves.lock(question.case)
        question = await connectors.person.by_link(token)
        if not await _is_wanted(question):
            raise too_late()
        until = clock.now() + policy().findings_kept + timedelta(days=1)  # not before what was made of it
        await connectors.person.keep_answer(question, read.how, read.content, read.handed_in, keep_until=until)
        task = await models.Task.get(id=question.task)
        if task.state == "answered":
            await _take_again(row, task)
        await models.Task.filter(id=task.id).update(state="waiting")
        verb = (fulfilment.VERBS | by_hand_again.VERBS).get(task.step, "cases.collect")
        await fanout.ask_later(task.id, verb)
        await jobs.hurry(f"{verb} {task.id}")


async def waiting(case_id: str) -> list[Waits]:
    """The questions of the present round."""
    row = await moves.load(case_id)
    known = {each.name: each for each in connectors.systems()}
    return [
        Waits(
            id=each.id,
            label=known[each.system].title,
            address=known[each.system].url.removeprefix("mailto:"),
            step=each.verb,
            since=each.asked_at,
            reminded=each.reminded,
            link_until=each.link_until,
            how=each.how,
            why=each.answer.get("why", ""),
            answered_at=each.answered_at,
            again=not each.is_answered and await _is_wanted(each),
        )
        for each in await connectors.person.of_case(row.id, row.round)
        if each.system in known
    ]


async def send_again(case_id: str, question_id: str, *, officer: str) -> None:
    """A new link by mail; the one before ends."""
    async with db.writing():
        row = await moves.lock(case_id)
        question = next((each for each in await connectors.person.of_case(case_id, row.round) if each.id == question_id), None)
        if question is None:
            raise NotFound(_("Nobody was asked this."))
        if question.is_answered or not await _is_wanted(question):
            raise Conflict(_("This was answered, or is not needed any more."))
        await connectors.person.renew_link(question_id, officer=officer)


async def file(case_id: str, system: str, *, officer: str) -> File:
    """A file as it was handed in, for an officer's own programs. The look is recorded, as one at the findings is."""
    async with db.writing():
        row = await moves.load(case_id)
        question = await connectors.person.file_of(case_id, row.round, system)
        if question is None or question.blob is None:
            raise NotFound(_("There is no such file."))
        await audit.record(
            events.LOOKED, actor=f"officer:{officer}", subject=row.subject, case=row.id, payload={"purpose": row.right}
        )
    about = question.answer["file"]
    return File(about["name"], about["size"], _content(question.blob))


@jobs.verb("cases.remind", every=timedelta(hours=1))
async def remind_job(job: jobs.Job) -> None:
    """Whoever has not answered gets the same link once more; one transaction each, so a crash reminds nobody twice."""
    for question_id, task_id in await connectors.person.overdue():
        async with db.writing():
            task = await models.Task.get_or_none(id=task_id)
            row = await moves.load(task.case_id) if task is not None else None
            still = task is not None and row is not None and _waits(task, row)
            await connectors.person.remind(question_id, still=still)


async def _take_again(row: models.CaseRow, task: models.Task) -> None:
    """They corrected an answer that was taken already: what was made of it goes, and the request waits for this system."""
    await findings.drop_of(task)
    if row.state == states.REVIEWING:
        await targets.forget(row)
        await moves.move(row, "collect again", event=events.LOOK_AGAIN, actor="system")


async def _is_wanted(question: connectors.person.Question) -> bool:
    row, task = await moves.load(question.case), await models.Task.get_or_none(id=question.task)
    if task is not None and task.step in by_hand_again.VERBS:
        return task.state in ("waiting", "stopped")
    if task is None or task.state == "void" or task.round != row.round:
        return False
    if question.verb in ("find", "plan"):
        return row.state in (states.COLLECTING, states.REVIEWING)
    return row.state == states.FULFILLING and task.state in ("waiting", "stopped")


def _waits(task: models.Task, row: models.CaseRow) -> bool:
    if task.step in by_hand_again.VERBS:
        return task.state == "waiting"
    return task.state == "waiting" and task.round == row.round and row.state in (states.COLLECTING, states.FULFILLING)


def too_late() -> Conflict:
    return Conflict(_("Thank you, but this is not needed any more: our privacy officer has gone on, or the request has ended."))


async def _content(blob: str) -> AsyncIterator[bytes]:
    async for piece in vault.read_blob(blob):
        yield piece
