"""How a person likes to be reached: how often, when, by which channel, in which language. Wishes, no permissions.

Closed lists, told with every permission, so that senders can keep to them. The latest wish of the whole person counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import audit, db, settings, subjects
from portal.consent import events
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.paper import _

# What one can wish, and the values; "" is no wish.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel": ("email", "sms", "phone", "post", "push"),
    "frequency": ("weekly", "monthly"),
    "hours": ("morning", "day", "evening"),
    "language": (),
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """ "" where there is none: `frequency` as offered, `hours` any, `language` as it comes."""

    channel: str = ""
    frequency: str = ""
    hours: str = ""
    language: str = ""


NONE = Wishes()

# When it was said, the row, what is wished and what was chosen.
Wished = tuple[int, str, str, str]

_AT_ONCE = 5000  # far above a round of questions, far below what a database takes in one statement


async def wish(subject_id: str, given: Mapping[str, str], *, by: str) -> Wishes:
    """Keep what changed of these wishes, each as a row with who and when; answers all that count now."""
    for what, value in given.items():
        if what not in CHOICES or value not in ("", *values_for(what)):
            raise Invalid(_("Please choose one of the answers offered."), {what: _("Please choose one of the answers offered.")})
    async with db.writing():
        before = await wishes(subject_id)
        changed = {what: value for what, value in given.items() if value != getattr(before, what)}
        if changed:
            holder, now = (await subjects.whole(subject_id)).subjects[0], clock.micros(clock.now())
            await db.many(
                "INSERT INTO wish (id, holder, what, chosen, at, by) VALUES (?, ?, ?, ?, ?, ?)",
                [(ids.new(), holder, what, value, now, by) for what, value in sorted(changed.items())],
            )
            await audit.record(events.WISHED, actor=by, subject=holder, payload=changed)
        return await wishes(subject_id)


async def wishes(subject_id: str) -> Wishes:
    """What the whole person wishes now."""
    holders = (await subjects.whole(subject_id)).subjects
    return latest(await wishes_of(holders), holders)


async def wishes_of(holders: Iterable[str], at: datetime | None = None) -> dict[str, list[Wished]]:
    """What these subjects wished, by subject and now or by a moment; one query for all."""
    asked, moment = sorted(set(holders)), clock.micros(at or clock.now())
    found: dict[str, list[Wished]] = {}
    for start in range(0, len(asked), _AT_ONCE):
        part = asked[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT holder, at, id, what, chosen FROM wish WHERE holder IN ({marks}) AND at <= ?"
        for row in await db.rows(sql, *part, moment):
            found.setdefault(row["holder"], []).append((row["at"], row["id"], row["what"], row["chosen"]))
    return found


def latest(wished: Mapping[str, Sequence[Wished]], holders: Iterable[str]) -> Wishes:
    """The latest wish of each sort, of all subjects that are one person."""
    mine = sorted(each for holder in holders for each in wished.get(holder, ()))
    return Wishes(**{what: chosen for _at, _id, what, chosen in mine}) if mine else NONE


def values_for(what: str) -> tuple[str, ...]:
    return tuple(settings.get().language_list) if what == "language" else CHOICES[what]
