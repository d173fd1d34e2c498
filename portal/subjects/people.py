"""Who is behind many identifiers at once, in one query: what every check and every decision needs to know.

No value is opened here. For one person with everything about them, see `whole`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from portal import db
from portal.lib import clock
from portal.subjects.links import whole
from portal.subjects.models import Identifier


class Known(NamedTuple):
    """What is known of an identifier without opening it; `value` is sealed."""

    id: str
    kind: str
    home: str
    subject: str
    audience: str
    verified_at: datetime | None
    erased_at: datetime | None
    suppressed_since: datetime | None
    value: bytes | None


class Person(NamedTuple):
    subject: str
    subjects: tuple[str, ...]
    identifiers: tuple[Known, ...]


_QUERY = (
    "SELECT mine.id AS asked, i.id, i.kind, i.home, i.subject, i.audience, i.verified_at, i.erased_at, i.value, s.since"
    " FROM identifier mine JOIN identifier i ON i.subject = mine.subject"
    " LEFT JOIN suppression s ON s.kind = i.kind AND s.hash = i.blind AND (s.ends_at IS NULL OR s.ends_at > ?)"
)
_AT_ONCE = 500


async def people(identifier_ids: Iterable[str]) -> dict[str, Person]:
    """The person behind each identifier, by its id; ids that do not exist are missing."""
    wanted, now = sorted(set(identifier_ids)), clock.micros(clock.now())
    found: dict[str, list[Known]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        for each in await db.rows(f"{_QUERY} WHERE mine.id IN ({marks}) ORDER BY i.created_at, i.id", now, *part):
            found.setdefault(each["asked"], []).append(_known(each))
    return {asked: _person(known) for asked, known in found.items()}


async def person_at(identifier_id: str, at: datetime) -> Person | None:
    """The person behind one identifier as links, proofs and notes stood at that moment; None if it was not there yet."""
    mine = await Identifier.get_or_none(id=identifier_id)
    if mine is None or mine.created_at > at:
        return None
    then = await whole(mine.home, at)
    now = {each.id: each for each in (await people([identifier_id]))[identifier_id].identifiers}
    known = [_as_of(each, now.get(each.id), at, then.subjects[0]) for each in then.identifiers]
    return Person(then.subjects[0], tuple(then.subjects), tuple(known))


def _known(row: dict[str, Any]) -> Known:
    verified, erased, since = (None if row[name] is None else clock.from_micros(row[name]) for name in _MOMENTS)
    value = None if row["value"] is None else bytes(row["value"])
    return Known(row["id"], row["kind"], row["home"], row["subject"], row["audience"], verified, erased, since, value)


_MOMENTS = ("verified_at", "erased_at", "since")


def _person(known: list[Known]) -> Person:
    subject = known[0].subject
    return Person(subject, tuple(dict.fromkeys([subject, *(each.home for each in known)])), tuple(known))


def _as_of(identifier: Identifier, now: Known | None, at: datetime, subject: str) -> Known:
    def by_then(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= at else None

    return Known(
        identifier.id,
        identifier.kind,
        identifier.home,
        subject,
        identifier.audience,
        by_then(identifier.first_verified_at),
        by_then(identifier.erased_at),
        by_then(now.suppressed_since if now else None),
        identifier.value,
    )
