"""A no that is said now ends all that was recorded before, also when the clock went back meanwhile or another host's is ahead.

Only moments that we set ourselves are moved, not one that somebody claims. A yes is never moved: it may have been heard before
the no and only be written after it, and in doubt nobody is written to.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from portal import db
from portal.lib import clock
from portal.subjects import Person

_AT_ONCE = 500
_STEP = timedelta(microseconds=1)


async def earliest(said: Iterable[tuple[str, Person]]) -> dict[str, datetime]:
    """By identifier the first moment at which a no of now may be said on it; without those of which we know nothing."""
    records = {identifier: person.subjects for identifier, person in said}
    holders = sorted({*records, *(record for several in records.values() for record in several)})
    last: dict[str, int] = {}
    for start in range(0, len(holders), _AT_ONCE):
        part = holders[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        found = await db.tuples(
            f"SELECT identifier, max(said_at) FROM permission WHERE identifier IN ({marks}) GROUP BY identifier"
            f" UNION ALL SELECT holder, max(since) FROM stop WHERE holder IN ({marks}) GROUP BY holder",
            *(*part, *part),
        )
        for holder, at in found:
            last[holder] = max(at, last.get(holder, 0))
    known = {each: max((last[one] for one in (each, *several) if one in last), default=None) for each, several in records.items()}
    return {each: clock.from_micros(at) + _STEP for each, at in known.items() if at is not None}


async def moment_of_stop(holders: Collection[str]) -> datetime:
    """When a stop on these records or identifiers begins that somebody asks for now: after every word that it is to end."""
    last = 0
    wanted = sorted(holders)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        [[at]] = await db.tuples(
            "SELECT max(said_at) FROM permission WHERE identifier IN"
            f" (SELECT id FROM identifier WHERE home IN ({marks}) OR id IN ({marks}))",
            *(*part, *part),
        )
        last = max(last, at or 0)
    now = clock.now()
    return max(now, clock.from_micros(last) + _STEP) if last else now
