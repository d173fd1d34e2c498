"""What a person says about an address itself: that it is no longer theirs, or that others read it too."""

from portal import db, identity, subjects
from portal.consent.stops import suppress_address
from portal.consent.words import CHANNELS
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
