"""May we? The answer for a cell, now or as it was known at a moment, with the reason (rule 7).

Everything is loaded for many cells at once and then decided by `rules.answer`; one cell costs six small queries. A tuning
that was switched on counts from then: answers about a moment before it are those of the rules as they were then.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any

from portal import db, subjects
from portal.consent import fold, precedence
from portal.consent.purposes import Purpose, in_force
from portal.consent.rules import Answer, Asked, Pause, Spoken, Stop, Tuning, answer
from portal.consent.words import ALL, CHANNELS, Cell
from portal.lib import clock
from portal.lib.errors import NotFound, Refusal
from portal.paper import _
from portal.subjects import Known, Person

_AT_ONCE = 500


class Gone(Refusal):
    """What was known then was erased with the person."""

    status = 410


async def permission(identifier_id: str, purpose: str, channel: str, topic: str = "", at: datetime | None = None) -> Answer:
    """Whether this cell may be used for this identifier, and why; with `at`, by what was recorded at that moment."""
    cell = Cell(purpose, channel, topic)
    if at is not None:
        return await _permission_at(identifier_id, cell, at)
    return (await permissions([(identifier_id, cell)]))[identifier_id, cell]


async def permissions(asked: Iterable[tuple[str, Cell]]) -> dict[tuple[str, Cell], Answer]:
    """The answers for many cells in a handful of queries; raises NotFound for an unknown identifier or purpose."""
    wanted = list(dict.fromkeys(asked))
    known = await in_force({cell.purpose for _identifier, cell in wanted})
    people = await subjects.people({identifier for identifier, _cell in wanted})
    for identifier, cell in wanted:
        require_channel(cell, known)
        if identifier not in people:
            raise NotFound(_("There is no such address."))
    now = clock.now()
    facts = await Facts.load(people.values(), {cell.purpose for _identifier, cell in wanted})
    return {
        (identifier, cell): facts.answer(people[identifier], identifier, cell, known[cell.purpose], now)
        for identifier, cell in wanted
    }


class Facts:
    """All words, stops and pauses of some people; with a tuning also what they `said`: every word, not only the latest."""

    def __init__(
        self,
        words: Iterable[Spoken],
        stops: Iterable[Stop],
        pauses: Iterable[tuple[str, Pause]],
        tuning: Tuning = precedence.NEUTRAL,
        said: Iterable[Spoken] = (),
        duplicates: Mapping[str, tuple[Known, ...]] = MappingProxyType({}),
    ) -> None:
        self.tuning = tuning
        self.duplicates = duplicates
        self.words: dict[str, list[Spoken]] = {}
        self.said: dict[str, list[Spoken]] = {}
        self.stops: dict[str, list[Stop]] = {}
        self.pauses: dict[str, list[Pause]] = {}
        for word in words:
            self.words.setdefault(word.identifier, []).append(word)
        for word in said:
            self.said.setdefault(word.identifier, []).append(word)
        for stop in stops:
            self.stops.setdefault(stop.holder, []).append(stop)
        for holder, pause in pauses:
            self.pauses.setdefault(holder, []).append(pause)

    @classmethod
    async def load(
        cls,
        people: Iterable[Person],
        purposes: Iterable[str] | None = None,
        at: datetime | None = None,
        tuning: Tuning | None = None,
        alone: bool = False,
    ) -> "Facts":
        """The facts that count now, or what was known at a moment, under the tuning of that time or one to try.

        `alone`: as if nobody else could be the same person.
        """
        everybody = list(people)
        duplicates = {} if alone else await _open_duplicates(everybody, at)
        perhaps = [known for others in duplicates.values() for known in others]
        identifiers = [known.id for person in everybody for known in person.identifiers] + [each.id for each in perhaps]
        people_ = {subject for person in everybody for subject in person.subjects}
        holders = sorted({*identifiers, *people_, *(subject for each in perhaps for subject in (each.home, each.subject))})
        asked = [fold.kept_questions(identifiers, purposes) if at is None else [], *_holding(holders, at)]
        found = iter(await db.several([*chain.from_iterable(asked), precedence.question("tuning", at)]))
        words, stops, pauses = ([row for _each in questions for row in next(found)] for questions in asked)
        spoken = fold.kept_of(words) if at is None else await fold.from_scratch(identifiers, at)
        tuning = tuning or precedence.tuning_of(next(found))
        said = [] if tuning.changes_nothing else await fold.said(identifiers, at)
        return cls(spoken, _stops(stops), _pauses(pauses), tuning, said, duplicates)

    def under(self, tuning: Tuning) -> "Facts":
        """The same facts under another tuning; whoever asks has loaded them with one that changes something."""
        other = copy(self)
        other.tuning = tuning
        return other

    def answer(self, person: Person, identifier: str, cell: Cell, purpose: Purpose, now: datetime) -> Answer:
        known = next(each for each in person.identifiers if each.id == identifier)
        perhaps = self.duplicates.get(person.subject, ()) if known.verified_at is None else ()
        siblings = _unproven_siblings((*person.identifiers, *perhaps), known, cell.channel)
        asked = Asked(identifier, cell, known.erased_at is not None, siblings)
        theirs = (subject for each in perhaps if each.verified_at is None for subject in (each.home, each.subject))
        holders = dict.fromkeys((*person.subjects, *(each.id for each in person.identifiers), *theirs))
        concerned = (identifier, *asked.unproven_siblings)
        words = [word for each in concerned for word in self.words.get(each, ())]
        stops = [stop for holder in holders for stop in self.stops.get(holder, ())] + _note_on(known.id, known.suppressed_since)
        pauses = [pause for holder in person.subjects for pause in self.pauses.get(holder, ())]
        found = answer(asked, words, stops, pauses, purpose.terms, now)
        if not found.allowed or self.tuning.changes_nothing:
            return found
        said = [word for each in concerned for word in self.said.get(each, ())]
        return precedence.tuned(found, asked, said, stops, pauses, purpose.terms, now, self.tuning)


def unknown_answer(cell: Cell, purpose: Purpose, suppressed_since: datetime | None, now: datetime) -> Answer:
    """The answer for an address that we do not know: what the purpose's default says, unless a note closes it."""
    return answer(Asked("", cell), [], _note_on("", suppressed_since), [], purpose.terms, now)


def not_known_then() -> str:
    return _("We did not know this address at that time.")


def gone() -> str:
    return _("This was erased on request; what was allowed before is no longer known.")


async def stops_and_pauses_of(holders: Sequence[str]) -> tuple[list[Stop], list[tuple[str, Pause]]]:
    """The stops on these subjects and identifiers that are not lifted, and the pauses that run, each with its holder."""
    asked = _holding(holders, None)
    found = iter(await db.several(list(chain.from_iterable(asked))))
    stops, pauses = ([row for _each in questions for row in next(found)] for questions in asked)
    return _stops(stops), _pauses(pauses)


def _stops(rows: Iterable[dict[str, Any]]) -> list[Stop]:
    return [
        Stop(row["id"], row["holder"], row["kind"], row["scope"], clock.from_micros(row["since"]), row["by"], row["why"])
        for row in rows
    ]


def _pauses(rows: Iterable[dict[str, Any]]) -> list[tuple[str, Pause]]:
    return [
        (row["holder"], Pause(row["id"], row["purpose"], row["channel"], clock.from_micros(row["until"]), row["by"]))
        for row in rows
    ]


def _holding(holders: Sequence[str], at: datetime | None) -> tuple[list[db.Question], list[db.Question]]:
    """The questions for stops and for pauses that stand, whatever the clock said when they began, or stood at a moment."""
    moment = clock.micros(at or clock.now())

    def questions(table: str, condition: str) -> list[db.Question]:
        parts = [holders[start : start + _AT_ONCE] for start in range(0, len(holders), _AT_ONCE)]
        sql = f"SELECT * FROM {table} WHERE {condition} AND holder IN "
        times = condition.count("?")
        return [(f"{sql}({', '.join('?' * len(part))})", (*[moment] * times, *part)) for part in parts]

    if at is None:
        return questions("stop", "lifted_at IS NULL"), questions("pause", "until > ? AND ended_at IS NULL")
    return (
        questions("stop", "since <= ? AND (lifted_at IS NULL OR lifted_at > ?)"),
        questions("pause", "since <= ? AND until > ? AND (ended_at IS NULL OR ended_at > ?)"),
    )


async def _permission_at(identifier_id: str, cell: Cell, at: datetime) -> Answer:
    known = await in_force([cell.purpose], at)
    identifier = (await subjects.people([identifier_id])).get(identifier_id)
    require_channel(cell, known)
    if identifier is None:
        raise NotFound(_("There is no such address."))
    erased_at = next(each for each in identifier.identifiers if each.id == identifier_id).erased_at
    if erased_at is not None and at < erased_at:
        raise Gone(gone())
    person = await subjects.person_at(identifier_id, at)
    if person is None:
        raise NotFound(not_known_then())
    facts = await Facts.load([person], [cell.purpose], at)
    return facts.answer(person, identifier_id, cell, known[cell.purpose], at)


async def allowed(person: Person, about: Purpose, under: Cell, at: datetime | None = None) -> set[tuple[str, Cell]]:
    """Of all identifiers of a person the cells at and below `under` that may be used now, or by what was known then."""
    facts = await Facts.load([person], [about.key], at)
    now = at or clock.now()
    return {
        (each.id, cell)
        for each in person.identifiers
        for cell in below(about, under)
        if each.kind in CHANNELS[cell.channel] and facts.answer(person, each.id, cell, about, now).allowed
    }


def below(about: Purpose, cell: Cell) -> list[Cell]:
    """The cells that a word on this one can change: itself, its topics, or all that `*` covers."""
    channels = about.channels if cell.channel == ALL else (cell.channel,)
    topics = ("", *sorted(about.topic_keys())) if cell.topic in ("", ALL) else (cell.topic,)
    return [Cell(about.key, channel, topic) for channel in channels for topic in topics]


def require_channel(cell: Cell, known: dict[str, Purpose]) -> None:
    """Raises NotFound unless the purpose is in force and uses the channel."""
    if cell.purpose not in known:
        raise NotFound(_("There is no such purpose: %s.") % cell.purpose)
    if cell.channel not in (*known[cell.purpose].channels, ALL):
        raise NotFound(_("This purpose does not use the channel %s.") % cell.channel)


async def _open_duplicates(people: list[Person], at: datetime | None) -> Mapping[str, tuple[Known, ...]]:
    """By person the identifiers of all who may be the same person, as hints stood then."""
    if at is None:
        return await subjects.duplicates.open_for(person.subject for person in people)
    return {person.subject: await subjects.duplicates.open_for_at(person.subject, at) for person in people}


def _unproven_siblings(identifiers: Iterable[Known], mine: Known, channel: str) -> frozenset[str]:
    """Rule 5: between addresses that nobody has proven, those of open duplicates among them, the most restrictive counts."""
    if mine.verified_at is not None:
        return frozenset()
    return frozenset(
        each.id
        for each in identifiers
        if each.id != mine.id and each.verified_at is None and each.erased_at is None and each.kind in CHANNELS.get(channel, ())
    )


def _note_on(identifier: str, suppressed_since: datetime | None) -> list[Stop]:
    """The coded note of an erased person: nobody adds this address again but its owner."""
    if suppressed_since is None:
        return []
    return [Stop("", identifier, "suppressed", "", suppressed_since, "", "asked not to be added again")]
