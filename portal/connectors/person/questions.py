"""Questions to people: asked once per request, round and verb; the link to the answer; reminders (GDPR Art. 12(3)).

The link carries the question's id under a MAC, ends after 30 days or when an officer sends another one, and opens nothing
but this one answer. The question and its mail are written in one transaction, so a crash never asks twice.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal import audit, db, messages, settings, vault
from portal.connectors import events
from portal.connectors.contract import ConnectorError, Occasion
from portal.connectors.models import QuestionRow
from portal.connectors.person.colleague import Colleague
from portal.connectors.systems import System, systems
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound
from portal.paper import _, date_text, in_language
from portal.vault import Place

LINK_LIVES = timedelta(days=30)
BEFORE_DUE = timedelta(days=3)


@dataclass(frozen=True)
class Question:
    """One question. `asked` is what may be read by whoever answers; `answer` what they said, without what they handed in.

    `how`: "" not answered · nothing · here · done · unlike (it is not as the question says) · keep · cannot (not now).
    """

    id: str
    system: str
    case: str
    round: int
    verb: str
    task: str
    subject: str | None
    due_on: date
    asked_at: datetime
    link_until: datetime
    reminded: tuple[datetime, ...]
    how: str
    answered_at: datetime | None
    taken_at: datetime | None
    blob: str | None
    asked: Mapping[str, Any]
    answer: Mapping[str, Any]

    @property
    def is_answered(self) -> bool:
        """Whether there is something to go on with; “not now” is a sign of life only."""
        return self.how not in ("", "cannot")

    @property
    def restored(self) -> date | None:
        """The day of the backup that was restored there, where they did it before and are asked once more."""
        return date.fromisoformat(self.asked["restored"]) if "restored" in self.asked else None


async def put(occasion: Occasion, system: System, verb: str, asked: Mapping[str, Any]) -> Question:
    """The question of this round, which is asked now if it was not before."""
    known = await already(occasion, system, verb)
    if known is not None:
        return known
    async with db.writing():
        return await already(occasion, system, verb) or await _opened(await _ask(occasion, system, verb, asked))


async def already(occasion: Occasion, system: System, verb: str) -> Question | None:
    """The question of this round, if it was asked."""
    row = await QuestionRow.get_or_none(case_id=occasion.case, round=occasion.round, system=system.name, verb=verb)
    return None if row is None else await _opened(row)


async def of_case(case_id: str, round: int) -> list[Question]:
    """The questions of one round of a request, oldest first; none once its key has fallen."""
    if await vault.find_key("case", case_id) is None:
        return []
    return [await _opened(each) for each in await QuestionRow.filter(case_id=case_id, round=round).order_by("id")]


async def by_link(token: str) -> Question:
    """The question that a link leads to; raises NotFound for a link that we did not make, or that has ended."""
    content = vault.open_link("answer", token) or b""
    row = await QuestionRow.get_or_none(id=str(uuid.UUID(bytes=content[:16]))) if len(content) == 20 else None
    if row is None:
        raise NotFound(_("There is nothing at this address. Please open the link in our mail again."))
    if int.from_bytes(content[16:]) != row.link_number:
        raise NotFound(_("This link was replaced by a newer one. Please open the one in our latest mail."))
    if clock.now() > row.link_until or await vault.find_key("case", row.case_id) is None:
        raise NotFound(_("This link has ended. Please ask our privacy officer for a new one."))
    return await _opened(row)


def link_of(question_id: str, number: int) -> str:
    """The address that goes into the mail."""
    token = vault.seal_link("answer", uuid.UUID(question_id).bytes + number.to_bytes(4))
    return f"{settings.get().base_url}/answer/{token}"


async def keep_answer(
    question: Question, how: str, answer: Mapping[str, Any], handed_in: bytes | None, *, keep_until: datetime
) -> None:
    """Inside `writing()`: what they said, in place of what they said before."""
    key = await _case_key(question.case)
    row = await QuestionRow.get(id=question.id)
    if row.blob_id is not None:
        await vault.drop_blob(row.blob_id)
    blob = None
    if handed_in is not None:
        theirs = await vault.find_key("life", row.subject) if row.subject else key
        if theirs is None:
            raise Conflict(_("The person's data was deleted meanwhile; nothing more about them is stored."))
        blob = await vault.store_blob(theirs, handed_in, keep_until)
    sealed = key.seal(Place("connector_question", "answer", row.id), json.dumps(answer, ensure_ascii=False))
    again = row.remind_at if how == "cannot" else None
    await QuestionRow.filter(id=row.id).update(
        how=how, answered_at=clock.now(), taken_at=None, blob_id=blob, remind_at=again, answer=sealed
    )
    await audit.record(
        events.ANSWERED_BY_HAND,
        actor=f"connected:{row.system}",
        subject=row.subject,
        case=row.case_id,
        object=row.system,
        payload={"step": row.verb, "how": how},
    )


async def taken(question: Question) -> None:
    """A deletion was counted as done with this answer."""
    async with db.writing():
        await QuestionRow.filter(id=question.id).update(taken_at=clock.now())


async def file_of(case_id: str, round: int, system: str) -> Question | None:
    """The answer that is a file as it came in, if this system's is one."""
    row = await QuestionRow.get_or_none(case_id=case_id, round=round, system=system, verb="find")
    if row is None or row.blob_id is None or await vault.find_key("case", case_id) is None:
        return None
    question = await _opened(row)
    return question if "file" in question.answer else None


async def drop(case_id: str) -> None:
    """Inside `writing()`: what was handed in for this request is no longer needed."""
    for row in await QuestionRow.filter(case_id=case_id).exclude(blob_id=None):
        await vault.drop_blob(row.blob_id or "")
    await db.run("UPDATE connector_question SET blob_id = NULL WHERE case_id = ?", case_id)


async def overdue() -> list[tuple[str, str]]:
    """Question and task of those whose next reminder is due."""
    found = await QuestionRow.filter(remind_at__lte=clock.now()).order_by("remind_at").limit(100)
    return [(each.id, each.task) for each in found]


async def remind(question_id: str, *, still: bool) -> None:
    """Inside `writing()`: the same link once more; when it is `still` wanted. It then ends 30 days from now."""
    row = await QuestionRow.get(id=question_id)
    system = next((each for each in systems() if each.name == row.system), None)
    if not still or system is None:
        await QuestionRow.filter(id=row.id).update(remind_at=None)
        return
    who = Colleague.of(system)
    reminded = [*row.reminded, clock.micros(clock.now())]
    await QuestionRow.filter(id=row.id).update(reminded=reminded, remind_at=_next_reminder(who, row.asked_at, row.due_on))
    await _write(row, who, again=True)
    await _record(events.REMINDED, row, "system")


async def renew_link(question_id: str, *, officer: str) -> None:
    """Inside `writing()`: a new link by mail; the one before leads nowhere from now on."""
    row = await QuestionRow.get_or_none(id=question_id)
    system = next((each for each in systems() if row and each.name == row.system), None)
    if row is None or system is None:
        raise NotFound(_("Nobody is asked for this system."))
    row.link_number += 1
    await row.save(update_fields=["link_number"])
    await _write(row, Colleague.of(system), again=True)
    await _record(events.LINK_RENEWED, row, f"officer:{officer}")


async def _ask(occasion: Occasion, system: System, verb: str, asked: Mapping[str, Any]) -> QuestionRow:
    question_id, now, who = ids.new(), clock.now(), Colleague.of(system)
    key = await _case_key(occasion.case)
    row = QuestionRow(
        id=question_id,
        system=system.name,
        case_id=occasion.case,
        round=occasion.round,
        verb=verb,
        task=occasion.task,
        subject=occasion.subject,
        due_on=occasion.due_on,
        asked=key.seal(Place("connector_question", "asked", question_id), json.dumps(asked, ensure_ascii=False)),
        asked_at=now,
        link_until=now + LINK_LIVES,
        remind_at=_next_reminder(who, now, occasion.due_on),
        reminded=[],
    )
    await row.save(force_create=True)
    await _write(row, who, again=False)
    await _record(events.ASKED, row, "system")
    return row


async def _write(row: QuestionRow, who: Colleague, *, again: bool) -> None:
    """The mail names nobody: whose data it is stands behind the link."""
    await QuestionRow.filter(id=row.id).update(link_until=clock.now() + LINK_LIVES)
    question = await _opened(row)
    asked = question.asked
    verb = "look" if asked.get("fields") else row.verb
    with in_language(who.language):
        due = date_text(date.fromisoformat(row.due_on))
        restored = date_text(question.restored) if question.restored else ""
    await messages.send_later(
        template="mail/system-question",
        to=who.address,
        language=who.language,
        case=row.case_id,
        context={
            **{"title": who.title, "asks": who.asks, "verb": verb, "due": due, "again": again},
            "restored": restored,
            **{"link": link_of(row.id, row.link_number), "days": LINK_LIVES.days},
        },
    )


async def _record(event: audit.Event, row: QuestionRow, actor: str) -> None:
    await audit.record(event, actor=actor, subject=row.subject, case=row.case_id, object=row.system, payload={"step": row.verb})


async def _opened(row: QuestionRow) -> Question:
    key = await _case_key(row.case_id)
    answer = "{}" if row.answer is None else key.open(Place("connector_question", "answer", row.id), row.answer)
    return Question(
        id=row.id,
        system=row.system,
        case=row.case_id,
        round=row.round,
        verb=row.verb,
        task=row.task,
        subject=row.subject,
        due_on=date.fromisoformat(row.due_on),
        asked_at=row.asked_at,
        link_until=row.link_until,
        reminded=tuple(clock.from_micros(each) for each in row.reminded),
        how=row.how,
        answered_at=row.answered_at,
        taken_at=row.taken_at,
        blob=row.blob_id,
        asked=json.loads(key.open(Place("connector_question", "asked", row.id), row.asked)),
        answer=json.loads(answer),
    )


def _next_reminder(who: Colleague, asked_at: datetime, due_on: str) -> datetime | None:
    """On the days that the list of systems says, and in the morning three days before the legal date."""
    morning = datetime.combine(date.fromisoformat(due_on), time(8), ZoneInfo(settings.get().time_zone)) - BEFORE_DUE
    days = [*(asked_at + timedelta(days=each) for each in who.remind_after), morning]
    return min((each for each in days if each > clock.now()), default=None)


async def _case_key(case_id: str) -> vault.Key:
    key = await vault.find_key("case", case_id)
    if key is None:
        raise ConnectorError(_("The address and the letters of this request were deleted when their time was over."), True)
    return key
