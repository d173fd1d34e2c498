"""Whether what stays of a row that is made anonymous singles its person out (GDPR recital 26, Art. 4(1); WP 216).

Counted over the columns that the map lets stay (`keep`): the same values have to stand in at least AT_LEAST rows, of which all
but one are not this person's. Keys, links and what the map says concerns nobody (`ignore`) are not looked at: whether a key
leads to somebody elsewhere only the owner knows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Connection, and_, case, func, inspect, or_, select

from portal.connectors.sql import mysql
from portal.connectors.sql.finding import Row, RowId
from portal.connectors.sql.schema import Bound, Reference, Schema
from portal.connectors.sql.values import same

# As small as the cells that the published figures hide: five is what statistics offices ask for before they name a group.
AT_LEAST = 5
_AT_ONCE = 50  # different rows asked about in one statement
_COMPARED = (str, int, float, Decimal, date, datetime, time, timedelta, UUID, type(None))

Kept: TypeAlias = tuple[Any, ...]


def singled_out(connection: Connection, rows: Iterable[Row]) -> set[RowId]:
    """Those of these rows of one person that would single them out; one statement per table and fifty different rows.

    A value that cannot be compared with others (binary, JSON) counts as one that nobody else has.
    """
    found: set[RowId] = set()
    by_table: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.bound.kept:
            by_table[row.bound.name].append(row)
    for of_table in by_table.values():
        alike: dict[Kept, list[Row]] = defaultdict(list)
        for row in of_table:
            kept = tuple(row.values[name] for name in row.bound.kept)
            if all(isinstance(value, _COMPARED) for value in kept):
                alike[kept].append(row)
            else:
                found.add(row.id)
        for kept, number in _counted(connection, of_table[0].bound, list(alike)):
            if number - len(alike[kept]) < AT_LEAST - 1:
                found |= {row.id for row in alike[kept]}
    return found


def is_free(connection: Connection, schema: Schema, name: str) -> bool:
    """Whether a row of this table can be deleted although the map does not say so: whatever points at it was found with it."""
    if not all(_is_followed(schema, each) for each in schema.references if each.parent == name):
        return False
    inspector = inspect(connection)
    as_is = mysql.name if mysql.is_one(connection) else str
    for (_schema, table), keys in inspector.get_multi_foreign_keys(schema.map.schema).items():
        if as_is(table) not in schema.tables and any(as_is(key["referred_table"]) == name for key in keys):
            return False
    return True


def mostly(connection: Connection, bound: Bound) -> bool:
    """Whether more than half of a table's rows would single somebody out; not asked of a table with few rows."""
    if any(isinstance(bound.table.columns[name].type, JSON) for name in bound.kept):
        return True  # no database compares it, so it counts as one that nobody else has
    size = func.count().label("size")
    groups = select(size).select_from(bound.table).group_by(*(bound.table.columns[name] for name in bound.kept)).subquery()
    few = case((groups.c.size < AT_LEAST, groups.c.size), else_=0)
    total, alone = connection.execute(select(func.sum(groups.c.size), func.sum(few))).one()
    return (total or 0) >= 20 * AT_LEAST and alone * 2 > total


def _is_followed(schema: Schema, reference: Reference) -> bool:
    """A join of the map goes along this foreign key, so that no row that points by it is overlooked."""
    pairs = set(zip(reference.columns, reference.targets, strict=True))
    return any(
        via.goal == reference.parent and len(via.hops) == 1 and set(via.hops[0].pairs) == pairs
        for via in schema.tables[reference.child].rule.via
    )


def _counted(connection: Connection, bound: Bound, wanted: list[Kept]) -> Iterator[tuple[Kept, int]]:
    waiting = iter(wanted)
    while batch := list(islice(waiting, _AT_ONCE)):
        conditions = [_equal(bound, kept) for kept in batch]
        sums = [func.sum(case((each, 1), else_=0)).label(f"n{number}") for number, each in enumerate(conditions)]
        numbers = connection.execute(select(*sums).select_from(bound.table).where(or_(*conditions))).one()
        yield from ((kept, int(number or 0)) for kept, number in zip(batch, numbers, strict=True))


def _equal(bound: Bound, kept: Kept) -> ColumnElement[bool]:
    columns = [bound.table.columns[name] for name in bound.kept]
    return and_(
        *(
            column.is_(None) if value is None else same(column, [value], folds=column.info.get("folds", False))
            for column, value in zip(columns, kept, strict=True)
        )
    )
