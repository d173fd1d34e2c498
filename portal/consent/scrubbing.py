"""Which addresses of a list may be used for one purpose on one channel: millions of lines, with a receipt of the answer.

Most addresses of a list belong to people of whom there is nothing but a word or two, or who are unknown. Those are
answered from five queries for thousands; everybody else like a single question. Both by the same rules.
"""

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from portal import audit, db, subjects
from portal.consent import events, fold, precedence
from portal.consent.asking import Question, ask_many
from portal.consent.import_file import NDJSON, AnyFile, ListFile, Record, look_at, object_of, records
from portal.consent.permissions import Facts, require_channel, unknown_answer
from portal.consent.purposes import Purpose, in_force
from portal.consent.rules import Answer
from portal.consent.words import ALL, Cell
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.subjects import Known, Listed, Person

AT_ONCE = 2000
HEADER = "identifier,allowed,rule\n"
NO_ADDRESS = "invalid"

_SHORTEST_MONTH = 28 * 86_400 * 1_000_000

Row = tuple[str, bool, str]
Verdict = tuple[bool, str]


@dataclass
class Scrubbed:
    """What was answered so far; `sha256` are of the list as it came and of the answer as it left. `read_as`: how the list
    was read, by character set, separator and column."""

    cell: Cell
    kind: str
    asked_sha256: bytes
    read_as: str = ""
    lines: int = 0
    allowed: int = 0
    invalid: int = 0
    entry: str = ""
    answered: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> bytes:
        return self.answered.digest()


class Scrubbing:
    """One list: `parts` gives the answer piece by piece, `sign` enters it in the log. Raises NotFound, Invalid at once."""

    def __init__(self, file: ListFile, cell: Cell, column: str = "") -> None:
        self._file = file
        kind, self._column = _column_of(file, column)
        self.done = Scrubbed(cell, kind, file.sha256, f"{file.charset} {file.separator} {self._column}")

    @classmethod
    async def of(cls, given: AnyFile, cell: Cell, *, column: str = "", charset: str = "") -> "Scrubbing":
        """`column`: which one holds the addresses, as `email=E-Mail`; without it the one that is named like a kind."""
        require_channel(cell, await in_force([cell.purpose]))
        if ALL in (cell.channel, cell.topic):
            raise Invalid(_("Ask for one channel at a time."), {"channel": _("Ask for one channel at a time.")})
        return cls(await asyncio.to_thread(look_at, given, charset), cell, column)

    @property
    def lines(self) -> int:
        return self._file.lines

    async def parts(self, progress: Callable[[int], None] | None = None) -> AsyncIterator[str]:
        """The answer as CSV, some thousand lines at a time, header first; after `go_on` the rest of it."""
        if not self.done.lines:
            yield self._counted(HEADER)
        addresses = self._addresses()
        while part := list(islice(addresses, AT_ONCE)):
            yield self._counted(_as_csv(await self._answers(part)))
            if progress is not None:
                progress(self.done.lines)

    def go_on(self, answered: "hashlib._Hash", *, lines: int, allowed: int, invalid: int) -> None:
        """An earlier run answered so much of it, header and whole parts; `answered` is the digest of that."""
        self.done.answered = answered
        self.done.lines, self.done.allowed, self.done.invalid = lines, allowed, invalid

    async def sign(self, by: str) -> str:
        """The entry in the log that binds list, question and answer; `audit.prove` makes its receipt."""
        done, cell = self.done, self.done.cell
        payload = {
            **{"purpose": cell.purpose, "channel": cell.channel, "topic": cell.topic, "kind": done.kind},
            **{"asked_sha256": done.asked_sha256.hex(), "answered_sha256": done.sha256.hex()},
            **{"lines": done.lines, "allowed": done.allowed, "invalid": done.invalid},
        }
        async with db.writing():
            done.entry = await audit.record(events.SCRUBBED, actor=by, payload=payload, count=done.lines, digest=done.sha256)
        return done.entry

    def _addresses(self) -> Iterator[str]:
        for record in islice(records(self._file), self.done.lines, None):
            yield "" if record.problem else self._address(record)

    def _address(self, record: Record) -> str:
        if self._file.separator != NDJSON:
            return record.values[int(self._column)].strip()
        return (object_of(record.values[0]) or {}).get(str(self._column), "").strip()

    async def _answers(self, given: list[str]) -> list[Row]:
        kind, sought = self.done.kind, dict[str, str]()
        for each in given:
            with suppress(Invalid):
                sought[each] = subjects.as_sought(kind, each)
        answers = await answers_for(kind, list(dict.fromkeys(sought.values())), self.done.cell)
        rows: list[Row] = [(each, *(answers[sought[each]] if each in sought else (False, NO_ADDRESS))) for each in given]
        self.done.lines += len(rows)
        self.done.allowed += sum(allowed for _given, allowed, _rule in rows)
        self.done.invalid += sum(rule is NO_ADDRESS for _given, _allowed, rule in rows)
        return rows

    def _counted(self, text: str) -> str:
        self.done.answered.update(text.encode())
        return text


async def answers_for(kind: str, addresses: list[str], cell: Cell) -> dict[str, Verdict]:
    """Whether each of at most some thousand addresses of one kind, as they are sought, may be used now, and by which rule."""
    known = await subjects.listed(kind, addresses)
    purpose, now = (await in_force([cell.purpose]))[cell.purpose], clock.now()
    simple = {each.id: each.subject for each in known.values() if each.alone and each.id}
    closed = await _with_more({*simple, *simple.values()})
    words = await _words(list(simple), cell.purpose)
    nobody = _verdict(unknown_answer(cell, purpose, None, now))
    shapes = dict[tuple[Any, ...], Verdict]()
    answers, others, opened = dict[str, Verdict](), list[str](), dict[str, Listed]()
    for address in addresses:
        mine = known.get(address)
        if mine is None:
            answers[address] = nobody
        elif mine.id is None or not mine.alone or mine.id in closed or mine.subject in closed:
            others.append(address)
        elif (said := words.get(mine.id)) is None:
            answers[address] = nobody
        else:
            shape = _shape(said, purpose.lifetime_months, now)
            if shape is None or shape not in shapes:
                facts = Facts([fold.spoken(each) for each in said], [], [])
                found = _verdict(facts.answer(_alone(mine, kind), mine.id, cell, purpose, now))
                shapes[shape or (mine.id,)] = answers[address] = found
            else:
                answers[address] = shapes[shape]
            if answers[address][0]:
                opened[address] = mine
    answers |= await _tuned(kind, opened, words, cell, purpose, now)
    asked = await ask_many([Question(kind, each, cell) for each in others])
    for address, answer in zip(others, asked, strict=True):
        if isinstance(answer, Exception):
            raise answer
        answers[address] = _verdict(answer)
    return answers


async def _tuned(
    kind: str, opened: dict[str, Listed], words: dict[str, list[dict[str, Any]]], cell: Cell, purpose: Purpose, now: datetime
) -> dict[str, Verdict]:
    """What a tuning makes of the yeses: for that everything that was said is needed, not only the latest."""
    tuning = await precedence.tuning()
    if tuning.changes_nothing or not opened:
        return {}
    said = await fold.said(mine.id or "" for mine in opened.values())
    facts = Facts([fold.spoken(each) for mine in opened.values() for each in words[mine.id or ""]], [], [], tuning, said)
    return {
        address: _verdict(facts.answer(_alone(mine, kind), mine.id or "", cell, purpose, now)) for address, mine in opened.items()
    }


async def _with_more(holders: set[str]) -> set[str]:
    """Those of whom there is or was a stop or a pause."""
    if not holders:
        return set()
    wanted = sorted(holders)
    marks = ", ".join("?" * len(wanted))
    found = [
        await db.rows(f"SELECT DISTINCT holder FROM {table} WHERE holder IN ({marks})", *wanted) for table in ("stop", "pause")
    ]
    return {each["holder"] for rows in found for each in rows}


async def _words(identifiers: list[str], purpose: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in await fold.rows_of(identifiers, purpose):
        found.setdefault(each["identifier"], []).append(each)
    return found


def _shape(said: list[dict[str, Any]], lifetime_months: int | None, now: datetime) -> tuple[Any, ...] | None:
    """People of whom there is one word of the same kind have the same answer, as long as it has clearly run out or not."""
    if len(said) > 1:
        return None
    [word] = said
    moment, ends = clock.micros(now), word["expires_at"]
    over = ends is not None and ends <= moment
    if lifetime_months is not None and not over:
        age = moment - word["said_at"]
        if age >= lifetime_months * _SHORTEST_MONTH:  # then the calendar has to be asked
            return None
    return word["channel"], word["topic"], word["grade"], word["answer"], over


def _verdict(answer: Answer) -> Verdict:
    return answer.allowed, str(answer.rule)


def _alone(mine: Listed, kind: str) -> Person:
    only = Known(mine.id or "", kind, mine.subject, mine.subject, "person", None, None, None, None)
    return Person(mine.subject, (mine.subject,), (only,))


def _column_of(file: ListFile, asked: str) -> tuple[str, int | str]:
    """The kind of the addresses, and where they stand."""
    kind, _equals, name = asked.partition("=")
    wanted = {kind.strip(): (name or kind).strip().casefold()} if asked else {each: each for each in subjects.KINDS}
    if asked and kind.strip() not in subjects.KINDS:
        raise Invalid(_("The kind of address is one of: %s.") % ", ".join(subjects.KINDS))
    if file.separator == NDJSON:
        readable = (object_of(record.values[0]) for record in islice(records(file), AT_ONCE) if not record.problem)
        first = next(filter(None, readable), {})
        found = [(each, there) for each, there in wanted.items() if there in first]
        if found:
            return found[0]
    there = [each.casefold() for each in file.columns]
    for each, theirs in wanted.items():
        if theirs in there:
            return each, there.index(theirs)
    told = {"missing": ", ".join(wanted.values()), "there": ", ".join(file.columns)}
    raise Invalid(_("No column holds an address (%(missing)s). The file's columns are: %(there)s.") % told)


def _as_csv(rows: list[Row]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        (address, "true" if allowed else "false", rule) for address, allowed, rule in rows
    )
    return text.getvalue()
