"""What takes effect the moment it is asked for, without a proof of identity and without anybody's leave.

Objection to marketing (GDPR Art. 21(3)), withdrawal (Art. 7(3)), opt-out of sale or sharing and limiting sensitive data
(11 CCR 7026(d), 7027(e)). Whoever has shown who they are stops it for all their addresses; anybody else for those named.
Nobody is added by it: an address that asked not to be, or that only somebody else named, gets a coded note at most.
"""

from collections.abc import Sequence
from datetime import timedelta

from portal import consent, db, identity, subjects
from portal.cases import closing, events, fanout, models, moves, others_word, own_data, protection, verification
from portal.lib import clock
from portal.lib.errors import TooMany

LETTERS = 3  # a day to one address: whoever asks for others must not fill their mailbox
KINDS = {
    "objection to marketing": ("marketing", "ads", "sale-sharing"),
    "opt-out": ("ads", "sale-sharing"),
    "limit": ("marketing", "analytics", "ads", "sale-sharing"),
}


async def act(row: models.CaseRow, named: Sequence[tuple[str, str]], session: identity.Session | None = None) -> None:
    """Inside `writing()`: received, carried out and closed. `named`: kind and value of the addresses to stop for."""
    if session is not None and session.subject is not None and row.requester == "me":
        row.subject = session.subject
        await stop_person(row, session.subject)
    else:
        mine = [known for kind, value in named if (known := await _known(row, kind, value)) is not None]
        row.subject = mine[0].subject if mine else None
        await _stop_addresses(row, mine)
        await _tell_named(row, mine)
    await row.save(update_fields=["subject"])
    task, asked = await fanout.add_task(row, own_data.NAME, own_data.TITLE, moves.ACTS[row.right]), row.asked or b""
    await models.Task.filter(id=task).update(state="answered", answered_at=clock.now())
    await moves.move(row, "act at once", event=events.ACTED, actor="system")
    try:
        sentence = "There were several letters to this address today."
        await db.throttle(f"case-stopped:{asked.hex()}", limit=LETTERS, per=timedelta(days=1), sentence=sentence)
        await closing.tell(row, "mail/case-stopped", {})
    except TooMany:
        pass  # it is done all the same, and the page says so
    await moves.finish(row, "fulfilled", actor="system")


async def _known(row: models.CaseRow, kind: str, value: str) -> subjects.Identifier | None:
    """An address that is on file, or that somebody typed as their own, also where another's word closed it. One that another
    person named may be mistyped: unless it is on file it is only closed, by a coded note that ends (others_word.py)."""
    known, mine = await subjects.find(kind, value), row.requester == "me"
    if known is not None or await subjects.is_suppressed(kind, value, but=subjects.notes.BY_OTHERS if mine else ()):
        return known  # closed already, and not to be added again
    if mine:
        return await subjects.ensure(kind, value, by="system")
    await others_word.close(kind, value)
    return None


async def _tell_named(row: models.CaseRow, mine: Sequence[subjects.Identifier]) -> None:
    """Whoever was named hears of it, in words that name no right, where they are reached under an address on file."""
    for each in mine if row.requester != "me" else ():
        try:
            await db.throttle(f"case-named:{each.id}", limit=LETTERS, per=timedelta(days=1), sentence="They were told already.")
        except TooMany:
            continue
        await verification.tell_of_it(row, each)


async def stop_person(row: models.CaseRow, subject: str) -> None:
    """Inside `writing()`: on every address of a person who has shown who they are."""
    by = f"customer:{subject}"
    if row.right == "objection to marketing":
        await consent.stops.object_to_marketing(subject, by=by, case=row.id)
        return
    for purpose in await meant(row.right):
        await consent.stops.object_to_marketing(subject, by=by, purpose=purpose.key, case=row.id)


async def _stop_addresses(row: models.CaseRow, mine: Sequence[subjects.Identifier]) -> None:
    """A no to each purpose, as if it were said at the collection point for this address alone."""
    said = [
        consent.Word(
            identifier=each.id,
            purpose=purpose.key,
            channel=consent.ALL,
            topic=consent.ALL,
            answer="no",
            said_at=None,
            source="form" if row.requester == "me" else "agent",
            grade="self" if row.requester == "me" else "agent",
            actor=f"customer:{each.subject}",
            edition="",
            language=row.language,
        )
        for each in mine
        for purpose in await meant(row.right)
    ]
    await consent.decide_many(said)


async def meant(right: str) -> list[consent.Purpose]:
    """The purposes a right is about, as they are published now; what an order or a law needs is never among them."""
    if right == "objection":
        return await protection.objectable()
    free = [each for each in await consent.purposes() if each.default != "fixed"]
    if right == "withdrawal":
        return [each for each in free if each.basis == "consent"]
    return [each for each in free if each.kind in KINDS[right]]
