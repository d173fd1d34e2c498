"""What an erasure does, row by row: the one planner behind the dry run and the execution (GDPR Art. 17).

A row under a retention hold stays; a row that a staying row points at is anonymised instead of deleted; one whose person
would be singled out by what stays of it is deleted instead of anonymised, or loses that too; everything else follows the
map. Rows are listed in the order in which they can go: children before what they hang on.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from portal.connectors.contract import POINTED_AT, SINGLED_OUT, Action, Identifiers, Plan, PlanRow
from portal.connectors.sql import singling
from portal.connectors.sql.finding import ByLink, Row, RowId, folds, rows_of
from portal.connectors.sql.retention import last_day, today
from portal.connectors.sql.schema import Reference, Schema
from portal.connectors.toml_file import TomlFile
from portal.paper import _


@dataclass(frozen=True)
class Kept:
    """Why a row stays: the law and the last day, or None where no end is known."""

    law: str
    until: str | None


@dataclass(frozen=True)
class Fates:
    """What decides about each row beside the map: `protected` ones are pointed at by a row that stays, `singled` ones would
    name their person although anonymised; of these `instead` are deleted where nothing protects them."""

    kept: dict[RowId, Kept]
    protected: frozenset[RowId] = frozenset()
    singled: frozenset[RowId] = frozenset()
    instead: frozenset[RowId] = frozenset()


@dataclass(frozen=True)
class Edge:
    """A found row (`child`) that points at another by a foreign key."""

    child: RowId
    parent: RowId
    reference: Reference


def plan(connection: Connection, schema: Schema, system: str, identifiers: Identifiers) -> Plan:
    """The plan for everything these identifiers lead to; deterministic, so that it can be compared with a later one."""
    rows = {row.id: row for row in rows_of(connection, schema, identifiers)}
    edges = list(_edges(schema, rows))
    fates = _fates(connection, schema, rows, edges)
    doomed = [row_id for row_id in rows if _action(rows[row_id], fates) == "delete"]
    order, detached = _in_order(doomed, [edge for edge in edges if edge.child != edge.parent], schema)
    survivors = [row_id for row_id in rows if row_id not in set(doomed)]
    listed = [_plan_row(rows[row_id], fates, detached[row_id], schema.map.file) for row_id in [*survivors, *order]]
    known = {kind: sorted(values) for kind, values in identifiers.items() if values}
    return Plan(system, known, tuple(listed))


def _fates(connection: Connection, schema: Schema, rows: dict[RowId, Row], edges: list[Edge]) -> Fates:
    kept = {row_id: held for row_id, row in rows.items() if (held := _held(row, rows))}
    fates = Fates(kept)
    fates = replace(fates, protected=_protected(rows, fates, edges))
    anonymous = [row for row in rows.values() if _action(row, fates) == "anonymise"]
    singled = frozenset(singling.singled_out(connection, anonymous))
    if not singled:
        return fates
    free = {name for name in {name for name, _key in singled} if singling.is_free(connection, schema, name)}
    instead = frozenset(each for each in singled if each[0] in free and rows[each].bound.rule.on_erase == "anonymise")
    fates = Fates(kept, singled=singled, instead=instead)
    return replace(fates, protected=_protected(rows, fates, edges))


def _edges(schema: Schema, rows: dict[RowId, Row]) -> Iterator[Edge]:
    for reference in schema.references:
        if reference.parent not in schema.tables:
            continue
        targets = ByLink[RowId](folds=folds(schema, reference.child, reference.columns))
        for row in rows.values():
            if row.bound.name == reference.parent:
                targets.add((row.values[name] for name in reference.targets), row.id)
        for row in rows.values():
            if row.bound.name == reference.child:
                for target in targets.get(row.values[name] for name in reference.columns):
                    yield Edge(row.id, target, reference)


def _held(row: Row, rows: dict[RowId, Row]) -> Kept | None:
    hold = row.bound.rule.hold
    if hold is None:
        return None
    if hold.like:
        followed = [_held(rows[parent], rows) for parent in row.parents if parent[0] == hold.like]
        return max((held for held in followed if held), key=lambda held: held.until or "9999", default=None)
    end = last_day(hold, row.values[hold.start]) if hold.start else None
    if end is not None and end <= today():
        return None
    return Kept(hold.law, end.isoformat() if end else None)


def _protected(rows: dict[RowId, Row], fates: Fates, edges: list[Edge]) -> frozenset[RowId]:
    """Rows meant to be deleted that a staying row points at."""
    points_at: dict[RowId, list[RowId]] = defaultdict(list)
    for edge in edges:
        points_at[edge.child].append(edge.parent)
    protected: set[RowId] = set()
    staying = [row_id for row_id in rows if _action(rows[row_id], fates) != "delete"]
    while staying:
        for parent in points_at[staying.pop()]:
            if parent not in protected and _action(rows[parent], fates) == "delete":
                protected.add(parent)
                staying.append(parent)
    return frozenset(protected)


def _action(row: Row, fates: Fates) -> Action:
    if row.id in fates.kept:
        return "keep"
    if row.id in fates.protected:
        return "anonymise"
    return "delete" if row.id in fates.instead else row.bound.rule.on_erase


def _in_order(doomed: list[RowId], edges: list[Edge], schema: Schema) -> tuple[list[RowId], dict[RowId, set[str]]]:
    """Children first. Where rows point at each other in a circle, `detached` names the columns to empty beforehand."""
    pointing: dict[RowId, list[Edge]] = defaultdict(list)
    for edge in edges:
        pointing[edge.parent].append(edge)
    order: list[RowId] = []
    detached: dict[RowId, set[str]] = defaultdict(set)
    state: dict[RowId, str] = dict.fromkeys(doomed, "new")
    for start in doomed:
        path: list[tuple[RowId, Iterator[Edge]]] = []
        if state[start] == "new":
            state[start] = "open"
            path.append((start, iter(pointing[start])))
        while path:
            row_id, waiting = path[-1]
            pointer = next(waiting, None)
            if pointer is None:
                state[row_id] = "done"
                order.append(row_id)
                path.pop()
            elif state.get(pointer.child) == "new":
                state[pointer.child] = "open"
                path.append((pointer.child, iter(pointing[pointer.child])))
            elif state.get(pointer.child) == "open":
                columns: Any = schema.tables[pointer.child[0]].table.columns
                detached[pointer.child] |= {name for name in pointer.reference.columns if columns[name].nullable}
    return order, detached


def _plan_row(row: Row, fates: Fates, detached: set[str], file: TomlFile) -> PlanRow:
    action, rule, key = _action(row, fates), row.bound.rule, row.key
    singled = row.id in fates.singled
    if action == "delete":
        why = SINGLED_OUT if row.id in fates.instead else ""
        return PlanRow(rule.name, rule.label, key, action, dict.fromkeys(sorted(detached)), why=why)
    if action == "keep":
        held = fates.kept.get(row.id, Kept("", None))
        return PlanRow(rule.name, rule.label, key, action, row.bound.released(key), held.law, held.until)
    if row.bound.unerasable:
        what = _("%(label)s cannot be deleted: rows that stay point at it, and these columns may not be empty: %(columns)s.")
        known = {"label": rule.label, "columns": ", ".join(row.bound.unerasable)}
        raise file.error(what % known, ("tables", rule.name), "on_erase")
    stuck = [name for name in row.bound.kept if not _may_be_empty(row, name)] if singled else []
    if stuck:
        what = _(
            "%(label)s cannot be made anonymous: what stays singles the person out, other rows point at it, and these columns"
            " may not be empty: %(columns)s. Give them values in anonymise instead of keep."
        )
        raise file.error(what % {"label": rule.label, "columns": ", ".join(stuck)}, ("tables", rule.name), "keep")
    why = SINGLED_OUT if singled else POINTED_AT if row.id in fates.protected else ""
    return PlanRow(rule.name, rule.label, key, action, row.bound.emptied(key, row.bound.kept if singled else ()), why=why)


def _may_be_empty(row: Row, name: str) -> bool:
    column: Any = row.bound.table.columns[name]
    return bool(column.nullable) and column.computed is None
