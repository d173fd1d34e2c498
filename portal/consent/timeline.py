"""What was on and when, for a picture of a person's choices: at each moment the answer that was known then."""

from dataclasses import dataclass
from datetime import datetime

from portal import db, subjects
from portal.consent import precedence
from portal.consent.permissions import Facts
from portal.consent.purposes import Purpose, in_force
from portal.consent.words import CHANNELS, Cell
from portal.lib import clock
from portal.subjects import Known

# As many of the latest moments as a page can show; what was before them begins at the first.
MOST = 60


@dataclass(frozen=True)
class Lane:
    """One purpose by one channel to one address; `spans` say from when until when it was on, None: still."""

    purpose: Purpose
    channel: str
    identifier: Known
    spans: list[tuple[datetime, datetime | None]]


async def timeline(subject_id: str) -> list[Lane]:
    """The lanes that were ever on, in the order of the purposes."""
    known = (await subjects.whole(subject_id)).identifiers
    living = [each.id for each in known if each.erased_at is None]
    person = (await subjects.people(living[:1])).get(living[0]) if living else None
    if person is None:
        return []
    moments = (await _moments([*person.subjects, *(each.id for each in person.identifiers)]))[-MOST:]
    asked = [
        Lane(about, channel, each, [])
        for about in (await in_force(None)).values()
        if about.default != "fixed"
        for channel in about.channels
        for each in person.identifiers
        if each.kind in CHANNELS[channel] and each.erased_at is None
    ]
    open_since: list[datetime | None] = [None] * len(asked)
    for moment in moments:
        facts = await Facts.load([person], at=moment)
        for number, lane in enumerate(asked):
            cell = Cell(lane.purpose.key, lane.channel)
            on, since = facts.answer(person, lane.identifier.id, cell, lane.purpose, moment).allowed, open_since[number]
            if on and since is None:
                open_since[number] = moment
            elif not on and since is not None:
                lane.spans.append((since, moment))
                open_since[number] = None
    for lane, since in zip(asked, open_since, strict=True):
        if since is not None:
            lane.spans.append((since, None))
    return [lane for lane in asked if lane.spans]


async def _moments(holders: list[str]) -> list[datetime]:
    """When anything may have changed: something was said, stopped or paused, or ran out, or a tuning began."""
    marks, now = ", ".join("?" * len(holders)), clock.micros(clock.now())
    found: set[int] = set()
    for table, column, held_by in (
        ("decision", "recorded_at", "identifier"),
        ("decision", "expires_at", "identifier"),
        ("stop", "since", "holder"),
        ("stop", "lifted_at", "holder"),
        ("pause", "since", "holder"),
        ("pause", "until", "holder"),
        ("pause", "ended_at", "holder"),
    ):
        sql = (
            f"SELECT DISTINCT {column} AS at FROM {table} WHERE {held_by} IN ({marks}) AND {column} IS NOT NULL AND {column} <= ?"
        )
        found |= {int(row["at"]) for row in await db.rows(sql, *holders, now)}
    found |= {each for each in await precedence.moments(holders) if each <= now}
    return [clock.from_micros(each) for each in sorted(found)]
