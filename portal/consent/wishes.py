"""How a person likes to be reached: how often, when, by which channel, in which language. Wishes, no permissions.

Closed lists, told with every permission, so that senders can keep to them. The latest wish of the whole person counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    marks = ", ".join("?" * len(holders))
    rows = await db.rows(f"SELECT what, chosen FROM wish WHERE holder IN ({marks}) ORDER BY at, id", *holders)
    return Wishes(**{row["what"]: row["chosen"] for row in rows})


async def preferred(addresses: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Wishes]:
    """The wishes behind addresses (kind and value) that have any: three small queries for all, one where nobody wishes."""
    if await db.row("SELECT 1 AS one FROM wish LIMIT 1") is None:
        return {}
    known = await subjects.known_ids(addresses)
    mine = {found: given for given, found in zip(addresses, known, strict=True) if found is not None}
    if not mine:
        return {}
    rows = await db.rows(
        "SELECT mine.id AS asked, wish.what, wish.chosen FROM identifier mine"
        " JOIN identifier other ON other.subject = mine.subject"
        f" JOIN wish ON wish.holder IN (other.home, other.subject) WHERE mine.id IN ({', '.join('?' * len(mine))})"
        " AND mine.erased_at IS NULL ORDER BY wish.at, wish.id",
        *mine,
    )
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        found.setdefault(mine[row["asked"]], {})[row["what"]] = row["chosen"]
    return {given: Wishes(**values) for given, values in found.items() if any(values.values())}


def values_for(what: str) -> tuple[str, ...]:
    return tuple(settings.get().language_list) if what == "language" else CHOICES[what]
