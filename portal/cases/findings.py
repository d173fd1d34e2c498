"""What the systems answered, grouped for people: system, category, table, rows.

Rows are sealed under the life key of the person, so that forgetting the person ends them wherever they lie, and have
an end date of their own. For an erasure only the dry run's counts are kept readable; its plan is sealed whole.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from itertools import groupby
from sys import intern
from typing import Any

from portal import connectors, db, vault
from portal.cases import models, signs, verification
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict
from portal.paper import _
from portal.vault import Place

AT_ONCE = 1_000
_DECODER = json.JSONDecoder()
_FIELD = tuple(each.name for each in fields(connectors.Field))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as it is kept: key and fields as the connector named them."""

    key: dict[str, Any]
    fields: Sequence[connectors.Field]


@dataclass(frozen=True)
class Found:
    """One table of one system. `redacted`: number of the row, and column or "" for all of it → reason."""

    id: str
    system: str
    category: str
    table: str
    label: str
    row_count: int
    rows: list[Entry]
    redacted: dict[tuple[int, str], str]
    about: dict[str, Any]


@dataclass(frozen=True)
class Sealed:
    """What a system answered, stored ahead of the transaction that keeps it: tables with their rows, or a dry run."""

    tables: Sequence["SealedTable"]
    plan: connectors.Plan | None = None
    plan_blob: str = ""


@dataclass(frozen=True)
class SealedTable:
    category: str
    table: str
    label: str
    row_count: int
    blob: str
    signs: signs.Signs


@asynccontextmanager
async def sealed(row: models.CaseRow, system: str, found: list[connectors.Finding] | connectors.Plan) -> AsyncIterator[Sealed]:
    """For `store` inside the block; what it does not keep is dropped at the end."""
    blobs: list[str] = []
    try:
        if isinstance(found, connectors.Plan):
            blobs.append(await vault.store_ahead(await verification.person_key(row), found.to_json().encode()))
            yield Sealed([], found, blobs[0])
            return
        tables = []
        ordered = sorted(found, key=lambda each: (each.category, each.table))
        for (category, table), group in groupby(ordered, key=lambda each: (each.category, each.table)):
            rows = list(group)
            noted = await asyncio.to_thread(signs.of_table, system, category, table, rows)
            blobs.append(await vault.store_ahead(await verification.person_key(row), _pieces(rows)))
            tables.append(SealedTable(category, table, rows[0].label, len(rows), blobs[-1], noted))
        yield Sealed(tables)
    finally:
        await vault.drop_unclaimed(blobs)


async def store(row: models.CaseRow, task: models.Task, answer: Sealed) -> dict[str, int]:
    """Inside `writing()`: keep what a system answered; answers how many rows per table, for a dry run per action too."""
    if answer.plan is not None:
        return await _store_plan(row, task, answer.plan, answer.plan_blob)
    counts: dict[str, int] = {}
    for each in answer.tables:
        await _add(row, task, each.category, each.table, each.label, each.row_count, {}, each)
        counts[each.table] = counts.get(each.table, 0) + each.row_count
    return counts


async def _store_plan(row: models.CaseRow, task: models.Task, plan: connectors.Plan, blob: str) -> dict[str, int]:
    """Keep a dry run whole, and its counts per table, action and law beside it."""
    await vault.claim_blob(blob, clock.now() + policy().findings_kept)
    task.plan_blob = blob

    def what(each: connectors.PlanRow) -> tuple[str, str, str, str, str, str]:
        return (each.table, each.label, each.action, each.law, each.until or "", each.why)

    counts: dict[str, int] = {}
    for (table, label, action, law, until, why), group in groupby(sorted(plan.rows, key=what), key=what):
        number = len(list(group))
        about = {"action": action, "law": law, "until": until, "why": why}
        await _add(row, task, action, table, label, number, about)
        counts[f"{action} {table}"] = counts.get(f"{action} {table}", 0) + number
    return counts


async def read_plan(task: models.Task) -> connectors.Plan:
    """The stored dry run: the very artefact that executes."""
    content = b"".join([piece async for piece in vault.read_blob(task.plan_blob or "")])
    return connectors.Plan.from_json(content.decode())


async def read(row: models.CaseRow) -> list[Found]:
    """Everything found in the present round, in the order of the systems; raises Conflict when it cannot be read any more."""
    return [each async for each in one_by_one(row)]


async def one_by_one(row: models.CaseRow, only: Collection[str] | None = None) -> AsyncIterator[Found]:
    """The same, a table at a time, so that a large one is let go of before the next; `only`: of these ids."""
    redactions: dict[str, dict[tuple[int, str], str]] = {}
    for each in await models.Redaction.filter(case_id=row.id):
        redactions.setdefault(each.finding_id, {})[(each.row_number, each.field)] = each.reason
    for finding in await models.FindingRow.filter(case_id=row.id, round=row.round).order_by("id"):
        if only is not None and finding.id not in only:
            continue
        rows: list[Entry] = []
        if finding.blob_id is not None:
            rows = await _rows(finding.blob_id)
        elif not finding.about:  # a dry run keeps its counts alone
            if await verification.is_erased(row):
                raise _deleted_meanwhile()
            raise Conflict(_("What was found is not kept any more. Ask the systems again, or refuse with reasons."))
        yield Found(
            finding.id,
            finding.system,
            finding.category,
            finding.table_name,
            finding.label,
            finding.row_count,
            rows,
            redactions.get(finding.id, {}),
            finding.about,
        )


async def read_one(row: models.CaseRow, finding_id: str) -> Found | None:
    """One table of the present round."""
    return next(iter([each async for each in one_by_one(row, {finding_id})]), None)


async def signs_of(row: models.CaseRow) -> list[signs.Signs]:
    """What asks for judgement in each table of the present round, without reading the tables; raises Conflict as `read` does."""
    sealed = await db.rows(
        "SELECT f.id, f.signs, b.key_id FROM case_finding f JOIN blob b ON b.id = f.blob_id"
        " WHERE f.case_id = ? AND f.round = ? AND f.signs IS NOT NULL ORDER BY f.id",
        *(row.id, row.round),
    )
    noted = {each["id"]: await _opened(each) for each in sealed}
    every = await models.FindingRow.filter(case_id=row.id, round=row.round).values_list("id", flat=True)
    # Written before there were notes, or not kept any more.
    unread = {str(each) for each in every} - noted.keys()
    for each in [found async for found in one_by_one(row, unread)]:
        noted[each.id] = signs.of_table(each.system, each.category, each.table, each.rows, each.redacted)
    return [noted[each] for each in sorted(noted)]


async def note_signs(row: models.CaseRow, finding_id: str) -> None:
    """Inside `writing()`, after something was taken out of a table or given back."""
    lies = "SELECT b.key_id FROM case_finding f JOIN blob b ON b.id = f.blob_id WHERE f.id = ?"
    found, stored = await read_one(row, finding_id), await db.row(lies, finding_id)
    if found is None or stored is None:
        return
    key = await vault.key_by_id(stored["key_id"])
    taken_out = frozenset(found.redacted)
    noted = await asyncio.to_thread(signs.of_table, found.system, found.category, found.table, found.rows, taken_out)
    sealed = key.seal(Place("case_finding", "signs", finding_id), noted.to_json())
    await db.run("UPDATE case_finding SET signs = ? WHERE id = ?", sealed, finding_id)


async def are_gone(row: models.CaseRow) -> bool:
    """Whether something was found in the present round that can no longer be read."""
    try:
        await read(row)
    except Conflict:
        return True
    return False


async def drop(row: models.CaseRow) -> None:
    """Inside `writing()`: what was found or planned is no longer needed; the counts stay."""
    for task in await models.Task.filter(case_id=row.id).exclude(plan_blob=None):
        await vault.drop_blob(task.plan_blob or "")
    await db.run("UPDATE case_task SET plan_blob = NULL WHERE case_id = ?", row.id)
    for finding in await models.FindingRow.filter(case_id=row.id).exclude(blob_id=None):
        await vault.drop_blob(finding.blob_id or "")
    await db.run("UPDATE case_finding SET blob_id = NULL, signs = NULL WHERE case_id = ?", row.id)
    await db.run("DELETE FROM case_redaction WHERE case_id = ?", row.id)
    await connectors.person.drop(row.id)


async def drop_of(task: models.Task) -> None:
    """Inside `writing()`: one system's answer is replaced by another one."""
    if task.plan_blob is not None:
        await vault.drop_blob(task.plan_blob)
        await db.run("UPDATE case_task SET plan_blob = NULL WHERE id = ?", task.id)
    for finding in await models.FindingRow.filter(task_id=task.id):
        if finding.blob_id is not None:
            await vault.drop_blob(finding.blob_id)
        await models.Redaction.filter(finding_id=finding.id).delete()
    await models.FindingRow.filter(task_id=task.id).delete()


def _plain(finding: connectors.Finding) -> dict[str, Any]:
    """As it is kept."""
    fields = [{name: getattr(each, name) for name in _FIELD} for each in finding.fields]
    return {"key": finding.key, "fields": fields}


async def _pieces(rows: Sequence[connectors.Finding]) -> AsyncIterator[bytes]:
    """The JSON of them all, a portion at a time; the event loop goes on in between."""
    for start in range(0, len(rows), AT_ONCE):
        text = json.dumps([_plain(each) for each in rows[start : start + AT_ONCE]], ensure_ascii=False)
        yield (("[" if start == 0 else ", ") + text[1:-1]).encode()
    yield b"]"


async def _rows(blob_id: str) -> list[Entry]:
    try:
        return list(_entries(b"".join([piece async for piece in vault.read_blob(blob_id)]).decode()))
    except vault.Shredded as gone:
        raise _deleted_meanwhile() from gone


def _entries(text: str) -> Iterator[Entry]:
    """Read one after the other: a hundred thousand as dicts would take several times the memory."""
    at = 1
    while text[at] != "]":
        row, at = _DECODER.raw_decode(text, at + 2 if text[at] == "," else at)
        yield Entry(row["key"], [connectors.Field(**each | _named(each)) for each in row["fields"]])


def _named(field: dict[str, Any]) -> dict[str, str]:
    """What many fields have alike, once in memory."""
    return {name: intern(field[name]) for name in ("column", "label", "category", "means") if name in field}


async def _opened(stored: dict[str, Any]) -> signs.Signs:
    try:
        key = await vault.key_by_id(stored["key_id"])
    except vault.Shredded as gone:
        raise _deleted_meanwhile() from gone
    return signs.Signs.from_json(key.open(Place("case_finding", "signs", stored["id"]), bytes(stored["signs"])))


def _deleted_meanwhile() -> Conflict:
    return Conflict(_("The person's data was deleted meanwhile; what was found about them cannot be read any more."))


async def _add(
    row: models.CaseRow,
    task: models.Task,
    category: str,
    table: str,
    label: str,
    count: int,
    about: dict[str, str],
    answer: SealedTable | None = None,
) -> None:
    keep_until, finding_id = clock.now() + policy().findings_kept, ids.new()
    noted = None
    if answer is not None:
        await vault.claim_blob(answer.blob, keep_until)
        key = await verification.person_key(row)
        noted = key.seal(Place("case_finding", "signs", finding_id), answer.signs.to_json())
    await models.FindingRow.create(
        id=finding_id,
        case_id=row.id,
        task_id=task.id,
        round=row.round,
        system=task.system,
        category=category,
        table_name=table,
        label=label,
        row_count=count,
        about=about,
        blob_id=answer.blob if answer else None,
        keep_until=keep_until,
        signs=noted,
    )
