"""An officer's due dates for their own calendar program (RFC 5545), at a private address that they can end at any time.

A calendar program cannot sign in, so whoever has the address reads the feed: it holds short numbers and days, never a
person, a right or a law; what its entries link to asks for the sign-in. It ends with the officer's work here.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from portal import audit, db, identity
from portal.cases import events
from portal.lib import clock, ids
from portal.lib.errors import NotFound
from portal.paper import _
from portal.settings import get

AT_MOST = 500
SEES = "cases.process"


async def make(officer_id: str) -> str:
    """A new secret, shown once; an earlier address stops at the same moment."""
    secret = ids.secret(256)
    async with db.writing():
        await db.run(
            "INSERT INTO case_feed (officer, digest, made_at) VALUES (?, ?, ?)"
            " ON CONFLICT (officer) DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at",
            *(officer_id, ids.digest(secret), clock.micros(clock.now())),
        )
        await audit.record(events.FEED_MADE, actor=f"officer:{officer_id}")
    return secret


async def end(officer_id: str) -> None:
    """Does nothing where there is none."""
    async with db.writing():
        if await db.run("DELETE FROM case_feed WHERE officer = ?", officer_id):
            await audit.record(events.FEED_ENDED, actor=f"officer:{officer_id}")


async def made_at(officer_id: str) -> datetime | None:
    found = await db.row("SELECT made_at FROM case_feed WHERE officer = ?", officer_id)
    return None if found is None else clock.from_micros(found["made_at"])


async def calendar(secret: str) -> bytes:
    """The feed behind an address; one that was ended, or whose officer left or lost the role, is not found."""
    found = await db.row("SELECT officer FROM case_feed WHERE digest = ?", ids.digest(secret))
    if found is None or not identity.may(await identity.officer(found["officer"]), SEES):
        raise NotFound(_("There is no calendar at this address."))
    return await asyncio.to_thread(_written, await _open(found["officer"]))


async def behind(day: str, number: str) -> str | None:
    """The open case that an entry speaks of, for an officer who has signed in; None when its date has moved or it is closed."""
    if not re.fullmatch(r"[0-9a-f]{8}", number):
        return None
    found = await db.row("SELECT id FROM case_file WHERE is_open = 1 AND due_on = ? AND id LIKE ?", day, f"%{number}")
    return None if found is None else str(found["id"])


@dataclass(frozen=True)
class _Due:
    id: str
    day: date


async def _open(officer_id: str) -> list[_Due]:
    """What this officer works on and what nobody does yet, soonest first; an answered case has no date any more."""
    rows = await db.rows(
        "SELECT id, due_on FROM case_file WHERE is_open = 1 AND state <> 'delivering'"
        " AND (officer IS NULL OR officer = ?) ORDER BY due_on, id LIMIT ?",
        *(officer_id, AT_MOST),
    )
    return [_Due(each["id"], date.fromisoformat(each["due_on"])) for each in rows]


def _written(dues: list[_Due]) -> bytes:
    import icalendar  # 60 ms that only this page needs

    base = get().base_url.rstrip("/")
    feed = icalendar.Calendar()
    feed.add("prodid", "-//Privacy portal//Due dates//EN")
    feed.add("version", "2.0")
    feed.add("x-wr-calname", _("Requests: due dates"))
    feed.add("refresh-interval", timedelta(hours=6), parameters={"value": "DURATION"})
    for each in dues:
        event = icalendar.Event()
        # The case's own id tells to the millisecond when it was made; its digest tells nothing.
        event.add("uid", f"{ids.digest('calendar ' + each.id).hex()[:32]}@{urlsplit(base).hostname}")
        event.add("dtstamp", clock.now())
        event.add("dtstart", each.day)
        event.add("dtend", each.day + timedelta(days=1))
        event.add("summary", _("Request %s: answer due") % each.id[-8:])
        event.add("url", f"{base}/admin/calendar/{each.day}/{each.id[-8:]}")
        event.add("transp", "TRANSPARENT")
        feed.add_component(event)
    return bytes(feed.to_ical())
