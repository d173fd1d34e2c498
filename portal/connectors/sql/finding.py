"""Every row about a person: by identifier, then along the joins until nothing new turns up.

Self-references and joins in circles end because each row is taken once. Each row remembers the rows it hangs on,
so that a hold can follow them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from portal.connectors.contract import Field, Finding, Identifiers, Key
from portal.connectors.sql.joins import Via
from portal.connectors.sql.schema import Bound, Schema
from portal.connectors.sql.values import freeze, matches, shown

RowId: TypeAlias = tuple[str, tuple[Any, ...]]

_AT_ONCE = 250  # parent rows asked about in one statement


@dataclass
class Row:
    """A row as it was read, and the ids of the rows it was reached from."""

    bound: Bound
    values: Mapping[str, Any]
    parents: set[RowId] = field(default_factory=set)

    @property
    def id(self) -> RowId:
        return self.bound.name, tuple(self.values[column.name] for column in self.bound.key)

    @property
    def key(self) -> Key:
        return {column.name: freeze(self.values[column.name]) for column in self.bound.key}


def findings(connection: Connection, schema: Schema, identifiers: Identifiers) -> list[Finding]:
    return [_finding(row) for row in rows_of(connection, schema, identifiers)]


def rows_of(connection: Connection, schema: Schema, identifiers: Identifiers, most: int | None = None) -> list[Row]:
    """All rows about the person, in the order of the map; with `most` it ends soon after so many, and never reads all."""
    found: dict[RowId, Row] = {}
    new = [row for bound in schema.tables.values() for row in _identified(connection, schema, bound, identifiers, most)]
    while new:
        fresh = [row for row in new if row.id not in found]
        for row in new:
            found.setdefault(row.id, row).parents.update(row.parents)
        # the same row may have come twice in one round; ask about it once
        parents = [found[row_id] for row_id in dict.fromkeys(row.id for row in fresh)]
        enough = most is not None and len(found) > most
        new = [] if enough else list(islice(_hanging_on(connection, schema, parents, most), most))
    order = {name: number for number, name in enumerate(schema.tables)}
    return sorted(found.values(), key=lambda row: (order[row.bound.name], str(row.id[1])))


def _identified(
    connection: Connection, schema: Schema, bound: Bound, identifiers: Identifiers, most: int | None
) -> Iterator[Row]:
    conditions = [
        matches(connection, bound.table.columns[name], kind, identifiers.get(kind, []), schema.map.region)
        for kind, names in bound.rule.identifiers.items()
        for name in names
    ]
    if conditions:
        for values in connection.execute(select(bound.table).where(or_(*conditions)).limit(most)).mappings():
            yield Row(bound, {column.name: values[column] for column in bound.table.columns})


def _hanging_on(connection: Connection, schema: Schema, parents: list[Row], most: int | None) -> Iterator[Row]:
    by_table: dict[str, list[Row]] = defaultdict(list)
    for row in parents:
        by_table[row.bound.name].append(row)
    for child in schema.tables.values():
        for via in child.rule.via:
            yield from _along(connection, schema, child, via, by_table.get(via.goal, []), most)


def _along(connection: Connection, schema: Schema, child: Bound, via: Via, parents: list[Row], most: int | None) -> Iterator[Row]:
    """Rows of `child` that hang on these parents by this chain of joins."""
    by_link: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    links: dict[tuple[Any, ...], None] = {}
    for parent in parents:
        link = tuple(parent.values[right] for _left, right in via.hops[-1].pairs)
        if None not in link:
            by_link[tuple(map(str, link))].append(parent)
            links[link] = None
    statement, ends = _chain(schema, child, via)
    for batch in _batches(list(links)):
        for values in connection.execute(statement.where(_one_of(ends, batch)).limit(most)).all():
            width = len(child.table.columns)
            row = Row(child, dict(zip((column.name for column in child.table.columns), values[:width], strict=True)))
            row.parents = {parent.id for parent in by_link[tuple(map(str, values[width:]))]}
            yield row


def _chain(schema: Schema, child: Bound, via: Via) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The statement up to the last hop, and the columns that the parents' values are compared with."""
    here: Any = child.table
    source: Any = child.table
    for hop in via.hops[:-1]:
        there = schema.table(hop.right).alias()
        source = source.join(there, and_(*(here.c[left] == there.c[right] for left, right in hop.pairs)))
        here = there
    ends = [here.c[left] for left, _right in via.hops[-1].pairs]
    labelled = [end.label(f"link_{number}") for number, end in enumerate(ends)]
    return select(*child.table.columns, *labelled).select_from(source).distinct(), ends


def _one_of(columns: Sequence[ColumnElement[Any]], values: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([value for (value,) in values])
    return or_(*(and_(*(column == part for column, part in zip(columns, value, strict=True))) for value in values))


def _batches(values: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    waiting = iter(values)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch


def _finding(row: Row) -> Finding:
    correctable = set(row.bound.rule.correctable.values())
    fields = tuple(
        Field(
            name,
            rule.label,
            shown(row.values[name]),
            rule.category,
            rule.identifies,
            row.bound.meaning(name),
            name in correctable,
        )
        for name, rule in row.bound.shown
    )
    return Finding(row.bound.name, row.key, row.bound.rule.category, row.bound.rule.label, fields)
