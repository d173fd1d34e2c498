"""Naming rows by key: conditions, updates, deletes and re-reads of planned rows, many at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, literal, not_, or_, select, update

from portal.connectors.contract import ConnectorError, Key, Value
from portal.connectors.sql import mysql
from portal.connectors.sql.schema import Bound, Reference
from portal.connectors.sql.values import freeze, same, thaw, typed
from portal.connectors.toml_file import Misconfigured
from portal.paper import _

_AT_ONCE = 200


def overwrite(connection: Connection, bound: Bound, key: Key, values: Mapping[str, Value]) -> int:
    """Write these columns of one row; how many rows it hit."""
    columns = {bound.table.columns[name]: fitting(bound.table, name, value) for name, value in values.items()}
    return connection.execute(update(bound.table).where(_is(bound, key)).values(columns)).rowcount


def remove(connection: Connection, bound: Bound, keys: Sequence[Key], own: Sequence[Reference]) -> int:
    """Delete rows by key, one after the other where rows of the table point at each other (`own`); how many rows it hit."""
    removed = 0
    for batch in batches(keys, 1 if own else _AT_ONCE):
        for reference in own if mysql.is_one(connection) else ():
            _turn_away(connection, bound, batch[0], reference)
        removed += connection.execute(delete(bound.table).where(_any_of(bound, batch))).rowcount
    return removed


def _turn_away(connection: Connection, bound: Bound, key: Key, own: Reference) -> None:
    """InnoDB deletes no row that points at itself: until its end, a statement later, it points at none or at another."""
    columns = bound.table.columns
    pairs = [(columns[name], columns[target]) for name, target in zip(own.columns, own.targets, strict=True)]
    at_itself = and_(_is(bound, key), *(column == target for column, target in pairs))
    if connection.execute(select(literal(1)).select_from(bound.table).where(at_itself)).first() is None:
        return
    elsewhere: dict[Any, Any] = {column: None for column, _target in pairs if column.nullable}
    if not elsewhere:
        other = connection.execute(select(*(target for _column, target in pairs)).where(not_(_is(bound, key))).limit(1)).first()
        elsewhere = dict(zip((column for column, _target in pairs), other or (), strict=False))
    if elsewhere:
        connection.execute(update(bound.table).where(_is(bound, key)).values(elsewhere))


def claim(connection: Connection, bound: Bound, keys: Sequence[Key]) -> None:
    """Let nobody else change these rows until the commit; ConnectorError when somebody did since we first read.

    MariaDB and MySQL alone: what they write is the row of this moment, what they read the row of the transaction's beginning.
    """
    if mysql.is_one(connection) and present(connection, bound, keys) != present(connection, bound, keys, locked=True):
        what = _("%s: somebody changed this in the same moment. Nothing was written; we try again.")
        raise ConnectorError(what % bound.rule.label, permanent=False)


def present(connection: Connection, bound: Bound, keys: Sequence[Key], *, locked: bool = False) -> dict[str, Mapping[str, Any]]:
    """The rows that are there, by the text of their key (`name_of`)."""
    found: dict[str, Mapping[str, Any]] = {}
    for batch in batches(keys, _AT_ONCE):
        statement = select(bound.table).where(_any_of(bound, batch))
        for values in connection.execute(statement.with_for_update() if locked else statement).mappings():
            row = {column.name: values[column] for column in bound.table.columns}
            found[name_of({column.name: freeze(row[column.name]) for column in bound.key})] = row
    return found


def name_of(key: Key) -> str:
    """One text per key, the same for a key that travelled through JSON."""
    return repr(sorted(key.items()))


def fitting(table: Table, name: str, value: Value) -> Any:
    """The value as the column's type wants it; ConnectorError when it cannot be one."""
    return _turned(table, name, value, thaw)


def written(table: Table, name: str, text: str | None) -> Any:
    """What a person wrote, as the column keeps it; ConnectorError when the column cannot hold it."""
    return _turned(table, name, text, typed)


def bound_table(tables: Mapping[str, Bound], name: str, place: str) -> Bound:
    """The table of a planned row; the map may have changed since the plan was made."""
    if name not in tables:
        raise Misconfigured(place, _("The plan names %s, which is no longer in the map.") % name)
    return tables[name]


def batches(keys: Sequence[Key], size: int) -> Iterator[list[Key]]:
    waiting = iter(keys)
    while batch := list(islice(waiting, size)):
        yield batch


def _turned(table: Table, name: str, value: Value, turn: Callable[[Column[Any], Any], Any]) -> Any:
    try:
        return turn(table.columns[name], value)
    except ValueError as problem:
        what = _("%(column)s in %(table)s cannot hold this value.") % {"column": name, "table": table.name}
        raise ConnectorError(what, permanent=True) from problem


def _any_of(bound: Bound, keys: Sequence[Key]) -> ColumnElement[bool]:
    if len(bound.key) == 1:
        column = bound.key[0]
        return _held(column, [key[column.name] for key in keys])
    return or_(*(_is(bound, key) for key in keys))


def _is(bound: Bound, key: Key) -> ColumnElement[bool]:
    return and_(*(_held(column, [key[column.name]]) for column in bound.key))


def _held(column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return same(column, [_as_held(column, value) for value in values], folds=column.info.get("folds", False))


def _as_held(column: Column[Any], value: Any) -> Any:
    try:
        return thaw(column, value)
    except ValueError:  # 0000-00-00, which is no date and yet is in a key of theirs
        return value
