"""Stopping by the link in a message, without signing in (RFC 8058; GDPR Art. 7(3)): in force for the very next check.

The link names one address and one cell, never expires, and nothing is stored per mail. It can only switch off; taking
that one no back needs the one-time value of the answer.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from portal import audit, db, subjects, vault
from portal.consent import events
from portal.consent.awaiting import is_only_asked
from portal.consent.checks import TermsOf
from portal.consent.decisions import Decided, record_checked
from portal.consent.permissions import require_channel
from portal.consent.purposes import Purpose, in_force, purpose
from portal.consent.submissions import Submission, submit
from portal.consent.undoing import UNDO_WITHIN, undo
from portal.consent.words import CHANNELS, Cell, Word
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, address, language

GRADE = "self"  # whoever was forwarded the message holds the link too


@dataclass(frozen=True, slots=True)
class Link:
    """What a genuine link means. `purpose` is its last edition, None when there never was one here."""

    identifier: str
    cell: Cell
    purpose: Purpose | None


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """`once` takes this one no back within ten minutes; "" when nothing was written (the address is unknown or erased)."""

    link: Link
    once: str


async def unsubscribe_token(identifier_id: str, cell: Cell) -> str:
    """The token for messages to this address under this cell; raises NotFound or Invalid where there is nothing to stop."""
    await require_link((await subjects.get(identifier_id)).kind, cell)
    return vault.seal_link("unsubscribe", uuid.UUID(identifier_id).bytes + "\0".join(cell).encode())


async def require_link(kind: str, cell: Cell) -> None:
    """Raises NotFound or Invalid where a link for an address of that kind under this cell could stop nothing."""
    known = await in_force([cell.purpose])
    require_channel(cell, known)
    about = known[cell.purpose]
    if cell.channel not in about.channels or kind not in CHANNELS[cell.channel]:
        sentence = _("Nobody can be reached by %(channel)s at this kind of address.") % {"channel": cell.channel}
        raise Invalid(sentence, {"channel": sentence})
    if cell.topic and cell.topic not in about.topic_keys():
        sentence = _("This purpose has no topic %s.") % cell.topic
        raise Invalid(sentence, {"topic": sentence})
    if about.default == "fixed":
        raise Invalid(_needed(), {"purpose": _needed()})


async def unsubscribe_url(identifier_id: str, cell: Cell) -> str:
    """The full address of the same, as it stands in a message and its List-Unsubscribe header."""
    return address(f"/u/{await unsubscribe_token(identifier_id, cell)}")


async def address_for_link(kind: str, value: str, by: str) -> subjects.Identifier:
    """The address of another sender's link, recorded if it is new. One that we hold for nothing else is kept for the link.

    Else it would go when a sign-up for it stays unconfirmed, and the link would stop nothing any more.
    """
    known = await subjects.find(kind, value)
    if known is not None and not await is_only_asked(known):
        return known
    async with db.writing():
        if known is not None:
            await subjects.hold([known.id])
        held = await subjects.ensure(kind, value, by=by)
        if await is_only_asked(held):
            await audit.record(events.LINK_MADE, actor=by, subject=held.home, object=held.id)
        return held


async def read_unsubscribe_token(token: str) -> Link:
    """What a link means; changes nothing. Raises NotFound for what we never made, also for a genuine one cut short."""
    content = vault.open_link("unsubscribe", token)
    if content is None:
        raise NotFound(_("This link is not complete. Please open it from the message once more."))
    cell = Cell(*content[16:].decode().split("\0"))
    return Link(str(uuid.UUID(bytes=content[:16])), cell, await _last_edition(cell.purpose))


async def unsubscribe(token: str) -> Unsubscribed:
    """Record the no of a link; twice within ten minutes once. Writes nothing for an address that we do not hold any more."""
    link = await read_unsubscribe_token(token)
    person = (await subjects.people([link.identifier])).get(link.identifier)
    mine = None if person is None else next(each for each in person.identifiers if each.id == link.identifier)
    if person is None or mine is None or mine.erased_at is not None or link.purpose is None:
        return Unsubscribed(link, "")
    if link.purpose.default == "fixed":
        raise Conflict(_needed())
    decision = await _just_said(link)
    if decision is None:
        word = _no(link, f"customer:{person.subject}")
        decision = (await _record(word, link.purpose, person)).id
    return Unsubscribed(link, vault.seal_link("undo", uuid.UUID(decision).bytes))


async def take_back(token: str, once: str) -> Decided:
    """Take back the one no whose answer held `once`, within ten minutes; see `undo`."""
    link, content = await read_unsubscribe_token(token), vault.open_link("undo", once)
    if content is None:
        raise NotFound(_("There is no such choice."))
    decision = str(uuid.UUID(bytes=content))
    said = await db.row("SELECT identifier FROM decision WHERE id = ?", decision)
    if said is None or said["identifier"] != link.identifier:
        raise NotFound(_("There is no such choice."))
    identifier = await subjects.get(link.identifier)
    if identifier.erased_at is not None:
        raise Conflict(_("This address was erased."))
    return await undo(decision, f"customer:{identifier.subject}")


def _no(link: Link, actor: str) -> Word:
    return Word(
        identifier=link.identifier,
        purpose=link.cell.purpose,
        channel=link.cell.channel,
        topic=link.cell.topic,
        answer="no",
        said_at=None,
        source="unsubscribe-link",
        grade=GRADE,
        actor=actor,
        edition="",
        language=language(),
    )


async def _record(word: Word, about: Purpose, person: subjects.Person) -> Decided:
    try:
        return (await submit(Submission((word,)))).decided[0]
    except Invalid:
        # The purpose, its channel or its topic is no longer used. The no is kept all the same, should it come back.
        async with db.writing():
            return (await record_checked([word], {word.identifier: person}, TermsOf({about.key: about}, {})))[0]


async def _just_said(link: Link) -> str | None:
    """The no that this link recorded within the last ten minutes, if nothing was said since: mail programs send it twice."""
    newest = await db.row(
        "SELECT id, answer, source, recorded_at FROM decision WHERE identifier = ? AND purpose = ? AND channel = ? AND topic = ?"
        " ORDER BY recorded_at DESC, id DESC LIMIT 1",
        *(link.identifier, *link.cell),
    )
    # A minute less than the ten, so that what this answer offers to take back can still be taken back for a while.
    since = clock.micros(clock.now() - UNDO_WITHIN + timedelta(minutes=1))
    if newest is None or newest["recorded_at"] < since:
        return None
    return newest["id"] if (newest["answer"], newest["source"]) == ("no", "unsubscribe-link") else None


async def _last_edition(key: str) -> Purpose | None:
    """The purpose in force, or as it stood when it was last used."""
    try:
        return await purpose(key)
    except NotFound:
        retired = await db.row("SELECT retired_at FROM purpose WHERE key = ? ORDER BY number DESC LIMIT 1", key)
        if retired is None or retired["retired_at"] is None:
            return None
        before = clock.from_micros(retired["retired_at"] - 1)
        return (await in_force([key], before)).get(key)


def _needed() -> str:
    return _("We need this to do what you ordered or what the law asks; there is no choice here.")
