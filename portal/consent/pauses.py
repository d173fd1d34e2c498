"""Pauses: nothing is sent until a day the person chose; the words stay as they are and count again afterwards."""

from datetime import datetime

from portal import audit, db, subjects
from portal.consent import events
from portal.consent.models import PauseRow
from portal.consent.propagation import wake
from portal.consent.purposes import in_force
from portal.consent.words import ALL, CHANNELS
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.paper import _


async def pause(subject_id: str, *, until: datetime, by: str, purpose: str = ALL, channel: str = ALL) -> str:
    """Pause all marketing, one purpose or one channel of the whole person; answers the act's id."""
    if until <= clock.now():
        raise Invalid(_("Choose a day in the future."), {"until": _("This day is over.")})
    if channel != ALL and channel not in CHANNELS:
        raise Invalid(_("There is no such channel: %s.") % channel, {"channel": channel})
    if purpose != ALL and purpose not in await in_force([purpose]):
        raise Invalid(_("There is no such purpose: %s.") % purpose, {"purpose": purpose})
    async with db.writing():
        holders, act, now = (await subjects.whole(subject_id)).subjects, ids.new(), clock.now()
        await PauseRow.bulk_create(
            [
                PauseRow(id=ids.new(), act=act, holder=holder, purpose=purpose, channel=channel, since=now, until=until, by=by)
                for holder in holders
            ]
        )
        payload = {"purpose": purpose, "channel": channel, "until": clock.rfc3339(until)}
        await audit.record(events.PAUSED, actor=by, subject=holders[0], object=act, payload=payload)
        await wake()
    return act


async def resume(subject_id: str, *, by: str) -> int:
    """End all pauses of the person now; answers how many there were."""
    async with db.writing():
        holders, now = (await subjects.whole(subject_id)).subjects, clock.micros(clock.now())
        running = f"ended_at IS NULL AND until > ? AND holder IN ({', '.join('?' * len(holders))})"
        acts = {row["act"] for row in await db.rows(f"SELECT act FROM pause WHERE {running}", now, *holders)}
        await db.run(f"UPDATE pause SET ended_at = ?, ended_by = ? WHERE {running}", now, by, now, *holders)
        for act in sorted(acts):
            await audit.record(events.RESUMED, actor=by, subject=holders[0], object=act)
        if acts:
            await wake()
    return len(acts)
