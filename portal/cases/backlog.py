"""Requests that came in before, or somewhere else, as a list (CSV): a dry run line by line, then the commit.

The days of receipt are kept and the clocks count from them (GDPR Art. 12(3)). A line that became a request once never
becomes another, in whichever file it stands; so the same file twice opens nothing twice, and a killed commit goes on.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from portal import audit, consent, db, subjects, vault
from portal.cases import clocks, cooling, deadlines, details, entering, events, models
from portal.cases.intake import SOURCES, open_case
from portal.cases.package_tables import csv_line
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound, Refusal
from portal.paper import _
from portal.settings import get

NEEDED = ("address", "right", "received")
COLUMNS = (*NEEDED, "language", "country", "message", "number", "field", "value")
OPENS, BEFORE, RUNNING, WRONG = "opens", "opened before", "asked already", "wrong"
VERDICTS = (OPENS, BEFORE, RUNNING, WRONG)
MOST = 5_000
KEPT = timedelta(hours=1)
SAME_AS = {"copy": "access", "correction": "rectification", "deletion": "erasure"}


@dataclass(frozen=True)
class Outcome:
    """What a line would become, or became: `case` once it is one; `sentence` says why not."""

    line: int
    verdict: str
    right: str = ""
    received: date | None = None
    law: str = ""
    due_on: date | None = None
    sentence: str = ""
    case: str = ""

    @property
    def is_late(self) -> bool:
        return self.due_on is not None and self.due_on < deadlines.today(get().time_zone)


@dataclass(frozen=True)
class _Line:
    number: int
    right: str
    kind: str
    address: str
    received: datetime | None
    day: date
    language: str
    details: Mapping[str, Any]
    mark: bytes


class _OpenedMeanwhile(Exception):
    """The same line in another commit of the same moment; what was opened for it here is rolled back."""


class Content:
    """A list that is held in memory, as a file."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self._content = name, content

    def open(self, _mode: Literal["rb"], /) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._content))


async def plan(given: consent.batches.AnyFile) -> list[Outcome]:
    """The dry run: changes nothing."""
    return [outcome async for outcome, _line in _looked_at(given)]


async def commit(given: consent.batches.AnyFile, *, by: str) -> list[Outcome]:
    """Open what the dry run shows, each line by itself: after a kill the same call goes on."""
    done = []
    async for outcome, line in _looked_at(given):
        done.append(await _open(line, outcome, by) if line is not None and outcome.verdict == OPENS else outcome)
    file = await asyncio.to_thread(consent.batches.look_at, given)
    opened = sum(each.verdict == OPENS for each in done)
    payload = {"sha256": file.sha256.hex(), "lines": len(done), "opened": opened}
    async with db.writing():
        await audit.record(events.LIST_TAKEN, actor=by, object="list", payload=payload, count=opened)
    return done


async def keep(name: str, content: bytes, *, officer: str) -> str:
    """Between dry run and commit the file waits an hour, sealed; answers the id that commits it."""
    file, list_id = await asyncio.to_thread(consent.batches.look_at, Content(name, content)), ids.new()
    async with db.writing():
        blob = await vault.store_blob(await vault.key_for("portal"), content, clock.now() + KEPT)
        await models.ListRow.create(
            id=list_id, sha256=file.sha256.hex(), blob_id=blob, planned_by=f"officer:{officer}", planned_at=clock.now()
        )
    return list_id


async def commit_kept(list_id: str, *, officer: str) -> list[Outcome]:
    row = await models.ListRow.get_or_none(id=list_id, planned_by=f"officer:{officer}")
    if row is None or row.planned_at < clock.now() - KEPT:
        raise NotFound(_("This list is not waiting any more. Choose the file again."))
    if row.done_at is not None:
        raise Conflict(_("This list was brought in already."))
    content = b"".join([each async for each in vault.read_blob(row.blob_id)])
    done = await commit(Content("list", content), by=f"officer:{officer}")
    async with db.writing():
        row.done_at, row.opened = clock.now(), sum(each.verdict == OPENS for each in done)
        await row.save(update_fields=["done_at", "opened"])
        await vault.drop_blob(row.blob_id)
    return done


def report(outcomes: list[Outcome]) -> bytes:
    """For a spreadsheet, without anything personal; no cell is taken for a formula."""
    names = ["line", "verdict", "right", "received", "law", "due", "request", "why"]
    lines = [
        [
            *(str(each.line), each.verdict, each.right, str(each.received or ""), each.law, str(each.due_on or "")),
            *(each.case[-8:], each.sentence),
        ]
        for each in outcomes
    ]
    return b"\xef\xbb\xbf" + b"".join(csv_line(each) for each in [names, *lines])


async def _looked_at(given: consent.batches.AnyFile) -> AsyncIterator[tuple[Outcome, _Line | None]]:
    file = await asyncio.to_thread(consent.batches.look_at, given)
    missing = [each for each in NEEDED if each not in _names(file)]
    if missing:
        told = {"file": _("The first line has to name these columns: %s.") % ", ".join(NEEDED)}
        raise Invalid(_("A column is missing: %s.") % ", ".join(missing), told)
    if file.lines > MOST + 1:
        raise Invalid(_("This list is too long."), {"file": _("Bring it in as lists of at most %d lines.") % MOST})
    seen: dict[bytes, int] = {}
    for record in await asyncio.to_thread(lambda: list(consent.batches.records(file))):
        if record.problem:
            yield Outcome(record.line, WRONG, sentence=record.problem), None
            continue
        try:
            line = _read(record.line, dict(zip(_names(file), (each.strip() for each in record.values), strict=True)))
        except Refusal as problem:
            wrong = problem.fields if isinstance(problem, Invalid) else {}
            yield Outcome(record.line, WRONG, sentence=" ".join(dict.fromkeys(wrong.values())) or problem.sentence), None
            continue
        yield await _outcome(line, seen), line
        seen.setdefault(line.mark, line.number)


def _names(file: consent.batches.ListFile) -> tuple[str, ...]:
    return tuple(each.lower() for each in file.columns)


def _read(number: int, values: Mapping[str, str]) -> _Line:
    right, received = values["right"].lower(), entering.day_of(values["received"] or "-")
    right = SAME_AS.get(right, right)
    kind = entering.kind_of(values["address"])
    said: dict[str, Any] = {"message": values.get("message", ""), "country": values.get("country", "").upper()}
    said |= cooling.unless_said(right)
    if values.get("field"):
        said["changes"] = {values["field"].lower(): values.get("value", "")}
    kept = details.checked([right], "me", said, sources=SOURCES, source="list", received_at=received)
    day = date.fromisoformat(values["received"])
    same = f"list {kind} {subjects.canonical(kind, values['address'])} {right} {day} {values.get('number', '')}"
    mark = vault.blind("case arrival", same)
    return _Line(number, right, kind, values["address"], received, day, values.get("language", ""), kept, mark)


async def _outcome(line: _Line, seen: Mapping[bytes, int]) -> Outcome:
    due, _fitting = clocks.law_for(str(line.details["country"]), line.right, line.received or clock.now())
    if line.mark in seen:
        return Outcome(line.number, BEFORE, line.right, line.day, sentence=_("The same as line %d.") % seen[line.mark])
    before = await models.Arrival.get_or_none(mark=line.mark)
    if before is not None:
        return Outcome(line.number, BEFORE, line.right, line.day, sentence=_("Opened from a list before."), case=before.case_id)
    running = await entering.same([line.right], line.address)
    if running:
        sentence = _("The same was asked for from this address and is not answered yet.")
        return Outcome(line.number, RUNNING, line.right, line.day, sentence=sentence, case=running[0])
    return Outcome(line.number, OPENS, line.right, line.day, due.law.key, due.safe)


async def _open(line: _Line, outcome: Outcome, by: str) -> Outcome:
    """One transaction: the request and its mark. A crash before its commit leaves nothing, and the line opens next time."""
    before = Outcome(line.number, BEFORE, line.right, line.day, sentence=_("Opened from a list before."))
    try:
        async with db.writing():
            if await models.Arrival.exists(mark=line.mark):
                return before
            opened = await open_case(
                line.right,
                line.address,
                kind=line.kind,
                language=line.language or get().language_list[0],
                details=line.details,
                source="list",
                actor=by,
                received_at=line.received,
            )
            if not await entering.came_first(line.mark, opened.id):
                raise _OpenedMeanwhile
    except _OpenedMeanwhile:
        return before
    return Outcome(line.number, OPENS, line.right, line.day, outcome.law, outcome.due_on, case=opened.id)
