"""May we? by address, as sending systems ask before every send: questions of the same moment share their queries.

An address that we do not know has said nothing: the purpose's default counts, and a note that it must not be added again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import db, subjects
from portal.consent.permissions import Facts, Gone, gone, not_known_then, permission, require_channel, unknown_answer
from portal.consent.purposes import in_force
from portal.consent.rules import Answer
from portal.consent.words import Cell
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.lib.together import Together
from portal.paper import in_language, language

AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Question:
    """About an address as it was given: kind and value."""

    kind: str
    value: str
    cell: Cell
    language: str = ""


async def ask(kind: str, value: str, cell: Cell, at: datetime | None = None) -> Answer:
    """Whether this cell may be used for this address, now or by what was recorded at a moment, and why.

    Raises Invalid for what is no address, NotFound for an unknown purpose or channel, Gone for before an erasure.
    """
    subjects.canonical(kind, value)
    if at is None:
        return await _together.ask(Question(kind, value, cell, language()))
    known = await subjects.find(kind, value)
    if known is not None:
        return await permission(known.id, *cell, at)
    require_channel(cell, await in_force([cell.purpose], at))
    erased_at = (await subjects.suppressed([(kind, value)])).get((kind, value))
    if erased_at is not None and at < erased_at:
        raise Gone(gone())
    raise NotFound(not_known_then())


async def ask_many(questions: Sequence[Question]) -> list[Answer | Exception]:
    """The answers for many addresses in a handful of queries; a question that cannot be answered has its exception."""
    ids = await subjects.known_ids([(each.kind, each.value) for each in questions])
    people = await subjects.people(found for found in ids if found is not None)
    purposes = await in_force({each.cell.purpose for each in questions})
    facts, now = await Facts.load(people.values(), {each.cell.purpose for each in questions}), clock.now()
    unknown = [(each.kind, each.value) for each, found in zip(questions, ids, strict=True) if found is None]
    closed = await subjects.suppressed(unknown)
    answers: list[Answer | Exception] = []
    for each, found in zip(questions, ids, strict=True):
        with in_language(each.language):
            try:
                require_channel(each.cell, purposes)
            except NotFound as problem:
                answers.append(problem)
                continue
        about = purposes[each.cell.purpose]
        if found is None:
            answers.append(unknown_answer(each.cell, about, closed.get((each.kind, each.value)), now))
        else:
            answers.append(facts.answer(people[found], found, each.cell, about, now))
    return answers


_together: Together[Question, Answer] = Together(ask_many, at_most=AT_MOST, is_for_all=db.is_trouble)
