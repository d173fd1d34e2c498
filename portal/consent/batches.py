"""Imports: plan (a dry run), commit in journalled parts, undo. Lists of answers that another system kept until now.

A commit first records what closes (no, unset): that counts at once. What opens (yes, informed) counts from the moment
the last part is there, all of it together. Each part is a transaction with its entries in the log and the place in the
file, so after a kill the same commit goes on where it was. A commit refuses another file than the one that was planned.

Undoing takes back what opens, in one moment, and what stood before stands again exactly. The refusals of the file stay:
nobody can tell any more which of them a person really said, a refusal too many costs a letter, one too few breaks the
law (GDPR Art. 7(3), 21(3)). An officer who knows that they were never said takes them back as well, with the reason.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing as closed_at_end
from dataclasses import replace
from functools import partial

from portal import audit, db, subjects, vault
from portal.consent import events, hashed
from portal.consent.checks import terms_of
from portal.consent.decisions import record_checked
from portal.consent.import_batch import Batch as Batch
from portal.consent.import_batch import actor_of, keep_plan, refuse_undone, start, undone_why
from portal.consent.import_batch import find_batch as find_batch
from portal.consent.import_counts import KEPT_LINES, add_up, note_problems
from portal.consent.import_file import AnyFile as AnyFile
from portal.consent.import_file import ListFile as ListFile
from portal.consent.import_file import look_at as look_at
from portal.consent.import_file import records as records
from portal.consent.import_plan import Meanwhile, plan
from portal.consent.import_rows import UNNAMED as UNNAMED
from portal.consent.import_rows import Bad, Blank, Line
from portal.consent.import_rows import Options as Options
from portal.consent.import_stops import lift_stops, record_stops
from portal.consent.propagation import wake
from portal.consent.vendors import PRESETS, Reader, rows_of
from portal.consent.vendors import map_in as map_in
from portal.consent.vendors import require_map as require_map
from portal.consent.words import Word
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.subjects import Arrival

VENDORS, HASHED, options_for_hashes = tuple(PRESETS), hashed.HASHED, hashed.options_for
AT_ONCE = 2000
PHASES = ("noes", "yeses")
# A part should take this long; no write transaction may last longer than 250 ms.
_WANTED, _FIRST_PART = 0.12, 250

Progress = Callable[[int, int], None]


async def plan_import(given: AnyFile, options: Options, *, by: str, name: str = "", progress: Progress | None = None) -> Batch:
    """The dry run: reads the whole file, changes nothing, keeps the plan under the id that commits it."""
    file, batch = await asyncio.to_thread(look_at, given, options.charset, options.separator), ids.new()
    if options.vendor == HASHED:
        return await hashed.plan_hashes(file, options, batch, by=by, name=name or given.name, progress=progress)
    rows, began = await rows_of(file, options, actor_of(batch)), clock.now()
    counts, problems = Counter[str](), list[tuple[int, str, str]]()
    with closed_at_end(Meanwhile()) as meanwhile:
        for number, phase in enumerate(PHASES):
            words = _words(file, rows, phase, 0)
            while part := _take(words, AT_ONCE):
                lines = [each for each in part if isinstance(each, Line)]
                planned = await plan(lines, await terms_of(_said(lines)), began=began, meanwhile=meanwhile)
                add_up(counts, part, planned)
                note_problems(problems, part, planned)
                _tell(progress, part, number, file)
    return await keep_plan(batch, file, options, counts, sorted(problems)[:KEPT_LINES], by=by, name=name or given.name)


async def commit_import(batch_id: str, given: AnyFile, *, by: str, progress: Progress | None = None, at_once: int = 0) -> Batch:
    """Record what was planned; the same call again goes on after a kill. Raises Conflict for another file."""
    batch = await find_batch(batch_id)
    refuse_undone(batch)
    file = await asyncio.to_thread(look_at, given, batch.options.charset, batch.options.separator)
    if file.sha256 != batch.sha256:
        raise Conflict(_("This is not the file that was planned. Plan it first."))
    if batch.options.vendor == HASHED:
        return await hashed.commit_hashes(batch, file, by=by, progress=progress)
    rows, step = await rows_of(file, batch.options, actor_of(batch_id)), at_once or _FIRST_PART
    if batch.phase == "planned":
        await start(batch_id, by, file)
    while (batch := await find_batch(batch_id)).phase in PHASES:
        refuse_undone(batch)
        number, words = PHASES.index(batch.phase), _words(file, rows, batch.phase, batch.position)
        while part := _take(words, step):
            began = time.monotonic()
            batch = await _record_part(batch, part)
            step = at_once or _next_step(step, time.monotonic() - began)
            _tell(progress, part, number, file)
        await _end_phase(batch, by)
    return batch


async def undo_import(batch_id: str, *, by: str, why: str = "", also_noes: bool = False) -> Batch:
    """Take an import back at once; `also_noes`: its refusals too, because they were never said (then say why).

    A list of hashes is nothing but refusals: taken back, it goes whole.
    """
    if also_noes and not why.strip():
        raise Invalid(_("Say why these refusals were never said."), {"why": _("Give the reason.")})
    if (found := await find_batch(batch_id)).options.vendor == HASHED:
        return await hashed.undo_hashes(found, by=by, why=why)
    async with db.writing():
        batch = await find_batch(batch_id)
        stored = await db.row("SELECT noes_undone_at FROM batch WHERE id = ?", batch_id)
        if batch.phase == "planned":
            raise Conflict(_("Nothing of this import was recorded."))
        if batch.undone_at is not None and (not also_noes or (stored and stored["noes_undone_at"] is not None)):
            return batch
        if also_noes:
            await _refuse_if_repeated(batch)
            await lift_stops(actor_of(batch_id), by=by)
        now, reason = clock.micros(clock.now()), (await vault.key_for("portal")).seal(undone_why(batch_id), why)
        await db.run(
            "UPDATE batch SET undone_at = coalesce(undone_at, ?), undone_by = ?, undone_why = ?,"
            " noes_undone_at = coalesce(noes_undone_at, ?) WHERE id = ?",
            *(now, by, reason, now if also_noes else None, batch_id),
        )
        await audit.record(
            events.IMPORT_UNDONE, actor=by, object=batch_id, payload={"also_noes": also_noes}, count=batch.counts["new"]
        )
        await _note_parts(events.IMPORT_CEASED, batch, by)
    return await find_batch(batch_id)


def _said(lines: Sequence[Line]) -> list[Word]:
    return [each.word for each in lines if not each.stop]


def _words(file: ListFile, rows: Reader, phase: str, after: int) -> Iterator[list[Line | Bad | Blank]]:
    """The words of one phase, record by record, that stand after a line."""
    for record in records(file):
        if record.line > after and (words := list(rows.words(record, phase == "noes"))):
            yield words


def _take(words: Iterator[list[Line | Bad | Blank]], size: int) -> list[Line | Bad | Blank]:
    """The next words, about so many; those of one record stay together, so that a line number is a place to go on from."""
    taken: list[Line | Bad | Blank] = []
    for each in words:
        taken += each
        if len(taken) >= size:
            break
    return taken


async def _record_part(batch: Batch, part: list[Line | Bad | Blank]) -> Batch:
    """One transaction: words, their entries, the part, the place in the file. A crash before its commit leaves nothing."""
    async with db.writing():
        return await db.in_one_trip(partial(_recorded, batch, part))


async def _recorded(batch: Batch, part: list[Line | Bad | Blank]) -> Batch:
    lines = [each for each in part if isinstance(each, Line)]
    terms, began = await terms_of(_said(lines)), batch.started_at or clock.now()
    planned = await plan(lines, terms, began=began, batch=batch.id)
    recorded = [each.line for each in planned if each.recorded]
    known = await subjects.ensure_many([Arrival(each.kind, each.given, actor_of(batch.id)) for each in recorded])
    found = [(each, identifier) for each, identifier in zip(recorded, known, strict=True) if identifier]
    masked = {identifier: subjects.mask(each.kind, each.canonical) for each, identifier in found}
    people = await subjects.people(masked)
    words = [each.word._replace(identifier=identifier) for each, identifier in found if not each.stop]
    decided = await record_checked(words, people, terms, batch.id, masked)
    await record_stops([(each, identifier) for each, identifier in found if each.stop], people, actor_of(batch.id))
    counts = Counter(batch.counts)
    add_up(counts, part, planned)
    moved = await db.run(
        "UPDATE batch SET position = ?, parts = ?, done = ? WHERE id = ? AND phase = ? AND position = ? AND undone_at IS NULL",
        *(part[-1].line, batch.parts + bool(decided), json.dumps(counts), batch.id, batch.phase, batch.position),
    )
    if not moved:
        raise Conflict(_("Somebody else goes on with this import, or it was taken back."))
    if decided:
        await db.run(
            "INSERT INTO batch_part (batch, number, first, last) VALUES (?, ?, ?, ?)",
            *(batch.id, batch.parts, decided[0].id, decided[-1].id),
        )
    return replace(batch, position=part[-1].line, parts=batch.parts + bool(decided), counts=dict(counts))


async def _end_phase(batch: Batch, by: str) -> None:
    """After the last no come the yeses; after the last yes all of them count. Each entry names a part that begins to."""
    async with db.writing():
        if batch.phase == "noes":
            await db.run("UPDATE batch SET phase = 'yeses', position = 0 WHERE id = ? AND phase = 'noes'", batch.id)
            return
        changed = await db.run(
            "UPDATE batch SET phase = 'in force', in_force_at = ? WHERE id = ? AND phase = 'yeses' AND undone_at IS NULL",
            *(clock.micros(clock.now()), batch.id),
        )
        if changed:
            done, rows = {"counts": batch.counts}, batch.counts["rows"]
            await audit.record(events.IMPORT_FINISHED, actor=by, object=batch.id, payload=done, count=rows)
            await _note_parts(events.IMPORT_COUNTS, batch, by)


async def _note_parts(event: audit.Event, batch: Batch, by: str) -> None:
    """Connected systems are told in the order of the log: of each part that now counts, or no longer."""
    await audit.record_many([audit.Note(event, by, object=f"{batch.id}/{number}") for number in range(batch.parts)])
    await wake()


async def _refuse_if_repeated(batch: Batch) -> None:
    """A list that did not end before this one began may have said the same: it stands recorded by this one alone."""
    began = clock.micros(batch.started_at) if batch.started_at else 0
    asked = (
        "SELECT id, done FROM batch WHERE id <> ? AND started_at IS NOT NULL AND noes_undone_at IS NULL"
        " AND (in_force_at IS NULL OR in_force_at >= ?) AND (undone_at IS NULL OR undone_at >= ?) ORDER BY started_at DESC"
    )
    for row in await db.rows(asked, batch.id, began, began):
        if json.loads(row["done"]).get("repeated"):
            raise Conflict(
                _("A later import, %s, had some of the same refusals and rests on this one. Take that one back first.")
                % row["id"]
            )


def _tell(progress: Progress | None, part: Sequence[Line | Bad | Blank], number: int, file: ListFile) -> None:
    if progress is not None:
        progress(number * file.lines + part[-1].line, 2 * file.lines)


def _next_step(step: int, seconds: float) -> int:
    return max(_FIRST_PART, min(AT_ONCE, int(step * min(2.0, _WANTED / max(seconds, 0.001)))))
