"""On whose word the use of a person's data still rests, and when the last such basis fell away (GDPR Art. 17(1)(b), 5(1)(e)).

A basis here is a word in force: a yes, or what a customer was told. What needs no word (contract, law, our own interest) stands
for everybody alike and says nothing about one person, so it counts neither way. A pause, a restriction and a mailbox that
does not answer close a use and leave its basis alone. What was is played back with who is whom as it is known now.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from portal import db, subjects
from portal.consent import fold, precedence
from portal.consent.permissions import Facts, below
from portal.consent.purposes import Purpose, latest, lifetimes
from portal.consent.rules import Because, Spoken, Stop, expiry
from portal.consent.words import ALL, Cell
from portal.lib import clock
from portal.subjects import Person

GIVING = ("yes", "informed")
# They close the address, not what was agreed to.
UNREACHED = ("hard bounce", "number unassigned")
# As many of the latest moments of one person as are played back; whoever had none in all of them had it before.
MOST = 200
_AT_ONCE = 500

Resting = Mapping[tuple[str, Cell], Because]


class Ended(NamedTuple):
    """What was allowed by a word until `at`; `how`: no, unset, objected, lapsed, retired, joined. `answer`: yes or informed.

    Joined: with a record that had refused it.
    """

    purpose: Purpose
    channel: str
    identifier: str
    answer: str
    at: datetime
    how: str


@dataclass(frozen=True)
class Standing:
    """`ended_at`: when the last basis fell away; None while one stands, or where there never was any."""

    has_basis: bool
    ended_at: datetime | None = None
    ended: tuple[Ended, ...] = ()


async def standing(subject_id: str) -> Standing:
    """Of the whole person behind any one of their records."""
    living = [each.id for each in (await subjects.whole(subject_id)).identifiers if each.erased_at is None]
    person = (await subjects.people(living[:1])).get(living[0]) if living else None
    return Standing(False) if person is None else (await standings([person]))[person.subject]


async def standings(people: Sequence[Person]) -> dict[str, Standing]:
    """By person, in a number of queries that does not grow with the people."""
    if not people:
        return {}
    now, known = clock.now(), await latest()
    facts = _ending(await Facts.load(people))
    without = [each for each in people if not _resting(each, facts, known, now)]
    found = {each.subject: Standing(True) for each in people}
    if not without:
        return found
    identifiers = [each.id for person in without for each in person.identifiers]
    said: dict[str, list[Spoken]] = {}
    for word in await fold.said(identifiers):
        said.setdefault(word.identifier, []).append(word)
    recorded, linked = await _recorded(identifiers), await _linked(without)
    shortened = {key: lived[-1].since for key, lived in (await lifetimes()).items() if len(lived) > 1}
    tuned = await precedence.in_force()
    for person in without:
        words = [word for each in person.identifiers for word in said.get(each.id, ())]
        ended = _played_back(person, words, recorded, facts, known, now)
        if not ended and (joined := linked.get(person.subject)):
            before = [word for word in words if recorded[word.decision] <= joined]
            apart = [each for part in _apart(person) for each in _played_back(part, before, recorded, facts, known, joined)]
            ended = [each._replace(at=joined, how="joined") for each in apart]
        # What changed for many at once, or joined two records, is told by no word: the time counts from it as well.
        since = [linked.get(person.subject), *(shortened.get(each.purpose.key) for each in ended)]
        since += [tuned.in_force_from] if tuned and not tuned.tuning.changes_nothing else []
        last = max([each.at for each in ended] + [each for each in since if each is not None], default=None)
        found[person.subject] = Standing(False, min(last, now) if ended and last else None, tuple(ended))
    return found


async def tuning_number() -> int:
    """Of the tuning in force; 0 where none was ever switched on."""
    tuned = await precedence.in_force()
    return tuned.number if tuned else 0


def _resting(person: Person, facts: Facts, known: Mapping[str, Purpose], now: datetime) -> Resting:
    """The cells that may be used because of a word of the person, and of which."""
    found: dict[tuple[str, Cell], Because] = {}
    for each in person.identifiers:
        for cell in {word.cell for word in facts.words.get(each.id, ()) if word.answer in GIVING}:
            about = known.get(cell.purpose)
            if about is None or _is_retired(about, now) or cell not in below(about, Cell(about.key, ALL, ALL)):
                continue
            answer = facts.answer(person, each.id, cell, about, now)
            if answer.allowed and answer.because.what == "decision":
                found[each.id, cell] = answer.because
    return found


def _played_back(
    person: Person,
    words: Sequence[Spoken],
    recorded: Mapping[str, datetime],
    facts: Facts,
    known: Mapping[str, Purpose],
    now: datetime,
) -> list[Ended]:
    """What rested on a word last, before nothing did; empty when nothing ever had."""
    after = now
    for moment in _moments(person, words, recorded, facts, known, now):
        then = _as_of(facts, [word for word in words if recorded[word.decision] <= moment], moment)
        if resting := _resting(person, then, known, moment):
            later = _as_of(facts, [word for word in words if recorded[word.decision] <= after], after)
            return [
                Ended(
                    known[cell.purpose], cell.channel, mine, why.answer, after, _how(person, later, mine, cell, why, known, after)
                )
                for (mine, cell), why in sorted(resting.items())
            ]
        after = moment
    return []


def _apart(person: Person) -> list[Person]:
    """Each record by itself, as if nobody had joined them."""
    homes = dict.fromkeys(each.home for each in person.identifiers)
    return [Person(home, (home,), tuple(each for each in person.identifiers if each.home == home)) for home in homes]


def _moments(
    person: Person,
    words: Sequence[Spoken],
    recorded: Mapping[str, datetime],
    facts: Facts,
    known: Mapping[str, Purpose],
    now: datetime,
) -> list[datetime]:
    """When anything about them may have changed, newest first."""
    found = {recorded[word.decision] for word in words}
    given = [word for word in words if word.answer in GIVING and word.cell.purpose in known]
    counts_for = dict(facts.tuning.counts_for)
    for word in given:
        about = known[word.cell.purpose]
        if (ends := expiry(word.at, word.expires_at, about.lifetime_months)) is not None:
            found.add(ends)
        if word.source in counts_for:
            found.add(word.at + timedelta(days=counts_for[word.source]))
        if about.retired_at is not None:
            found.add(about.retired_at)
    holders = {*person.subjects, *(each.id for each in person.identifiers)}
    found |= {stop.since for holder in holders for stop in facts.stops.get(holder, ())}
    found |= {each.suppressed_since for each in person.identifiers if each.suppressed_since is not None}
    return sorted((each for each in found if each <= now), reverse=True)[:MOST]


def _how(
    person: Person, then: Facts, identifier: str, cell: Cell, why: Because, known: Mapping[str, Purpose], at: datetime
) -> str:
    about = known[cell.purpose]
    if _is_retired(about, at):
        return "retired"
    answer = then.answer(person, identifier, cell, about, at)
    if answer.because.what == "stop":
        return "objected"
    if answer.because.what == "decision":
        return "no"
    ends = expiry(why.at or at, why.until, about.lifetime_months)
    days = dict(then.tuning.counts_for).get(why.source)
    early = days is not None and why.at is not None and why.at + timedelta(days=days) <= at
    return "lapsed" if early or (ends is not None and ends <= at) else "unset"


def _ending(facts: Facts) -> Facts:
    """Without what closes a use for a while, or an address, and takes nothing back."""
    found = copy(facts)
    found.pauses = {}
    found.stops = {holder: [each for each in stops if _takes_back(each)] for holder, stops in facts.stops.items()}
    return found


def _takes_back(stop: Stop) -> bool:
    return stop.kind != "restricted" and not (stop.kind == "suppressed" and stop.why in UNREACHED)


def _as_of(facts: Facts, words: list[Spoken], moment: datetime) -> Facts:
    stops = [stop for each in facts.stops.values() for stop in each if stop.since <= moment]
    return Facts(fold.fold(words).values(), stops, [], facts.tuning, words)


def _is_retired(about: Purpose, at: datetime) -> bool:
    return about.retired_at is not None and about.retired_at <= at


async def _recorded(identifiers: Iterable[str]) -> dict[str, datetime]:
    """By decision when it was recorded."""
    rows = await _in_parts("SELECT id, recorded_at FROM decision WHERE identifier IN", identifiers)
    return {row["id"]: clock.from_micros(row["recorded_at"]) for row in rows}


async def _linked(people: Sequence[Person]) -> dict[str, datetime]:
    """By person when one of their records was last joined or parted; also one that is somebody else's since."""
    of = {record: person.subject for person in people for record in person.subjects}
    found: dict[str, datetime] = {}
    sql = (
        "SELECT l.subject AS record, max(other.at) AS at FROM link l JOIN link other ON other.identifier = l.identifier"
        " JOIN identifier i ON i.id = l.identifier WHERE other.at > i.created_at AND l.subject IN"
    )
    for row in await _in_parts(sql, of, " GROUP BY l.subject"):
        at, mine = clock.from_micros(row["at"]), of[row["record"]]
        found[mine] = max(at, found.get(mine, at))
    return found


async def _in_parts(sql: str, values: Iterable[str], then: str = "") -> list[dict[str, Any]]:
    wanted, found = sorted(set(values)), []
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        found += await db.rows(f"{sql} ({', '.join('?' * len(part))}){then}", *part)
    return found
