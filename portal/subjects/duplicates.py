"""Records that may be one person's: what an officer sees of a hint and makes of it (GDPR Art. 5(1)(d), accuracy).

A hint is open until an officer finds either way, and as long as the two are not one person. Linking goes through links;
taking that link back opens the hint again, exactly as it was. Until then the most restrictive counts (see `open_for`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import audit, db
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.subjects import events
from portal.subjects.disowning import FORMER
from portal.subjects.hints import FORM, MAILBOX, REASONS, TOGETHER, handed_in_together
from portal.subjects.links import merge, whole
from portal.subjects.models import Duplicate, Identifier
from portal.subjects.people import Known, people, person_at
from portal.subjects.places import AT_ONCE

__all__ = [
    "FORM",
    "GROUNDS",
    "MAILBOX",
    "REASONS",
    "TOGETHER",
    "Hint",
    "between",
    "dismiss",
    "handed_in_together",
    "link",
    "of_person",
    "open_for",
    "open_for_at",
    "open_hints",
]

# On what an officer may link two records: a closed list, so that nobody's words stand in the history of links.
GROUNDS = ("told us", "account", "document", "same mailbox")


@dataclass(frozen=True, slots=True)
class Hint:
    """One open hint: the two identifiers (with whom they point to now), why, since when, from whom."""

    id: str
    why: str
    since: datetime
    by: str
    first: Identifier
    second: Identifier


_APART = (
    " FROM duplicate d JOIN identifier a ON a.id = d.one JOIN identifier b ON b.id = d.other"
    " WHERE d.state <> 'dismissed' AND a.subject <> b.subject AND a.erased_at IS NULL AND b.erased_at IS NULL"
    f" AND a.audience <> '{FORMER}' AND b.audience <> '{FORMER}'"
)
_WAYS = (("a", "b"), ("b", "a"))


async def open_hints(before: str | None = None, limit: int = 50) -> list[Hint]:
    """All that wait for an officer, newest first; `before` is the id of the last one of the page before."""
    place, values = (" AND d.id < ?", [before]) if before else ("", [])
    return await _hints(f"SELECT d.id{_APART}{place} ORDER BY d.id DESC LIMIT ?", *values, limit)


async def of_person(subject_id: str) -> list[Hint]:
    """The open hints about one person."""
    person = (await whole(subject_id)).subjects[0]
    ways = [f"SELECT d.id{_APART} AND {mine}.subject = ?" for mine, _its in _WAYS]
    return await _hints(f"{' UNION '.join(ways)} ORDER BY 1", person, person)


async def between(one: str, other: str) -> list[Hint]:
    """The open hints between two people."""
    both = {(await whole(one)).subjects[0], (await whole(other)).subjects[0]}
    return [each for each in await of_person(one) if {each.first.subject, each.second.subject} == both]


async def open_for(subject_ids: Iterable[str]) -> dict[str, tuple[Known, ...]]:
    """By person, the identifiers of all who may be the same person. People without an open hint are missing.

    Between these and the person's own the most restrictive counts.
    """
    wanted = sorted(set(subject_ids))
    found: dict[str, set[str]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        marks = ", ".join("?" * len(part))
        ways = [
            f"SELECT {mine}.subject AS person, {its}.id AS other{_APART} AND {mine}.subject IN ({marks})" for mine, its in _WAYS
        ]
        for row in await db.rows(" UNION ".join(ways), *part, *part):
            found.setdefault(row["person"], set()).add(row["other"])
    known_of = await people({each for others in found.values() for each in others})
    return {
        person: tuple({known.id: known for each in sorted(others) for known in known_of[each].identifiers}.values())
        for person, others in found.items()
    }


async def open_for_at(subject_id: str, at: datetime) -> tuple[Known, ...]:
    """The same of one person as hints, findings and links stood at that moment."""
    homes, then = (await whole(subject_id, at)).subjects, clock.micros(at)
    marks = ", ".join("?" * len(homes))
    ways = [
        f"SELECT {its}.id AS other FROM identifier {mine} JOIN duplicate d ON d.{ends[0]} = {mine}.id"
        f" JOIN identifier {its} ON {its}.id = d.{ends[1]}"
        f" WHERE {mine}.home IN ({marks}) AND d.since <= ? AND (d.state <> 'dismissed' OR d.closed_at > ?)"
        for (mine, its), ends in zip(_WAYS, (("one", "other"), ("other", "one")), strict=True)
    ]
    found: dict[str, Known] = {}
    for row in await db.rows(" UNION ".join(ways), *(*homes, then, then) * 2):
        other = await person_at(row["other"], at)
        if other is not None and other.subject != homes[0]:
            found |= {known.id: known for known in other.identifiers}
    return tuple(found.values())


async def link(one: str, other: str, *, by: str, why: str) -> str:
    """An officer found that two records are one person's; inside `writing()`. Answers the person that both are now.

    The younger record is linked to the older one, which merges nothing: `split` takes it back exactly.
    """
    if why not in GROUNDS:
        raise Invalid(_("Say how you know."), {"why": _("Choose one of these.")})
    first, second = await _two_people(one, other)
    hints = await between(first, second)
    await merge(second, into=first, by=by, why=why)
    await _close(hints, "linked", by, why)
    await audit.record(events.JOINED, actor=by, subject=first, object=second, payload={"why": why, "hints": _reasons(hints)})
    return first


async def dismiss(one: str, other: str, *, by: str) -> None:
    """An officer found that they are two people: these hints, and later ones between them, are shown no more."""
    first, second = await _two_people(one, other)
    hints = await between(first, second)
    if not hints:
        raise Conflict(_("Nothing says that these two are the same person. Somebody else may have decided already."))
    await _close(hints, "dismissed", by, None)
    for mine, its in ((first, second), (second, first)):
        await audit.record(events.DISMISSED, actor=by, subject=mine, object=its, payload={"hints": _reasons(hints)})


async def _two_people(one: str, other: str) -> tuple[str, str]:
    """The two as they are now, the one recorded first before the other (ids are ordered by time)."""
    first, second = sorted([(await whole(one)).subjects[0], (await whole(other)).subjects[0]])
    if first == second:
        raise Conflict(_("These are one person already."))
    return first, second


async def _close(hints: Sequence[Hint], state: str, by: str, reason: str | None) -> None:
    now = clock.micros(clock.now())
    await db.many(
        "UPDATE duplicate SET state = ?, closed_at = ?, closed_by = ?, reason = ? WHERE id = ?",
        [(state, now, by, reason, each.id) for each in hints],
    )


def _reasons(hints: Iterable[Hint]) -> list[str]:
    return sorted({each.why for each in hints})


async def _hints(sql: str, *values: Any) -> list[Hint]:
    wanted = [row["id"] for row in await db.rows(sql, *values)]
    stored = {each.id: each for each in await Duplicate.filter(id__in=wanted)} if wanted else {}
    ends = {end for each in stored.values() for end in (each.one, each.other)}
    known = {each.id: each for each in await Identifier.filter(id__in=sorted(ends))} if ends else {}
    return [
        Hint(each.id, each.why, each.since, each.by, known[each.one], known[each.other])
        for each in (stored[one] for one in wanted)
    ]
