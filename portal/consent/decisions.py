"""Recording what people said: once for a click, a batch and an import alike (GDPR Art. 7(1), EDPB 05/2020 §108).

`decide_many` only writes, all or nothing, and for any number of words uses the same few statements (and one entry in
the audit log per word). A word that is recorded is never changed; taking back a no is a word of its own.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal import audit, db, documents, subjects, vault
from portal.consent import events, fold
from portal.consent.propagation import wake
from portal.consent.purposes import Purpose, in_force
from portal.consent.rules import Spoken, expiry
from portal.consent.words import ALL, ANSWERS, CHANNELS, GRADES, SOURCES, Word
from portal.lib import clock, ids
from portal.lib.errors import Invalid, NotFound
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
    " actor, edition, language, state, refers_to, evidence, entry"
)


@dataclass(frozen=True)
class Decided:
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
    """Record one word; joins an open `writing()` or makes its own."""
    async with db.writing():
        return (await decide_many([word]))[0]


async def decide_many(words: Sequence[Word]) -> list[Decided]:
    """Record words, all or none; inside `writing()`. Raises Invalid naming each bad word as `decisions.N.field`."""
    if not words:
        return []
    now = clock.now()
    people = await subjects.people({word.identifier for word in words})
    known = await in_force({word.purpose for word in words})
    texts = await _texts(words, known)
    _check(words, people, known, texts)
    decided = [_decided(word, people[word.identifier], known[word.purpose], now) for word in words]
    return await _record(decided, people, texts)


async def record_again(decided: Decided, person: Person) -> Decided:
    """Record a word that follows from an earlier one (an undoing, a confirmation); inside `writing()`."""
    known = await in_force([decided.word.purpose])
    [recorded] = await _record([decided], {decided.word.identifier: person}, await _texts([decided.word], known))
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


def _check(words: Sequence[Word], people: dict[str, Person], known: dict[str, Purpose], texts: dict[str, str]) -> None:
    fields: dict[str, str] = {}
    for number, word in enumerate(words):
        problem = _problem(word, people.get(word.identifier), known.get(word.purpose), texts)
        if problem is not None:
            fields[f"decisions.{number}.{problem[0]}"] = problem[1]
    if fields:
        raise Invalid(_("This was not recorded: %s") % " ".join(dict.fromkeys(fields.values())), fields)


def _problem(word: Word, person: Person | None, about: Purpose | None, texts: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with a word: the field, and a sentence."""
    if word.grade not in GRADES or word.source not in SOURCES:
        return "source", _("There is no such collection point: %s.") % word.source
    if person is None:
        return "identifier", _("There is no such address.")
    mine = known_of(person, word.identifier)
    if mine.erased_at is not None:
        return "identifier", _("This address was erased.")
    if about is None:
        return "purpose", _("There is no such purpose: %s.") % word.purpose
    if word.answer not in ANSWERS:
        return "answer", _("An answer is yes, no, unset or informed.")
    if word.channel != ALL and word.channel not in about.channels:
        return "channel", _("This purpose does not use the channel %s.") % word.channel
    if word.topic not in ("", ALL) and word.topic not in about.topic_keys():
        return "topic", _("This purpose has no topic %s.") % word.topic
    if word.channel != ALL and mine.kind not in CHANNELS[word.channel]:
        return "channel", _("Nobody can be reached by %(channel)s at this kind of address.") % {"channel": word.channel}
    if about.default == "fixed":
        return "purpose", _("We need this to do what you ordered or what the law asks; there is no choice here.")
    if word.answer != "no" and ALL in (word.channel, word.topic):
        return "channel", _("Only a no can be said for all channels or topics at once.")
    return _problem_of_text(word, about, texts)


def _problem_of_text(word: Word, about: Purpose, texts: dict[str, str]) -> tuple[str, str] | None:
    if word.answer == "yes" and about.basis == "consent" and not word.edition:
        return "edition", _("A yes must name the text that was shown.")
    if word.edition.startswith("legacy:"):
        # Texts of an earlier system: only an import knows what was shown there.
        return None if word.grade == "import" else ("edition", _("There is no text called %s.") % word.edition)
    if word.edition and (word.edition not in texts or not word.edition.startswith(f"{word.purpose}@")):
        return "edition", _("This purpose has no text called %s.") % word.edition
    if word.answer == "informed":
        if about.basis != "existing customer":
            return "answer", _("Only customers can be informed of similar offers.")
        told = word.evidence or {}
        if not ((told.get("sale") or told.get("account")) and told.get("family") and told.get("opt_out")):
            return "evidence", _("Name the sale or account, the product family, and the free way to refuse that was shown.")
    return None


async def _texts(words: Sequence[Word], known: dict[str, Purpose]) -> dict[str, str]:
    """The editions that exist, with the SHA-256 of their bytes: those in force without asking, others once each."""
    found = {f"{each.key}@{each.number}/{spoken}": sha for each in known.values() for spoken, sha in each.hashes.items()}
    for name in {word.edition for word in words} - found.keys() - {""}:
        if not name.startswith("legacy:"):
            try:
                found[name] = (await documents.named(name)).sha256.hex()
            except NotFound:
                continue
    return found


def _decided(word: Word, person: Person, about: Purpose, now: datetime) -> Decided:
    said_at = min(word.said_at or now, now)
    word = replace(word, grade=_grade(word, known_of(person, word.identifier)))
    runs_out = word.answer in ("yes", "informed")
    expires_at = expiry(said_at, word.until, about.lifetime_months) if runs_out else None
    # An import carries what was confirmed elsewhere; whoever is proven has nothing left to confirm.
    pending = about.double_opt_in and word.answer == "yes" and word.grade not in ("self-verified", "import")
    return Decided(ids.new(), word, said_at, now, expires_at, "pending" if pending else "firm", "")


def _grade(word: Word, mine: Known) -> str:
    """A yes is only as sure as its address: unproven, shared and role addresses prove nobody. A no keeps its grade."""
    proves = mine.verified_at is not None and mine.audience == "person"
    return "self" if word.grade == "self-verified" and word.answer != "no" and not proves else word.grade


async def _record(decided: list[Decided], people: dict[str, Person], texts: dict[str, str]) -> list[Decided]:
    mine = {each.word.identifier: known_of(people[each.word.identifier], each.word.identifier) for each in decided}
    addresses = await subjects.values_of(list(mine.values()))
    logged = [await _log(each, mine[each.word.identifier], texts, addresses) for each in decided]
    await db.many(
        f"INSERT INTO decision ({_COLUMNS}) VALUES ({', '.join('?' * 20)})",
        [await _values(each, mine[each.word.identifier].home) for each in logged],
    )
    counting = [_spoken(each) for each in logged if each.state == "firm" and each.word.answer in fold.WORDS]
    if counting:
        await fold.keep(counting)
    await wake()
    return logged


async def _log(each: Decided, mine: Known, texts: dict[str, str], addresses: dict[str, str | None]) -> Decided:
    word = each.word
    event = events.ASKED if each.state == "pending" else _EVENTS[word.answer]
    if each.refers_to is not None and word.answer == "yes":
        event = events.CONFIRMED
    payload: dict[str, Any] = {
        **{"purpose": word.purpose, "channel": word.channel, "topic": word.topic, "answer": word.answer},
        **{"said_at": clock.rfc3339(each.said_at), "source": word.source, "grade": word.grade},
        **{"edition": word.edition, "text_sha256": texts.get(word.edition, ""), "language": word.language},
        "address": subjects.mask(mine.kind, addresses[mine.id] or ""),
    }
    if each.refers_to is not None:
        payload["refers_to"] = each.refers_to
    entry = await audit.record(event, actor=word.actor, subject=mine.home, object=each.id, payload=payload)
    return replace(each, entry=entry)


async def _values(each: Decided, home: str) -> tuple[Any, ...]:
    word = each.word
    evidence = None
    if word.evidence:
        key = await vault.key_for("evidence", home)
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
