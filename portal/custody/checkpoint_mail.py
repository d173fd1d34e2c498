"""The newest checkpoint by mail, once a day: whoever keeps these mails can prove a later change of the log.

To all privacy officers, or to the addresses in PORTAL_ANCHOR_MAIL. The mail says how to keep it and how to check with it.
"""

from zoneinfo import ZoneInfo

from portal import audit, db, identity, messages, paper
from portal.custody.refusal import AnchorFailed
from portal.lib import clock
from portal.lib.errors import Invalid, NotFound
from portal.paper import _
from portal.settings import get

OFFICERS = "officers"


def is_on() -> bool:
    return bool(get().anchor_mail.strip())


async def is_due(kind: str, _signed: audit.notes.Checkpoint) -> bool:
    """Whether today's mail, in the controller's time zone, is still to be written."""
    last = await db.row("SELECT max(made_at) AS at FROM anchor WHERE kind = ?", kind)
    zone = ZoneInfo(get().time_zone)
    if last is None or last["at"] is None:
        return True
    return clock.from_micros(last["at"]).astimezone(zone).date() < clock.now().astimezone(zone).date()


async def write(signed: audit.notes.Checkpoint) -> list[str]:
    """Inside `writing()`: one mail to each; answers their ids."""
    today = clock.now().astimezone(ZoneInfo(get().time_zone)).date()
    readers = await _readers()
    if not readers:
        raise AnchorFailed(_("There is no privacy officer yet whom we could write to."))
    try:
        return [
            await messages.send_later(
                template="mail/checkpoint",
                to=address,
                language=paper.language(),
                context={"note": signed.note, "size": signed.size, "day": today, "key": str(await audit.log_key())},
                key=f"checkpoint {today} {reader}",
            )
            for reader, address in readers
        ]
    except Invalid as problem:
        raise AnchorFailed(_("PORTAL_ANCHOR_MAIL: %s") % problem) from problem


async def stuck(proof: bytes) -> str:
    """Why mails of that anchor are not on their way; empty when they are."""
    for message in bytes(proof).decode().split():
        try:
            copy = await messages.copy(message)
        except NotFound:
            continue  # sent long ago; the copy has gone
        if copy.state not in ("sent", "kept"):
            return _("The mail was written but has not left yet.")
    return ""


async def _readers() -> list[tuple[str, str]]:
    """Who, by a name without an address, and where to."""
    wanted = [each.strip() for each in get().anchor_mail.split(",") if each.strip()]
    if wanted == [OFFICERS]:
        officers = await identity.officers()
        return [(each.id, each.email) for each in officers if "privacy-officer" in each.roles]
    return [(str(number), address) for number, address in enumerate(wanted)]
