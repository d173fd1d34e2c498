"""How often a network may answer on a site, and when a site was last heard of, without a write per request.

Counted in memory and folded into the database once a second and at shutdown; a process that starts anew reads what was
counted. kill -9 forgives at most one second. Who looks at a page is counted as a site, never as a visitor.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from portal import db, settings
from portal.lib import clock
from portal.lib.errors import TooMany
from portal.paper import _
from portal.sites import counts

MINUTE = timedelta(minutes=1)
EVERY = 1.0
LONGEST_NOTE = 200
SETTINGS, CHOICE, REFUSED = "settings", "choice", "refused"
log = structlog.get_logger("portal.sites")


class _Tally:
    """What one network sent one site in the minute that runs: `counted` by all processes, `waiting` to be counted by this one."""

    def __init__(self, counted: int, ends_at: int) -> None:
        self.counted, self.ends_at, self.waiting = counted, ends_at, 0


@dataclass(slots=True)
class Seen:
    """How often, when last, and what was noted then."""

    number: int
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class _Book:
    tallies: dict[str, _Tally] = field(default_factory=dict)
    seen: dict[tuple[str, str], Seen] = field(default_factory=dict)


_books: dict[str, _Book] = {}  # by database


async def admit(site: str, network: str) -> None:
    """Count one more answer; raises TooMany beyond PORTAL_CHOICES_PER_MINUTE, and what is refused so is not counted."""
    name = f"w/{site}/{network}"
    tallies = _book().tallies
    tally = tallies.get(name)
    if tally is None:
        tally = tallies.setdefault(name, _Tally(*await db.counted(name)))
    now = clock.micros(clock.now())
    if tally.ends_at <= now:
        tally.counted, tally.ends_at = 0, now + MINUTE // timedelta(microseconds=1)
    if tally.counted + tally.waiting >= settings.get().choices_per_minute:
        seconds = max(1, (tally.ends_at - now) // 1_000_000)
        raise TooMany(_("There were many answers from your network. Please try again in a minute."), retry_after=seconds)
    tally.waiting += 1


def note(site: str, what: str, said: str = "") -> None:
    """The site was heard of just now; folded with the counts."""
    seen = _book().seen.setdefault((site, what), Seen(0, clock.now(), ""))
    seen.number, seen.at, seen.note = seen.number + 1, clock.now(), said[:LONGEST_NOTE]


async def last(site: str) -> dict[str, Seen]:
    """By what happened, as far as it was folded."""
    found = await db.rows("SELECT what, number, at, note FROM site_note WHERE site = ?", site)
    return {each["what"]: Seen(each["number"], clock.from_micros(each["at"]), each["note"]) for each in found}


async def fold() -> None:
    """Add what was counted in memory to the database; networks whose minute is over are forgotten."""
    book, now = _book(), clock.micros(clock.now())
    for name in [name for name, tally in book.tallies.items() if not tally.waiting and tally.ends_at <= now]:
        del book.tallies[name]
    waiting = {name: tally.waiting for name, tally in book.tallies.items() if tally.waiting}
    rows = [(*key, each.number, clock.micros(each.at), each.note) for key, each in sorted(book.seen.items())]
    if not waiting and not rows:
        return
    async with db.writing():
        counted = await db.count_many(waiting, per=MINUTE)
        await db.many(
            "INSERT INTO site_note (site, what, number, at, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (site, what) DO UPDATE"
            " SET number = site_note.number + excluded.number, at = excluded.at, note = excluded.note",
            rows,
        )
    for name, number in waiting.items():
        tally = book.tallies[name]
        (tally.counted, tally.ends_at), tally.waiting = counted[name], tally.waiting - number
    for site, what, folded, *_rest in rows:
        seen = book.seen[site, what]
        seen.number -= folded
        if not seen.number:
            del book.seen[site, what]


async def run_counting(stop: asyncio.Event) -> None:
    """Fold once a second until `stop` is set, and then once more. A database that is away is asked again."""
    ended = False
    while not ended:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)
        ended = stop.is_set()
        try:
            await fold()
            await counts.fold()
        except db.trouble() as problem:
            log.warning("sites.not_counted", kind=type(problem).__name__)


def _book() -> _Book:
    return _books.setdefault(settings.get().database, _Book())
