"""May we? by address, as sending systems ask before every send: questions of the same moment share their queries.

An address that we do not know has said nothing: the purpose's default counts, and a note that it must not be added again.
With every answer goes how the person likes to be reached: one query more for all who are asked about together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from operator import attrgetter

from portal import db, subjects
from portal.consent.permissions import Facts, Gone, gone, not_known_then, permission, require_channel, unknown_answer
from portal.consent.purposes import in_force
from portal.consent.rules import Answer
from portal.consent.wishes import NONE, Wished, Wishes, latest, wishes_of
from portal.consent.words import Cell
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.lib.together import Together
from portal.paper import in_language, language
from portal.subjects import Person

AT_MOST = 500
_PARTS = attrgetter(*(each.name for each in fields(Answer)))


@dataclass(frozen=True, slots=True)
class Question:
    """About an address as it was given: kind and value."""

    kind: str
    value: str
    cell: Cell
    language: str = ""


@dataclass(frozen=True, slots=True)
class Told(Answer):
    """An answer as senders hear it: with the wishes of the person, by what was recorded at the moment asked about."""

    preferred: Wishes = NONE


async def ask(kind: str, value: str, cell: Cell, at: datetime | None = None) -> Told:
    """Whether this cell may be used for this address, now or by what was recorded at a moment, and why.

    Raises Invalid for what is no address, NotFound for an unknown purpose or channel, Gone for before an erasure.
    """
    subjects.canonical(kind, value)
    if at is None:
        return await _together.ask(Question(kind, value, cell, language()))
    known = await subjects.find(kind, value)
    if known is not None:
        answer, person = await permission(known.id, *cell, at), await subjects.person_at(known.id, at)
        return _told(answer, person, {} if person is None else await wishes_of(person.subjects, at))
    require_channel(cell, await in_force([cell.purpose], at))
    erased_at = (await subjects.suppressed([(kind, value)], lists=False)).get((kind, value))
    if erased_at is not None and at < erased_at:
        raise Gone(gone())
    raise NotFound(not_known_then())


async def ask_many(questions: Sequence[Question]) -> list[Answer | Exception]:
    """The answers for many addresses in a handful of queries; a question that cannot be answered has its exception."""
    return [answer for answer, _person in await _answered(questions)]


async def _tell(questions: Sequence[Question]) -> list[Told | Exception]:
    return await db.in_one_trip(partial(_told_many, questions))


async def _told_many(questions: Sequence[Question]) -> list[Told | Exception]:
    answered = await _answered(questions)
    wishes = await wishes_of({each for _answer, person in answered if person is not None for each in person.subjects})
    return [answer if isinstance(answer, Exception) else _told(answer, person, wishes) for answer, person in answered]


def _told(answer: Answer, person: Person | None, wishes: Mapping[str, Sequence[Wished]]) -> Told:
    preferred = latest(wishes, person.subjects) if person is not None and wishes else NONE
    return Told(*(*_PARTS(answer), preferred))


async def _answered(questions: Sequence[Question]) -> list[tuple[Answer | Exception, Person | None]]:
    """Each with the person behind the address, if we know any."""
    ids = await subjects.known_ids([(each.kind, each.value) for each in questions])
    people = await subjects.people(found for found in ids if found is not None)
    purposes = await in_force({each.cell.purpose for each in questions})
    facts, now = await Facts.load(people.values(), {each.cell.purpose for each in questions}), clock.now()
    unknown = [(each.kind, each.value) for each, found in zip(questions, ids, strict=True) if found is None]
    closed = await subjects.suppressed(unknown)
    answers: list[tuple[Answer | Exception, Person | None]] = []
    for each, found in zip(questions, ids, strict=True):
        with in_language(each.language):
            try:
                require_channel(each.cell, purposes)
            except NotFound as problem:
                answers.append((problem, None))
                continue
        about = purposes[each.cell.purpose]
        if found is None:
            answers.append((unknown_answer(each.cell, about, closed.get((each.kind, each.value)), now), None))
        else:
            answers.append((facts.answer(people[found], found, each.cell, about, now), people[found]))
    return answers


_together: Together[Question, Told] = Together(_tell, at_most=AT_MOST, is_for_all=db.is_trouble)
