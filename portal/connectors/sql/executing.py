"""Doing what a plan says, in one transaction, and asking afterwards what is left.

Before the first change the planner runs again inside the transaction: anything unlike the stored plan stops, so that
what was approved is what happens. Before the commit every planned row is looked at once more.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sqlalchemy import Connection

from portal.connectors.contract import ConnectorError, Count, Identifiers, Leftover, Outcome, Plan, PlanRow
from portal.connectors.sql import rows
from portal.connectors.sql.finding import rows_of
from portal.connectors.sql.planning import plan as make_plan
from portal.connectors.sql.schema import Bound, Schema
from portal.connectors.sql.values import alike
from portal.paper import _


def execute(connection: Connection, schema: Schema, plan: Plan) -> Outcome:
    """The outcome; raises, and so rolls back, when the database no longer is what the dry run saw."""
    now = make_plan(connection, schema, plan.system, plan.identifiers)
    if {_identity(row) for row in now.rows} != {_identity(row) for row in plan.rows}:
        raise _unlike(plan.counts, now.counts)
    changing = sorted((row for row in plan.rows if row.set or row.action == "delete"), key=lambda row: row.table)
    for table, group in groupby(changing, key=lambda row: row.table):
        rows.claim(connection, _bound(schema, table), [row.key for row in group])
    done = [(row, _overwrite(connection, schema, row)) for row in plan.rows if row.set]
    missed = [row for row, hit in done if hit != 1]
    for table, group in groupby((row for row in plan.rows if row.action == "delete"), key=lambda row: row.table):
        keys = [row.key for row in group]
        own = [reference for reference in schema.references if reference.child == reference.parent == table]
        if rows.remove(connection, _bound(schema, table), keys, own) != len(keys):
            missed += [row for row in plan.rows if row.table == table]
    missed += [row for row, as_planned in _looked_at(connection, schema, plan.rows) if not as_planned]
    if missed:
        names = ", ".join(sorted({row.label for row in missed}))
        raise ConnectorError(_("Counts differ from the dry run in %s; nothing was deleted.") % names, permanent=True)
    return Outcome(done=True, counts=plan.counts)


def leftovers(connection: Connection, schema: Schema, identifiers: Identifiers, plan: Plan) -> list[Leftover]:
    """What is still there: kept rows as expected, anything else as not expected."""
    left = {_name(row): _leftover(row, as_planned) for row, as_planned in _still_there(connection, schema, plan)}
    for row in rows_of(connection, schema, identifiers):
        rule, key = row.bound.rule, row.key
        name = (rule.name, rows.name_of(key))
        if name not in left:
            left[name] = Leftover(rule.name, rule.label, key, expected=False)
    return list(left.values())


def _still_there(connection: Connection, schema: Schema, plan: Plan) -> Iterator[tuple[PlanRow, bool]]:
    """Planned rows that are there although they should be gone or emptied, and those that rightly stay."""
    for row, as_planned in _looked_at(connection, schema, plan.rows):
        if not as_planned or row.action == "keep":
            yield row, as_planned


def _leftover(row: PlanRow, as_planned: bool) -> Leftover:
    return Leftover(row.table, row.label, row.key, as_planned, row.law, row.until)


def _looked_at(connection: Connection, schema: Schema, planned: Iterable[PlanRow]) -> Iterator[tuple[PlanRow, bool]]:
    """Each planned row, and whether it now is what the plan wants: gone, or there with the new values."""
    for table, group in groupby(sorted(planned, key=lambda row: row.table), key=lambda row: row.table):
        bound, of_table = _bound(schema, table), list(group)
        there = rows.present(connection, bound, [row.key for row in of_table])
        for row in of_table:
            values = there.get(rows.name_of(row.key))
            if row.action == "delete":
                yield row, values is None
            elif values is None:
                yield row, False
            else:
                wanted = {name: rows.fitting(bound.table, name, value) for name, value in row.set.items()}
                yield row, all(alike(values[name], value) for name, value in wanted.items())


def _overwrite(connection: Connection, schema: Schema, row: PlanRow) -> int:
    return rows.overwrite(connection, _bound(schema, row.table), row.key, row.set)


def _bound(schema: Schema, table: str) -> Bound:
    return rows.bound_table(schema.tables, table, schema.map.file.path.name)


def _name(row: PlanRow) -> tuple[str, str]:
    return row.table, rows.name_of(row.key)


def _identity(row: PlanRow) -> tuple[str, str, str, str, str]:
    return row.table, rows.name_of(row.key), row.action, repr(sorted(row.set.items())), f"{row.law} {row.until}"


def _unlike(planned: Iterable[Count], now: Iterable[Count]) -> ConnectorError:
    before = {(count.label, count.action): count.rows for count in planned}
    after = {(count.label, count.action): count.rows for count in now}
    differences = [
        f"{label}: {action} {before.get((label, action), 0)} → {after.get((label, action), 0)}"
        for label, action in sorted(before.keys() | after.keys())
        if before.get((label, action)) != after.get((label, action))
    ]
    what = _("Counts differ from the dry run: %s. Nothing was changed; make a new dry run.")
    return ConnectorError(what % ("; ".join(differences) or _("other rows")), permanent=True)
