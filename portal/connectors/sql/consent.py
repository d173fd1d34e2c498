"""Telling a database yes or no for one cell, once and in order.

Words arrive at least once and, after a repair, perhaps late: where the map names an index column, it remembers the
highest log index per row, and a lower or equal one changes nothing. So an old yes never overwrites a newer no.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exc, insert, literal, or_, select, true, update

from portal.connectors.contract import Cell, ConnectorError, Identifiers
from portal.connectors.sql import database, mysql, rows
from portal.connectors.sql.map import CellRule, ConsentRule
from portal.connectors.sql.schema import Schema
from portal.connectors.sql.values import matches
from portal.lib import clock
from portal.paper import _


def cell_rule(rule: ConsentRule | None, cell: Cell) -> CellRule | None:
    """Where the cell stands in this database, if it does."""
    return next((each for each in rule.cells if each.cell == cell), None) if rule else None


def set_consent(
    connection: Connection, schema: Schema, identifiers: Identifiers, cell: Cell, allowed: bool, index: int, enter: bool
) -> None:
    """One row per address and cell; `enter`: a missing one is written, for a no as well, so that its index is remembered."""
    consent, rule = schema.map.consent, cell_rule(schema.map.consent, cell)
    if consent is None or rule is None:
        return
    table = schema.table(consent.table)
    for kind, column in consent.identifiers.items():
        for value in identifiers.get(kind, []):
            same = matches(connection, table.columns[column], kind, [value], schema.map.region)
            where = and_(same, *(name == fixed for name, fixed in _fitting(table, dict(rule.match)).items()))
            _write(connection, table, consent, rule, where, {column: value} if enter and consent.insert else {}, allowed, index)


def _write(
    connection: Connection,
    table: Table,
    consent: ConsentRule,
    rule: CellRule,
    where: ColumnElement[bool],
    missing: dict[str, Any],
    allowed: bool,
    index: int,
) -> None:
    new: dict[str, Any] = {name: pair[0] if allowed else pair[1] for name, pair in rule.set.items()}
    if consent.changed_at:
        new[consent.changed_at] = clock.rfc3339(clock.now())
    older = where
    if rule.index:
        new[rule.index] = index
        remembered = table.columns[rule.index]
        older = and_(where, or_(remembered.is_(None), remembered < index))
    keys = list(table.primary_key.columns)
    known = connection.execute(select(*keys, literal(1)).select_from(table).where(where)).all()
    if known:
        # by key, because MariaDB and MySQL lock every row that a statement has to look at
        these = [and_(*(column == value for column, value in zip(keys, key, strict=False))) for key in known if keys]
        connection.execute(update(table).where(older, or_(*these) if keys else true()).values(_fitting(table, new)))
    elif missing:
        _insert(connection, table, where, {**missing, **rule.match, **new})


def _insert(connection: Connection, table: Table, where: ColumnElement[bool], values: dict[str, Any]) -> None:
    try:
        connection.execute(insert(table).values(_fitting(table, values)))
    except exc.IntegrityError as problem:
        if not database.is_already_there(problem) or not _arrived(connection, table, where):
            raise
        # somebody signed up in the same moment: the next try finds their row
        raise ConnectorError(_("The same address was entered there at this moment. We try again."), permanent=False) from problem


def _arrived(connection: Connection, table: Table, where: ColumnElement[bool]) -> bool:
    """Whether the row that was in the way is this address; to a collation another one may be the same, and stays in the way."""
    if not mysql.is_one(connection):
        return True
    return connection.execute(select(literal(1)).select_from(table).where(where).limit(1).with_for_update()).first() is not None


def _fitting(table: Table, values: dict[str, Any]) -> dict[Any, Any]:
    return {table.columns[name]: rows.fitting(table, name, value) for name, value in values.items()}
