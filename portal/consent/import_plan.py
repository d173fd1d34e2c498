"""What each line of a list would change: one planner for the dry run and for its execution.

The dry run remembers what the lines before would have said; the execution finds it in the database. Either way the
verdict comes from the same rules that answer every question, with the line's word added to what is there.

A closing word (no, unset) is recorded unless exactly the same is there already: also one that changes nothing today may
count tomorrow, when what stands above it is taken back. An opening one (yes, informed) is recorded only if it would
count by the words: held back where a stop or a stronger no stands against it, ignored where something later was said.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from portal import subjects
from portal.consent import fold, legacy
from portal.consent.checks import TermsOf, problem_of
from portal.consent.import_rows import Line
from portal.consent.import_stops import as_stop, as_word, missing
from portal.consent.permissions import Facts, stops_and_pauses_of
from portal.consent.purposes import Purpose
from portal.consent.rules import Spoken, expiry
from portal.consent.words import Cell, rank
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.subjects import Known, Person

NEW, SAME, OLDER, HELD, BAD = "new", "same", "older-ignored", "held-conflict", "bad"
VERDICTS = (NEW, SAME, OLDER, HELD, BAD)
# An answer that is neither yes nor no, where there is nothing that it could end: counted with those that say nothing.
BLANK = "blank"


class Planned(NamedTuple):
    """A line, what it comes to and why, and whether its word is recorded."""

    line: Line
    verdict: str
    recorded: bool
    why: str = ""


async def plan(
    lines: Sequence[Line], terms: TermsOf, *, began: datetime, batch: str = "", meanwhile: "Meanwhile | None" = None
) -> list[Planned]:
    """The verdicts on some lines, in their order; `began` is when this run did, so that an undated no is said once in it."""
    _require_declared(lines, terms)
    wrong = {
        number: found for number, each in enumerate(lines) if not each.stop and (found := problem_of(each.word, each.kind, terms))
    }
    good = [each for number, each in enumerate(lines) if number not in wrong]
    table = await _Table.of(good, batch, meanwhile)
    planned = [
        Planned(each, BAD, False, wrong[number][1]) if number in wrong else table.judge(each, terms.purposes, began)
        for number, each in enumerate(lines)
    ]
    if meanwhile is not None:
        meanwhile.keep(table.said)
    return planned


def _require_declared(lines: Sequence[Line], terms: TermsOf) -> None:
    """A text of an earlier system of which nobody has said what it is stops the whole list, so that no refusal is left out."""
    named = {each.word.edition for each in lines if legacy.is_base(each.word.edition)} - terms.texts.keys()
    if named:
        raise Invalid(" ".join(map(legacy.how_to_declare, sorted(named))))


class _Table:
    """What is known of the people in some lines, and what these lines add to it one after the other."""

    def __init__(self, names: dict[tuple[str, str], str], people: dict[str, Person], closed: set[str], facts: Facts) -> None:
        self._names, self._people, self._closed, self._facts = names, people, closed, facts
        self.said: list[Spoken] = []

    @classmethod
    async def of(cls, lines: Sequence[Line], batch: str, meanwhile: "Meanwhile | None") -> "_Table":
        addresses = list(dict.fromkeys((each.kind, each.canonical) for each in lines))
        found = await subjects.known_ids(addresses)
        unknown = [address for address, known in zip(addresses, found, strict=True) if known is None]
        names = {address: known or _unknown(address) for address, known in zip(addresses, found, strict=True)}
        people = await subjects.people(each for each in found if each is not None)
        closed = {_unknown(address) for address in await subjects.suppressed(unknown)}
        everybody = {known.id for person in people.values() for known in person.identifiers}
        holders = sorted(everybody | {subject for person in people.values() for subject in person.subjects})
        about = None if any(each.stop for each in lines) else {each.word.purpose for each in lines}
        words, (stops, pauses) = await fold.kept(everybody, about, with_batch=batch), await stops_and_pauses_of(holders)
        if meanwhile is not None:
            remembered = meanwhile.said_by({*everybody, *names.values()})
            stops += [stop for each in remembered if (stop := as_stop(each))]
            words += [each for each in remembered if not as_stop(each)]
        return cls(names, people, closed, Facts(words, stops, pauses))

    def judge(self, line: Line, purposes: dict[str, Purpose], began: datetime) -> Planned:
        name, now = self._names[line.kind, line.canonical], clock.now()
        if line.only_ends and not self._has_imported_yes(name, line.word.cell, line.word.said_at or now):
            return Planned(line, BLANK, False)
        if name in self._closed:
            return Planned(line, HELD, False, _("Whoever has this address asked to be deleted and not to be added again."))
        if line.stop:
            return self._stop(line, name)
        about = purposes[line.word.purpose]
        word, at = _spoken(name, line, about, now), line.word.said_at
        on_cell = [each for each in self._facts.words.get(name, ()) if each.cell == word.cell]
        if any(_is_same(each, word, at, began) for each in on_cell):
            return Planned(line, SAME, False)
        if word.answer in fold.CLOSING:
            later = any(each.at > word.at and rank(each.grade) >= rank(word.grade) for each in on_cell)
            return self._recorded(line, word, OLDER if later else NEW)
        if any(each.answer == word.answer and each.at > word.at and rank(each.grade) >= rank(word.grade) for each in on_cell):
            return Planned(line, OLDER, False)
        return self._opening(line, word, about, now)

    def _opening(self, line: Line, word: Spoken, about: Purpose, now: datetime) -> Planned:
        """A yes against what was said and stopped: the rules answer as if it were recorded."""
        name = word.identifier
        before = self._facts.words.get(name)
        if before is None and name not in self._people and name not in self._facts.stops:
            return self._recorded(line, word, NEW)
        person = self._people.get(name) or _stranger(name, line.kind)
        self._facts.words[name] = [*(before or ()), word]
        answer = self._facts.answer(person, name, word.cell, about, now)
        self._facts.words[name] = before or []
        against = answer.because
        if answer.allowed or against.what not in ("stop", "decision") or against.kind == "restricted":
            return self._recorded(line, word, NEW)
        if against.what == "decision" and against.at is not None and against.at >= word.at:
            return Planned(line, OLDER, False)
        return Planned(line, HELD, False, _("Something stronger stands against this yes."))

    def _stop(self, line: Line, name: str) -> Planned:
        added = missing(line, name, self._people.get(name), self._facts)
        if not added:
            return Planned(line, SAME, False)
        self._facts.stops.setdefault(name, []).extend(added)
        self.said += map(as_word, added)
        return Planned(line, NEW, True)

    def _has_imported_yes(self, name: str, cell: Cell, at: datetime) -> bool:
        """Of an import whose yeses count; a stronger yes is not for a list to end."""
        return any(
            each.cell == cell and each.answer in ("yes", "informed") and rank(each.grade) <= rank("import") and each.at <= at
            for each in self._facts.words.get(name, ())
        )

    def _recorded(self, line: Line, word: Spoken, verdict: str) -> Planned:
        self._facts.words.setdefault(word.identifier, []).append(word)
        self.said.append(word)
        return Planned(line, verdict, True)


class Meanwhile:
    """What the lines of a dry run would have said so far: on disk, under hashes, and gone when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000;"
            " CREATE TABLE said (who BLOB, cell INTEGER, answer TEXT, at INTEGER, ends INTEGER, source TEXT,"
            " PRIMARY KEY (who, cell, answer)) WITHOUT ROWID; BEGIN"
        )
        self._key = os.urandom(16)
        self._cells: dict[Cell, int] = {}

    def keep(self, words: Iterable[Spoken]) -> None:
        rows = [
            (
                *self._place(each),
                each.answer,
                clock.micros(each.at),
                each.expires_at and clock.micros(each.expires_at),
                each.source,
            )
            for each in words
        ]
        self._database.executemany(
            "INSERT INTO said VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, ends = excluded.ends"
            " WHERE excluded.at > said.at",
            rows,
        )

    def said_by(self, names: Iterable[str]) -> list[Spoken]:
        hashes, cells = {self._hash(each): each for each in names}, list(self._cells)
        found = self._database.execute(
            f"SELECT who, cell, answer, at, ends, source FROM said WHERE who IN ({', '.join('?' * len(hashes))})", list(hashes)
        )
        return [
            Spoken(
                *(hashes[who], cells[cell], "import", answer, clock.from_micros(at)),
                *(None if ends is None else clock.from_micros(ends), "", source, ""),
            )
            for who, cell, answer, at, ends, source in found
        ]

    def close(self) -> None:
        self._database.close()

    def _place(self, word: Spoken) -> tuple[bytes, int]:
        return self._hash(word.identifier), self._cells.setdefault(word.cell, len(self._cells))

    def _hash(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._key, digest_size=16).digest()


def _spoken(name: str, line: Line, about: Purpose, now: datetime) -> Spoken:
    word = line.word
    at = min(word.said_at or now, now)
    ends = None if word.answer in fold.CLOSING else expiry(at, word.until, about.lifetime_months)
    return Spoken(name, word.cell, "import", word.answer, at, ends, "", word.source, word.edition)


def _is_same(said: Spoken, word: Spoken, dated: datetime | None, began: datetime) -> bool:
    """The same answer of the same moment; undated, one that this run said already."""
    if said.answer != word.answer or said.grade != word.grade:
        return False
    return said.at >= began if dated is None else said.at == word.at


def _unknown(address: tuple[str, str]) -> str:
    return f"{address[0]}:{address[1]}"


def _stranger(name: str, kind: str) -> Person:
    return Person(name, (name,), (Known(name, kind, name, name, "person", None, None, None, None),))
