"""Whose answers another tuning of the rules would change: some hundred addresses at a time, and nothing is written.

A tuning that is tried and one that is switched on are compared here, by the same walk over the same facts.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import db, subjects
from portal.consent.permissions import Facts
from portal.consent.purposes import Purpose, in_force
from portal.consent.rules import Answer, Tuning
from portal.consent.words import CHANNELS, Cell
from portal.lib import clock
from portal.subjects import Known, Person

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One answer that would be another one."""

    person: Person
    identifier: Known
    cell: Cell
    old: Answer
    new: Answer

    @property
    def why(self) -> str:
        """`priority` or `recency`; with `no longer` when the other tuning lets a yes stand that this one does not."""
        return self.new.tuned or f"no longer {self.old.tuned}"


@dataclass(frozen=True, slots=True)
class Portion:
    """Some addresses with the people behind them, each person once. `done` is how many addresses, `last` the last one."""

    last: str
    done: int
    people: int
    answers: int
    changes: list[Change]


async def count(since: datetime | None = None) -> int:
    """How many addresses there are, or those of which something was recorded since a moment."""
    if since is None:
        found = await db.row("SELECT count(*) AS n FROM identifier")
    else:
        sql = "SELECT count(DISTINCT identifier) AS n FROM decision WHERE recorded_at >= ?"
        found = await db.row(sql, clock.micros(since))
    return int(found["n"]) if found else 0


async def portions_since(since: datetime, old: Tuning, new: Tuning) -> AsyncIterator[Portion]:
    """All people of whom something was recorded since a moment."""
    last, moment = "", clock.micros(since)
    sql = "SELECT DISTINCT identifier AS id FROM decision WHERE identifier > ? AND recorded_at >= ? ORDER BY identifier LIMIT ?"
    while found := [row["id"] for row in await db.rows(sql, last, moment, AT_ONCE)]:
        people = await subjects.people(found)
        recent = set(found) | await _spoken_since(_others(people), moment)
        firsts = [each for each in found if each == min(recent & {known.id for known in people[each].identifiers})]
        last = found[-1]
        yield await _compared(last, len(found), [people[each] for each in firsts], old, new)


async def portions_of_all(
    old: Tuning, new: Tuning, *, after: str = "", but_since: datetime | None = None
) -> AsyncIterator[Portion]:
    """Everybody, from an address on; without those of whom something was recorded since a moment."""
    last, sql = after, "SELECT id FROM identifier WHERE id > ? ORDER BY id LIMIT ?"
    while found := [row["id"] for row in await db.rows(sql, last, AT_ONCE)]:
        people = await subjects.people(found)
        recent: set[str] = set()
        if but_since is not None:
            recent = await _spoken_since({*found, *_others(people)}, clock.micros(but_since))
        last, wanted = found[-1], list[Person]()
        for each in found:
            theirs = {known.id for known in people[each].identifiers}
            if each == min(theirs) and not theirs & recent:
                wanted.append(people[each])
        yield await _compared(last, len(found), wanted, old, new)


async def _compared(last: str, done: int, people: Sequence[Person], old: Tuning, new: Tuning) -> Portion:
    known, now = await in_force(None), clock.now()
    facts = await Facts.load(people, tuning=old if new.changes_nothing else new)
    before, after = facts.under(old), facts.under(new)
    answers, changes = 0, list[Change]()
    for person in people:
        for identifier, cell in _answers_of(person, facts, known):
            about = known[cell.purpose]
            one = before.answer(person, identifier.id, cell, about, now)
            other = after.answer(person, identifier.id, cell, about, now)
            answers += 1
            if one.allowed != other.allowed:
                changes.append(Change(person, identifier, cell, one, other))
    return Portion(last, done, len(people), answers, changes)


def _answers_of(person: Person, facts: Facts, known: dict[str, Purpose]) -> list[tuple[Known, Cell]]:
    """A tuning sets yeses aside: it can change the cells on which there is one, at all addresses of the person (rule 5)."""
    spoken = {
        word.cell for each in person.identifiers for word in facts.words.get(each.id, ()) if word.answer in ("yes", "informed")
    }
    living = [
        cell
        for cell in sorted(spoken)
        if (about := known.get(cell.purpose)) is not None
        and cell.channel in about.channels
        and cell.topic in ("", *about.topic_keys())
    ]
    return [
        (each, cell)
        for each in person.identifiers
        for cell in living
        if each.erased_at is None and each.kind in CHANNELS[cell.channel]
    ]


def _others(people: dict[str, Person]) -> set[str]:
    return {known.id for asked, person in people.items() for known in person.identifiers if known.id != asked}


async def _spoken_since(identifiers: set[str], moment: int) -> set[str]:
    wanted, found = sorted(identifiers), set[str]()
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT DISTINCT identifier FROM decision WHERE identifier IN ({marks}) AND recorded_at >= ?"
        found |= {row["identifier"] for row in await db.rows(sql, *part, moment)}
    return found
