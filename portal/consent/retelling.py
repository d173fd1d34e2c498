"""Telling a connected system once more what people said, since a backup of its own was made that its owner restored.

Noes and stops of that time are not in the backup, so whoever took a yes back would stand there with it (GDPR Art. 7(3)). What is
told is the answer that counts now; telling it twice does no harm.
"""

from dataclasses import dataclass
from datetime import datetime

from portal import audit, connectors, db
from portal.consent import deliveries, propagation
from portal.consent.changes import items_of
from portal.lib import clock


@dataclass(frozen=True)
class Retelling:
    """`since` is the first place in the log that is told again, None where there is nothing; `taken_back` of the `answers` are
    about what somebody took back or stopped."""

    since: int | None
    people: int = 0
    answers: int = 0
    taken_back: int = 0


async def look(system: str, moment: datetime) -> Retelling:
    """What it was told since that moment, or would have been: by the log, and by what it took over late."""
    about, connector = propagation.system_of(system), connectors.open_system(system)
    position = (await deliveries.standing(system)).position
    first = await _first(system, moment)
    if first is None or first > position:
        return Retelling(None)
    people, answers, taken_back, after = set[str](), 0, 0, first - 1
    while entries := await audit.entries_after(after, propagation.ENTRIES):
        after = entries[-1].log_index or 0
        told = [each for each in entries if (each.log_index or 0) <= position]
        wanted = await propagation.wanted_by(about, connector, await items_of(told))
        people |= {each.subject for each in wanted}
        answers += len(wanted)
        taken_back += sum(each.withdraws for each in wanted)
        if after >= position:
            break
    return Retelling(first, len(people), answers, taken_back) if answers else Retelling(None)


async def begin(system: str, moment: datetime, *, by: str) -> Retelling:
    """Let the worker tell it; answers what it will hear."""
    found = await look(system, moment)
    if found.since is not None:
        await propagation.replay(system, since=found.since, by=by)
    return found


async def _first(system: str, moment: datetime) -> int | None:
    """What was recorded before the backup may have been taken over after it, by a system that did not answer for a while."""
    found = await db.row(
        "SELECT min(log_index) AS place FROM delivery WHERE system = ? AND state = 'sent' AND done_at >= ?",
        *(system, clock.micros(moment)),
    )
    late = None if found is None or found["place"] is None else int(found["place"])
    return min((each for each in (late, await audit.first_since(moment)) if each is not None), default=None)
