"""The kept copies, opened again: what we wrote to this person, in this case, or (in the demo) to anybody."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal import db, vault
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.messages.compose import Letter, place
from portal.messages.models import Message
from portal.paper import _

# Messages outside a case (sign-in codes, confirmations) prove nothing that the log does not; they go after this time.
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Copy:
    """A message as it was written. After the erasure of its person or case, `to` and `letter` are None."""

    id: str
    template: str
    language: str
    subject: str | None
    case: str | None
    state: str
    reason: str
    created_at: datetime
    sent_at: datetime | None
    message_id: str
    to: str | None
    letter: Letter | None


async def of_case(case: str) -> list[Copy]:
    """In the order they were written."""
    return await _opened(await Message.filter(case_id=case).order_by("created_at", "id"))


async def case_of(message_ids: Sequence[str], but: Sequence[str] = ()) -> str | None:
    """The case that one of these Message-IDs was written in, the first that is ours and by none of these templates."""
    if not message_ids:
        return None
    found = await Message.filter(message_id__in=list(message_ids), case_id__not_isnull=True).exclude(template__in=list(but))
    known = {each.message_id: each.case_id for each in found}
    return next((known[each] for each in message_ids if each in known), None)


async def of_subject(subject: str, limit: int = 200) -> list[Copy]:
    """Newest first."""
    return await _opened(await Message.filter(subject=subject).order_by("-created_at", "-id").limit(limit))


async def mailbox(limit: int = 100) -> list[Copy]:
    """Everybody's, newest first: for the demo's mailbox page and for tests."""
    return await _opened(await Message.all().order_by("-created_at", "-id").limit(limit))


async def copy(message: str) -> Copy:
    found = await Message.get_or_none(id=message)
    if found is None:
        raise NotFound(_("There is no such message."))
    return (await _opened([found]))[0]


async def forget(account: bytes) -> int:
    """Inside `writing()`: delete what belonged to nobody but that address; answers how many."""
    return await db.run("DELETE FROM message WHERE account = ?", account)


async def delete(message_ids: list[str]) -> None:
    """Inside `writing()`: these copies are no longer kept."""
    if message_ids:
        await db.many("DELETE FROM message WHERE id = ?", [(each,) for each in message_ids])


async def tidy(*, spared: Sequence[str] = ()) -> int:
    """Inside `writing()`: delete a portion of the messages that belong to no case and whose time is over; answers how many.
    Those of the `spared` people stay.
    """
    but = f" AND (subject IS NULL OR subject NOT IN ({', '.join('?' * len(spared))}))" if spared else ""
    over = f"SELECT id FROM message WHERE case_id IS NULL AND created_at < ?{but} ORDER BY created_at LIMIT 1000"
    return await db.run(f"DELETE FROM message WHERE id IN ({over})", clock.micros(clock.now() - KEPT), *spared)


async def open_letter(message: Message, key: vault.Key) -> tuple[str, Letter]:
    """The address and the words; raises Tampered."""
    words = json.loads(key.open(place("body", message.id), message.body))
    return key.open(place("to_address", message.id), message.to_address), Letter(**words)


async def _opened(messages: list[Message]) -> list[Copy]:
    keys: dict[str, vault.Key | None] = {}
    for each in messages:
        if each.key_id not in keys:
            try:
                keys[each.key_id] = await vault.key_by_id(each.key_id)
            except vault.Shredded:
                keys[each.key_id] = None
    return [await _copy(each, keys[each.key_id]) for each in messages]


async def _copy(message: Message, key: vault.Key | None) -> Copy:
    to, letter = (None, None) if key is None else await open_letter(message, key)
    return Copy(
        id=message.id,
        template=message.template,
        language=message.language,
        subject=message.subject,
        case=message.case_id,
        state=message.state,
        reason=message.reason,
        created_at=message.created_at,
        sent_at=message.sent_at,
        message_id=message.message_id,
        to=to,
        letter=letter,
    )
