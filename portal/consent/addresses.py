"""What a person says about an address itself: that it is no longer theirs, or that others read it too."""

from portal import db, identity, subjects
from portal.consent.decisions import decide_many
from portal.consent.permissions import Facts
from portal.consent.purposes import in_force
from portal.consent.rules import Asked, Spoken, answer
from portal.consent.stops import suppress_address
from portal.consent.words import CHANNELS, Word
from portal.lib import clock
from portal.lib.errors import NotAllowed, NotFound
from portal.paper import _


async def not_theirs(identifier_id: str, *, subject: str, by: str) -> None:
    """Nothing is sent to it on any channel, it proves nothing any more, and visits that began with it end.

    A browser goes on being heard: it is nobody's again, with all that was said with it, until whoever uses it adds it.
    """
    async with db.writing():
        identifier = await _of(subject, identifier_id)
        if identifier.kind == "device" and identifier.subject != identifier.home:
            await subjects.split(identifier_id, by=by, why="not theirs")
            return
        for channel in sorted(channel for channel, kinds in CHANNELS.items() if identifier.kind in kinds):
            await suppress_address(identifier_id, channel, by=by, why="not theirs")
        await subjects.disown(identifier_id, by=by)
        await identity.forget([identifier])


async def replaced(old_id: str, new_id: str, *, subject: str, by: str, language: str) -> None:
    """Another address of theirs stands in place of this one: what it said no to is a no there too, unless they answered there.

    A yes is not moved: it is for the person to say where they want what they get.
    """
    async with db.writing():
        said = await _standing_noes(old_id, but_for=new_id)
        await decide_many(
            [
                Word(
                    identifier=new_id,
                    **no.cell._asdict(),
                    answer="no",
                    said_at=None,
                    source=no.source,
                    grade=no.grade,
                    actor=by,
                    edition="",
                    language=language,
                    evidence={"instead of": old_id},
                )
                for no in said
            ]
        )
        await not_theirs(old_id, subject=subject, by=by)


async def _standing_noes(identifier: str, *, but_for: str) -> list[Spoken]:
    """Also those that a stop or a pause hides now, for they outlast it."""
    person = (await subjects.people([identifier]))[identifier]
    facts, known, now = await Facts.load([person], alone=True), await in_force(None), clock.now()
    answered = {word.cell.purpose for word in facts.words.get(but_for, ())}
    words = facts.words.get(identifier, [])
    return [
        word
        for word in words
        if word.answer == "no"
        and word.cell.purpose in known.keys() - answered
        and answer(Asked(identifier, word.cell), words, [], [], known[word.cell.purpose].terms, now).because.answer == "no"
    ]


async def theirs(identifier_id: str, *, subject: str, shared: bool, by: str) -> None:
    """It is theirs, alone or with others: a shared one may stop everything and switches nothing on for others."""
    async with db.writing():
        identifier = await _of(subject, identifier_id)
        if not shared and identifier.audience != subjects.FORMER:
            raise NotAllowed(_("Others use this address too. Please ask us, so that a person can look at it."))
        await subjects.set_audience(identifier_id, "shared" if shared else "person", by=by)


async def _of(subject: str, identifier_id: str) -> subjects.Identifier:
    for each in (await subjects.whole(subject)).identifiers:
        if each.id == identifier_id and each.erased_at is None:
            return each
    raise NotFound(_("We do not know this address as yours."))
