"""Messages of a request, both ways: the person and the officers write in one thread that both can read (GDPR Art. 12(1), (2)).

Mails only say that something waits; the words lie under the case's key and are read on the person's own page. A question
makes the case wait for its answer, and the clock with it where the law says so; the answer lifts that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, documents, messages, vault
from portal.cases import answers, clocks, closing, events, grades, looking, mine, models, moves, plain_words, states, verification
from portal.cases.attachments import Attachment as Attachment
from portal.cases.attachments import Kept, check_files, files_of, is_there, keep_files
from portal.cases.handover import File
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, date_text, in_language
from portal.settings import get
from portal.vault import Place

MESSAGE, QUESTION = "message", "question"
PERSON, OFFICER = "person", "officer"
LONGEST = 10_000
PER_DAY = {"page": 20, "mail": 50}
SHOWN = 200
require_answers = answers.require_answers


@dataclass(frozen=True)
class Said:
    """One message of the thread. `role`: which of the officer's roles wrote it, never who. `new`: not read on this side yet."""

    id: str
    side: str
    kind: str
    source: str
    role: str
    at: datetime
    text: str
    files: tuple[Kept, ...]
    read_at: datetime | None
    new: bool


@dataclass(frozen=True)
class Standing:
    """What an officer may know without reading: how many messages there are, how many came since the last look, since when
    one waits for an answer. `closed`: why nobody can be written to, in a sentence."""

    count: int
    new: int
    waits_since: datetime | None
    closed: str


async def received(
    case_id: str, text: str, *, source: str = "page", actor: str = "system", attachments: Sequence[Attachment] = ()
) -> str:
    """The person wrote, on their page or by mail; answers the message's id. A mail proves nothing about who sent it."""
    text = _checked(text, bool(attachments), cut=source == "mail")
    check_files(attachments, known_only=source == "page")
    await db.throttle(
        f"case-message:{source}:{case_id}",
        limit=PER_DAY[source],
        per=timedelta(days=1),
        sentence=_("There were many messages today. Please write again tomorrow, or call us."),
    )
    async with db.writing():
        row = await moves.lock(case_id)
        key = await verification.case_key(row)
        message = await _store(row, key, PERSON, MESSAGE, text, source=source, written=actor)
        await keep_files(message, key, attachments)
        row.wrote_at = row.wrote_at or clock.now()
        await row.save(update_fields=["wrote_at"])
        said = {"source": source, "files": len(attachments)}
        await audit.record(events.MESSAGE_CAME, actor=actor, subject=row.subject, case=case_id, object=message.id, payload=said)
        await _lift_question(row, actor)
    return message.id


async def write(case_id: str, text: str, *, officer: str, kind: str = MESSAGE) -> str:
    """An officer writes; the person gets a mail that says only that something waits. A question puts the case on hold."""
    text = _checked(text, False)
    if kind not in (MESSAGE, QUESTION):
        raise Invalid(_("Please choose what kind of message it is."), {"kind": _("Please choose one of these.")})
    actor = f"officer:{officer}"
    async with db.writing():
        row = await moves.lock(case_id)
        if sentence := await _closed(row):
            raise Conflict(sentence)
        if kind == QUESTION and (not row.is_open or row.state == states.DELIVERING):
            raise Conflict(_("The answer has been given, so nothing waits for a question. Write a message instead."))
        key, role = await verification.case_key(row), await looking.role_of(officer, "cases.process")
        message = await _store(row, key, OFFICER, kind, text, written=actor, role=role)
        await _settled(row)
        said = {"kind": kind, "role": role}
        await audit.record(events.MESSAGE_SENT, actor=actor, subject=row.subject, case=case_id, object=message.id, payload=said)
        if kind == QUESTION and not await models.Hold.filter(case_id=case_id, kind="clarification", lifted_at=None).exists():
            await closing.hold(case_id, "clarification", _("We asked the person a question."), officer=officer)
        await _tell(row, message.id, kind)
    return message.id


async def needs_no_answer(case_id: str, *, officer: str) -> None:
    """What the person wrote was read and asks for nothing."""
    async with db.writing():
        row = await moves.lock(case_id)
        if row.wrote_at is None:
            raise Conflict(_("No message waits for an answer."))
        await _settled(row)
        await audit.record(events.MESSAGE_SETTLED, actor=f"officer:{officer}", subject=row.subject, case=case_id)


async def thread(case_id: str) -> list[Said]:
    """For the person, oldest first; new is what an officer wrote and they have not marked as read."""
    return await _thread(case_id, lambda each: each.side == OFFICER and each.read_at is None)


async def read_by(case_id: str, *, officer: str) -> list[Said]:
    """For an officer; the look is recorded, and the person sees it. New is what came since the last look of any officer."""
    row, last = await moves.load(case_id), await looking.last(case_id, events.MESSAGES_READ)
    found = await _thread(case_id, lambda each: each.side == PERSON and (last is None or each.at > last))
    if any(each.side == PERSON for each in found):
        await looking.note(row, events.MESSAGES_READ, officer)
    return found


async def standing(case_id: str) -> Standing:
    row, last = await moves.load(case_id), await looking.last(case_id, events.MESSAGES_READ)
    every = models.Spoken.filter(case_id=case_id)
    theirs = every.filter(side=PERSON)
    new = await (theirs.count() if last is None else theirs.filter(at__gt=last).count())
    return Standing(await every.count(), new, row.wrote_at, await _closed(row))


async def file(case_id: str, file_id: str, *, officer: str) -> File:
    """A file that the person sent, for an officer's disk; the look is recorded."""
    found = await models.Attached.get_or_none(id=file_id, case_id=case_id)
    key = await vault.find_key("case", case_id)
    if found is None or key is None or not await is_there(found):
        raise NotFound(_("There is no such file, or its time was over."))
    name = key.open(Place("case_attachment", "called", found.id), found.called)
    await looking.note(await moves.load(case_id), events.MESSAGES_READ, officer, file_id)
    return File(name, found.size, vault.read_blob(found.blob_id))


async def mark_read(case_id: str) -> None:
    """The person read what we wrote; their page says so by itself, or they press a button."""
    async with db.writing():
        await models.Spoken.filter(case_id=case_id, side=OFFICER, read_at=None).update(read_at=clock.now())


async def with_news(case_ids: Sequence[str]) -> set[str]:
    """Those of a person's requests in which something of ours was not read yet."""
    found = models.Spoken.filter(case_id__in=list(case_ids), side=OFFICER, read_at=None)
    waiting = {str(each) for each in await found.values_list("case_id", flat=True)}
    return set(await vault.keys_of("case", sorted(waiting)))  # what fell with its key can no longer be read


async def starts(case_id: str) -> list[answers.Answer]:
    """The texts to start from, filled in, in the person's language."""
    row = await moves.load(case_id)
    with in_language(row.language):
        company = documents.company()
        values = {
            "right": plain_words.asked_for(row.right),
            "received": date_text(row.received_at.astimezone(ZoneInfo(get().time_zone)).date()),
            "due": date_text(datetime.fromisoformat(row.due_on).date()),
            "company": company.name,
            "officer": company.officer,
            "phone": company.phone,
            "authority": company.authority,
        }
    return answers.answers(row.language, values)


def _checked(text: str, with_files: bool, *, cut: bool = False) -> str:
    text = text.strip()
    if not text and not with_files:
        raise Invalid(_("There is no message yet."), {"text": _("Please write something.")})
    if len(text) > LONGEST and not cut:
        raise Invalid(_("This message is longer than we can take."), {"text": _("Please shorten this text.")})
    return text if len(text) <= LONGEST else text[:LONGEST] + " […]"


async def _store(
    row: models.CaseRow, key: vault.Key, side: str, kind: str, text: str, *, written: str, source: str = "page", role: str = ""
) -> models.Spoken:
    message_id = ids.new()
    return await models.Spoken.create(
        id=message_id,
        case_id=row.id,
        side=side,
        kind=kind,
        source=source,
        written=written,
        role=role,
        at=clock.now(),
        letter=key.seal(Place("case_message", "letter", message_id), text),
    )


async def _lift_question(row: models.CaseRow, actor: str) -> None:
    """Any answer ends the wait, by whatever way it came: the date can only come nearer, never further away."""
    lifted = await db.run(
        "UPDATE case_hold SET lifted_at = ?, lifted_by = ? WHERE case_id = ? AND kind = 'clarification' AND lifted_at IS NULL",
        *(clock.micros(clock.now()), actor, row.id),
    )
    if not lifted:
        return
    await audit.record(events.HOLD_LIFTED, actor=actor, subject=row.subject, case=row.id, payload={"kind": "clarification"})
    await clocks.recount(row)
    await closing.go_on(row, actor=actor)


async def _settled(row: models.CaseRow) -> None:
    await models.CaseRow.filter(id=row.id).update(wrote_at=None)


async def _closed(row: models.CaseRow) -> str:
    """Why nobody could read what we write; empty when somebody can."""
    if row.requester == states.BY_COMPANY:
        return _("Nobody asked for this, so nobody is written to about it.")
    if not await grades.is_enough(row):
        return _("The person has not confirmed this request yet, so nobody could read a message.")
    if await vault.find_key("case", row.id) is None or await verification.is_erased(row):
        return _("The person’s data was deleted, so nobody could read a message any more.")
    if row.address_kind != "email" or row.reach != "mail":
        return _("The person gave no e-mail address. Write them a letter.")
    return ""


async def _tell(row: models.CaseRow, message_id: str, kind: str) -> None:
    key = await verification.case_key(row)
    reference = await mine.reference_of(row.id)
    await messages.send_later(
        template="mail/case-message",
        to=key.open(Place("case_file", "address", row.id), row.address),
        language=row.language,
        context={"right": plain_words.asked_for(row.right), "kind": kind, "reference": reference},
        case=row.id,
        key=f"case-message {message_id}",
    )


async def _thread(case_id: str, is_new: Callable[[models.Spoken], bool]) -> list[Said]:
    key = await vault.find_key("case", case_id)
    if key is None:
        return []
    files = await files_of(case_id, key)
    newest = await models.Spoken.filter(case_id=case_id).order_by("-id").limit(SHOWN)
    return [
        Said(
            each.id,
            each.side,
            each.kind,
            each.source,
            each.role,
            each.at,
            key.open(Place("case_message", "letter", each.id), each.letter),
            tuple(files.get(each.id, ())),
            each.read_at,
            is_new(each),
        )
        for each in reversed(newest)
    ]
