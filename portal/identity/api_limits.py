"""How many requests a key may send in a minute, without a write per request.

Requests are counted in memory and added to the database's throttles once a second and at shutdown; a process that starts
anew reads what was counted. Several processes see each other's requests a second late; kill -9 forgives at most one second.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from portal import db, settings
from portal.identity.api_keys import ApiKey, key_of
from portal.lib import clock
from portal.lib.errors import TooMany
from portal.paper import _

MINUTE = timedelta(minutes=1)
EVERY = 1.0
log = structlog.get_logger("portal.identity")


class _Tally:
    """The requests of one key in the minute that runs: `counted` by all processes, `waiting` to be counted by this one."""

    def __init__(self, counted: int, ends_at: int) -> None:
        self.counted, self.ends_at, self.waiting, self.noted_on = counted, ends_at, 0, ""


_tallies: dict[str, _Tally] = {}


async def admit(secret: str) -> ApiKey | None:
    """Whose key this is, with one more request counted; None for what is no key. Raises TooMany beyond
    PORTAL_API_PER_MINUTE, and a request that is refused so is not counted."""
    key = await key_of(secret)
    if key is not None:
        await count_request(key.id)
    return key


async def count_request(sender: str) -> None:
    """One more request of a key, or of a connected system that signs; raises TooMany as `admit` does."""
    tally = _tallies.get(sender)
    if tally is None:
        tally = _tallies.setdefault(sender, _Tally(*await db.counted(_name(sender))))
    now = clock.micros(clock.now())
    if tally.ends_at <= now:
        tally.counted, tally.ends_at = 0, now + MINUTE // timedelta(microseconds=1)
    if tally.counted + tally.waiting >= settings.get().api_per_minute:
        seconds = max(1, (tally.ends_at - now) // 1_000_000)
        raise TooMany(_("This key sent more requests in a minute than it may. Please wait."), retry_after=seconds)
    tally.waiting += 1


async def fold_requests() -> None:
    """Add what was counted in memory to the database, and note the day on which each key was used."""
    waiting = {key: tally.waiting for key, tally in _tallies.items() if tally.waiting}
    if not waiting:
        return
    today = clock.now().date().isoformat()
    async with db.writing():
        counted = await db.count_many({_name(key): number for key, number in waiting.items()}, per=MINUTE)
        for key in waiting:
            if _tallies[key].noted_on != today:
                await db.run("UPDATE api_key SET used_on = ? WHERE id = ?", today, key)
    for key, number in waiting.items():
        tally = _tallies[key]
        tally.counted, tally.ends_at = counted[_name(key)]
        tally.waiting, tally.noted_on = tally.waiting - number, today


async def run_counting(stop: asyncio.Event) -> None:
    """Fold once a second until `stop` is set, and then once more. A database that is away is asked again."""
    ended = False
    while not ended:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)
        ended = stop.is_set()
        try:
            await fold_requests()
        except db.trouble() as problem:
            log.warning("requests.not_counted", kind=type(problem).__name__)


def _name(sender: str) -> str:
    return f"api/{sender}"
