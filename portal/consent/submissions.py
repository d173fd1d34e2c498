"""What doors hand in: many requests at the same moment share one transaction and its few statements (group commit).

Each submission is all or nothing by itself, is checked before anything of it is written, and is acknowledged only after
the commit. With `once` the same request twice is recorded once and answered the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from portal import db, subjects
from portal.consent.checks import TermsOf, problem_of, raise_for, refuse_bad, terms_of
from portal.consent.decisions import Decided, known_of, record_checked
from portal.consent.permissions import Facts
from portal.consent.rules import Answer
from portal.consent.words import ALL, Word
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.lib.together import Together
from portal.paper import _, in_language, language
from portal.subjects import Arrival, Known, Person

AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key (with its owner in front), the hash of the request, how its reply is written and how long it is kept."""

    key: str
    request_hash: bytes
    reply: "Callable[[Recorded], str]"
    kept: timedelta = db.REPLIES_KEPT


@dataclass(frozen=True, slots=True)
class Submission:
    """Words about one identifier: known by its id, or an `address` that may be new (then the words name no identifier)."""

    words: tuple[Word, ...]
    address: Arrival | None = None
    once: Once | None = None


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A submission as it waits for its round: when it came, and the language in which it is refused."""

    words: tuple[Word, ...]
    address: Arrival | None
    once: Once | None
    at: datetime
    language: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded, and for each word what counts now. Of a repeated request only its first `reply` is known."""

    decided: tuple[Decided, ...]
    answers: tuple[Answer | None, ...]
    reply: str = ""


async def submit(submission: Submission) -> Recorded:
    """Record a submission in the next common transaction; not inside `writing()`. Raises Invalid or Conflict."""
    if db.in_writing():
        raise RuntimeError("submit() has a transaction of its own; inside writing() use decide_many().")
    if submission.address is not None:
        subjects.canonical(submission.address.kind, submission.address.value)  # raises Invalid for what is no address
    # The order of arrival counts, not that of recording: a round may have to be written once more.
    return await _together.ask(_Arrived(submission.words, submission.address, submission.once, clock.now(), language()))


async def _record_round(submissions: Sequence[_Arrived]) -> list[Recorded | Exception]:
    return await db.write_in_one_trip(partial(_recorded, submissions))


async def _recorded(submissions: Sequence[_Arrived]) -> list[Recorded | Exception]:
    outcomes: dict[int, Recorded | Exception] = {}
    replies = await db.kept_replies({each.once.key for each in submissions if each.once})
    firsts: dict[str, int] = {}
    for number, each in enumerate(submissions):
        if each.once and each.once.key in replies:
            outcomes[number] = _again(each, *replies[each.once.key])
        elif each.once:
            firsts.setdefault(each.once.key, number)
    repeated = {
        number: firsts[each.once.key]
        for number, each in enumerate(submissions)
        if each.once and number not in outcomes and firsts[each.once.key] != number
    }
    new = {number: each for number, each in enumerate(submissions) if number not in outcomes and number not in repeated}
    outcomes |= await _record_new(new)
    written = {new[number].once: done for number, done in outcomes.items() if number in new and isinstance(done, Recorded)}
    for kept in {once.kept for once in written if once}:
        mine = [(once.key, once.request_hash, done.reply) for once, done in written.items() if once and once.kept == kept]
        await db.keep_replies(mine, kept)
    for number, first in repeated.items():
        done, earlier = outcomes[first], submissions[first].once
        assert earlier is not None
        again = _again(submissions[number], earlier.request_hash, done.reply if isinstance(done, Recorded) else "")
        outcomes[number] = again if isinstance(again, Exception) or isinstance(done, Recorded) else done
    return [outcomes[number] for number in range(len(submissions))]


_together: Together[_Arrived, Recorded] = Together(_record_round, at_most=AT_MOST, is_for_all=db.is_trouble)


async def _record_new(submissions: dict[int, _Arrived]) -> dict[int, Recorded | Exception]:
    named = {word.identifier for each in submissions.values() if each.address is None for word in each.words}
    await subjects.hold(named)
    people = await subjects.people(named)
    terms = await terms_of(word for each in submissions.values() for word in each.words)
    known = {asked: known_of(person, asked) for asked, person in people.items()}
    outcomes: dict[int, Recorded | Exception] = {
        number: problem for number, each in submissions.items() if (problem := _problem(each, known, terms)) is not None
    }
    good, closed = await _with_identifiers({number: each for number, each in submissions.items() if number not in outcomes})
    outcomes |= closed
    people |= await subjects.people({words[0].identifier for words in good.values()} - people.keys())
    for number in [number for number in good if _has_left(submissions[number], good[number][0], people)]:
        outcomes[number] = _closed(submissions[number])
        del good[number]
    given = {words[0].identifier: submissions[number].address for number, words in good.items()}
    masked = {
        identifier: subjects.mask(each.kind, subjects.canonical(each.kind, each.value))
        for identifier, each in given.items()
        if each is not None
    }
    decided = await record_checked([word for words in good.values() for word in words], people, terms, masked=masked)
    answers = await _answers(decided, people, terms)
    start = 0
    for number, words in good.items():
        part = slice(start, start := start + len(words))
        recorded, once = Recorded(tuple(decided[part]), tuple(answers[part])), submissions[number].once
        outcomes[number] = replace(recorded, reply=once.reply(recorded)) if once else recorded
    return outcomes


def _problem(submission: _Arrived, known: dict[str, Known], terms: TermsOf) -> Exception | None:
    with in_language(submission.language):
        try:
            if submission.address is None:
                refuse_bad(submission.words, known, terms)
            else:
                kind = submission.address.kind
                raise_for({number: problem_of(word, kind, terms) for number, word in enumerate(submission.words)})
        except Exception as problem:
            return problem
    return None


async def _with_identifiers(
    submissions: dict[int, _Arrived],
) -> tuple[dict[int, tuple[Word, ...]], dict[int, Recorded | Exception]]:
    """The words with their identifiers, new addresses recorded; and those whose address is closed to others."""
    arriving = {number: each.address for number, each in submissions.items() if each.address is not None}
    found = dict(zip(arriving, await subjects.ensure_many(list(arriving.values())), strict=True))
    living = await subjects.hold({each for each in found.values() if each is not None})
    # PostgreSQL: erased since we looked. Whoever hands the address in now is somebody new.
    erased = {number: arriving[number] for number, each in found.items() if each is not None and each not in living}
    found |= dict(zip(erased, await subjects.ensure_many(list(erased.values())), strict=True))
    good: dict[int, tuple[Word, ...]] = {}
    closed: dict[int, Recorded | Exception] = {}
    for number, each in submissions.items():
        identifier = found.get(number)
        if number not in found:
            good[number] = tuple(word._replace(heard_at=word.heard_at or each.at) for word in each.words)
        elif identifier is not None:
            good[number] = tuple(word._replace(identifier=identifier, heard_at=word.heard_at or each.at) for word in each.words)
        else:
            closed[number] = _closed(each)
    return good, closed


async def _answers(decided: Sequence[Decided], people: dict[str, Person], terms: TermsOf) -> list[Answer | None]:
    """What counts now for each word's cell; None for a no on all channels or topics, which has no one cell."""
    words = [each.word for each in decided]
    concerned = {people[word.identifier].subject: people[word.identifier] for word in words}
    facts, now = await Facts.load(concerned.values(), {word.purpose for word in words}), clock.now()
    return [
        None
        if ALL in (word.channel, word.topic)
        else facts.answer(people[word.identifier], word.identifier, word.cell, terms.purposes[word.purpose], now)
        for word in words
    ]


def _has_left(submission: _Arrived, word: Word, people: dict[str, Person]) -> bool:
    """Whether the person on file has left this address: what its new owner says is not theirs, nor on their page. A browser's
    number has no other owner, and its no must count.
    """
    if submission.address is None or submission.address.kind == "device":
        return False
    return known_of(people[word.identifier], word.identifier).audience == subjects.FORMER


def _closed(submission: _Arrived) -> Conflict:
    with in_language(submission.language):
        return Conflict(subjects.closed_to_others())


def _again(submission: _Arrived, request_hash: bytes, reply: str) -> Recorded | Exception:
    once = submission.once
    assert once is not None
    if once.request_hash == request_hash:
        return Recorded((), (), reply)
    with in_language(submission.language):
        return Conflict(_("This Idempotency-Key was used for a different request. Use a new key for a new request."))
