"""Recording what people said: once for a click, a batch and an import alike (GDPR Art. 7(1), EDPB 05/2020 §108).

`decide_many` only writes, all or nothing, and for any number of words uses the same few statements (and one entry in
the audit log per word). A word that is recorded is never changed; taking back a no is a word of its own.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from portal import audit, db, subjects, vault
from portal.consent import awaiting, events, fold, order
from portal.consent.checks import TermsOf, refuse_bad, terms_of
from portal.consent.propagation import wake
from portal.consent.purposes import Purpose
from portal.consent.rules import Spoken, expiry
from portal.consent.words import Word
from portal.lib import clock, ids
from portal.lib.errors import NotFound
from portal.paper import _
from portal.subjects import Known, Person
from portal.vault import Place

_EVENTS = {
    "yes": events.GRANTED,
    "no": events.REFUSED,
    "unset": events.UNSET,
    "informed": events.INFORMED,
    "undone": events.UNDONE,
}
_COLUMNS = (
    "id, identifier, purpose, channel, topic, answer, claimed_at, said_at, recorded_at, until, expires_at, source, grade,"
    " actor, edition, language, state, refers_to, evidence, entry, batch"
)


class Decided(NamedTuple):
    """A recorded word. `state` pending: the address must confirm it first. `entry` is its place in the audit log."""

    id: str
    word: Word
    said_at: datetime
    recorded_at: datetime
    expires_at: datetime | None
    state: str
    entry: str
    refers_to: str | None = None


async def decide(word: Word) -> Decided:
    """Record one word; joins an open `writing()` or makes its own. Doors use `submit`, which shares its commit."""
    async with db.writing():
        return (await decide_many([word]))[0]


async def decide_many(words: Sequence[Word]) -> list[Decided]:
    """Record words, all or none; inside `writing()`. Raises Invalid naming each bad word as `decisions.N.field`."""
    if not words:
        return []
    people = await subjects.people({word.identifier for word in words})
    terms = await terms_of(words)
    refuse_bad(words, {asked: known_of(person, asked) for asked, person in people.items()}, terms)
    return await record_checked(words, people, terms)


async def record_checked(
    words: Sequence[Word],
    people: dict[str, Person],
    terms: TermsOf,
    batch: str | None = None,
    masked: dict[str, str] | None = None,
) -> list[Decided]:
    """Record words that `refuse_bad` let pass, about these people, perhaps as part of an import; inside `writing()`.

    `masked`: addresses by identifier as the log may name them, those that the caller has at hand.
    """
    now = clock.now()
    closing = [word.identifier for word in words if word.said_at is None and word.answer in fold.CLOSING]
    earliest = await order.earliest((each, people[each]) for each in closing)
    decided = [
        _decided(word, people[word.identifier], terms.purposes[word.purpose], now, earliest.get(word.identifier))
        for word in words
    ]
    return await _record(decided, people, terms.texts, batch, masked)


async def record_again(decided: Decided, person: Person) -> Decided:
    """Record a word that follows from an earlier one (an undoing, a confirmation); inside `writing()`."""
    terms = await terms_of([decided.word])
    [recorded] = await _record([decided], {decided.word.identifier: person}, terms.texts)
    return recorded


async def find(decision_id: str) -> Decided:
    stored = await db.row("SELECT * FROM decision WHERE id = ?", decision_id)
    if stored is None:
        raise NotFound(_("There is no such choice."))
    return _from_row(stored)


async def following(decision_id: str, answer: str) -> Decided | None:
    """The word with that answer that refers to an earlier one, if there is one."""
    stored = await db.row("SELECT * FROM decision WHERE refers_to = ? AND answer = ?", decision_id, answer)
    return None if stored is None else _from_row(stored)


def known_of(person: Person, identifier: str) -> Known:
    return next(each for each in person.identifiers if each.id == identifier)


def _decided(word: Word, person: Person, about: Purpose, now: datetime, earliest: datetime | None) -> Decided:
    said_at = min(word.said_at or word.heard_at or now, now)
    if earliest is not None and word.said_at is None and word.answer in fold.CLOSING:
        said_at = max(said_at, earliest)
    if (grade := _grade(word, known_of(person, word.identifier))) != word.grade:
        word = word._replace(grade=grade)
    runs_out = word.answer in ("yes", "informed")
    expires_at = expiry(said_at, word.until, about.lifetime_months) if runs_out else None
    # An import carries what was confirmed elsewhere; whoever is proven has nothing left to confirm.
    pending = about.double_opt_in and word.answer == "yes" and word.grade not in ("self-verified", "import")
    return Decided(ids.new(), word, said_at, max(now, said_at), expires_at, "pending" if pending else "firm", "")


def _grade(word: Word, mine: Known) -> str:
    """A yes is only as sure as its address: unproven, shared and role addresses prove nobody. A no keeps its grade."""
    proves = mine.verified_at is not None and mine.audience == "person"
    return "self" if word.grade == "self-verified" and word.answer != "no" and not proves else word.grade


async def _record(
    decided: list[Decided],
    people: dict[str, Person],
    texts: dict[str, str],
    batch: str | None = None,
    masked: dict[str, str] | None = None,
) -> list[Decided]:
    mine = {each.word.identifier: known_of(people[each.word.identifier], each.word.identifier) for each in decided}
    masked = masked or {}
    if unseen := [each for each in mine.values() if each.id not in masked]:
        addresses = await subjects.values_of(unseen)
        masked = masked | {each.id: subjects.mask(each.kind, addresses[each.id] or "") for each in unseen}
    entries = await audit.record_many([_note(each, mine[each.word.identifier], masked, texts) for each in decided])
    logged = [each._replace(entry=entry) for each, entry in zip(decided, entries, strict=True)]
    keys = await vault.keys_for("evidence", {mine[each.word.identifier].home for each in logged if each.word.evidence})
    await db.many(
        f"INSERT INTO decision ({_COLUMNS}) VALUES ({', '.join('?' * 21)})",
        [(*_values(each, keys.get(mine[each.word.identifier].home)), batch) for each in logged],
    )
    await fold.keep([_spoken(each) for each in logged if each.state == "firm" and each.word.answer in fold.WORDS], batch)
    await awaiting.begin([each for each in logged if each.state == "pending"])
    await wake()
    return logged


def _note(each: Decided, mine: Known, masked: dict[str, str], texts: dict[str, str]) -> audit.Note:
    word = each.word
    event = events.ASKED if each.state == "pending" else _EVENTS[word.answer]
    if each.refers_to is not None and word.answer == "yes":
        event = events.CONFIRMED
    payload: dict[str, Any] = {
        **{"purpose": word.purpose, "channel": word.channel, "topic": word.topic, "answer": word.answer},
        **{"said_at": clock.rfc3339(each.said_at), "source": word.source, "grade": word.grade},
        **{"edition": word.edition, "text_sha256": texts.get(word.edition, ""), "language": word.language},
        "address": masked[mine.id],
    }
    if each.refers_to is not None:
        payload["refers_to"] = each.refers_to
    return audit.Note(event, word.actor, mine.home, object=each.id, payload=payload)


def _values(each: Decided, key: vault.Key | None) -> tuple[Any, ...]:
    word, evidence = each.word, None
    if word.evidence and key is not None:
        text = json.dumps(dict(word.evidence), ensure_ascii=False, sort_keys=True)
        evidence = key.seal(Place("decision", "evidence", each.id), text)
    claimed, until, expires = (None if at is None else clock.micros(at) for at in (word.said_at, word.until, each.expires_at))
    said, recorded = clock.micros(each.said_at), clock.micros(each.recorded_at)
    return (
        *(each.id, word.identifier, *word.cell, word.answer, claimed, said, recorded, until, expires, word.source),
        *(word.grade, word.actor, word.edition, word.language, each.state, each.refers_to, evidence, each.entry),
    )


def _spoken(each: Decided) -> Spoken:
    word = each.word
    return Spoken(
        *(word.identifier, word.cell, word.grade, word.answer, each.said_at, each.expires_at, each.id, word.source, word.edition)
    )


def _word(row: dict[str, Any]) -> Word:
    until = None if row["until"] is None else clock.from_micros(row["until"])
    said = None if row["claimed_at"] is None else clock.from_micros(row["claimed_at"])
    return Word(
        *(row["identifier"], row["purpose"], row["channel"], row["topic"], row["answer"], said, row["source"], row["grade"]),
        *(row["actor"], row["edition"], row["language"], until),
    )


def _from_row(row: dict[str, Any]) -> Decided:
    expires_at = None if row["expires_at"] is None else clock.from_micros(row["expires_at"])
    said_at, recorded_at = clock.from_micros(row["said_at"]), clock.from_micros(row["recorded_at"])
    return Decided(row["id"], _word(row), said_at, recorded_at, expires_at, row["state"], row["entry"], row["refers_to"])
