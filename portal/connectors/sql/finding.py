"""Every row about a person: by identifier, then along the joins until nothing new turns up.

Self-references and joins in circles end because each row is taken once. Each row remembers the rows it hangs on,
so that a hold can follow them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from portal.connectors.contract import Field, Finding, Identifiers, Key
from portal.connectors.sql import mysql
from portal.connectors.sql.joins import Hop, Via
from portal.connectors.sql.schema import Bound, Schema
from portal.connectors.sql.values import freeze, matches, same, shown

RowId: TypeAlias = tuple[str, tuple[Any, ...]]
End: TypeAlias = tuple[ColumnElement[Any], bool]  # a column that is compared, and whether its database folds letters
T = TypeVar("T")

_AT_ONCE = 250  # parent rows asked about in one statement


@dataclass(slots=True)
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
    rows = rows_of(connection, schema, identifiers)[::-1]
    found = []
    while rows:  # each is let go of when it has become a finding: there may be a hundred thousand
        found.append(_finding(rows.pop()))
    return found


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
    by_link = ByLink[Row](folds=folds(schema, via.hops[-1].left, [left for left, _right in via.hops[-1].pairs]))
    links: dict[tuple[Any, ...], None] = {}
    for parent in parents:
        link = tuple(parent.values[right] for _left, right in via.hops[-1].pairs)
        if None not in link:
            by_link.add(link, parent)
            links[link] = None
    statement, ends = _chain(schema, child, via)
    for batch in _batches(list(links)):
        for values in connection.execute(statement.where(_one_of(ends, batch)).limit(most)).all():
            width = len(child.table.columns)
            row = Row(child, dict(zip((column.name for column in child.table.columns), values[:width], strict=True)))
            # compared in a way that we cannot follow: it may hang on any of them
            row.parents = {parent.id for parent in by_link.get(values[width:]) or parents}
            yield row


class ByLink(Generic[T]):
    """What stands under the values that a join or a foreign key compares.

    A database may take "ana" and "ANA " for equal. Where it led from one to the other, what is there to the letter is
    meant, else what differs in case, accents and blanks alone.
    """

    def __init__(self, *, folds: bool) -> None:
        self._folds = folds
        self._exact: dict[tuple[str, ...], list[T]] = defaultdict(list)
        self._folded: dict[tuple[str, ...], list[T]] = defaultdict(list)

    def add(self, link: Iterable[Any], what: T) -> None:
        link = tuple(link)
        self._exact[tuple(map(str, link))].append(what)
        self._folded[tuple(map(mysql.folded, link))].append(what)

    def get(self, link: Iterable[Any]) -> list[T]:
        link = tuple(link)
        found = self._exact.get(tuple(map(str, link)), [])
        return found if found or not self._folds else self._folded.get(tuple(map(mysql.folded, link)), [])


def folds(schema: Schema, table: str, names: Iterable[str]) -> bool:
    """One of these columns is compared by its database in a way that takes other letters for the same."""
    return any(schema.table(table).columns[name].info.get("folds") for name in names)


def _chain(schema: Schema, child: Bound, via: Via) -> tuple[Select[Any], list[End]]:
    """The statement up to the last hop, and the columns that the parents' values are compared with."""
    here: Any = child.table
    source: Any = child.table
    for hop in via.hops[:-1]:
        there = schema.table(hop.right).alias()
        folding = _folding(schema, hop)
        equal = [here.c[left] == there.c[right] for left, right in hop.pairs]
        equal += [mysql.to_the_byte(here.c[left]) == mysql.to_the_byte(there.c[right]) for left, right in folding]
        source = source.join(there, and_(*equal))
        here = there
    folding = _folding(schema, via.hops[-1])
    ends = [(here.c[left], (left, right) in folding) for left, right in via.hops[-1].pairs]
    labelled = [end.label(f"link_{number}") for number, (end, _folds) in enumerate(ends)]
    return select(*child.table.columns, *labelled).select_from(source).distinct(), ends


def _folding(schema: Schema, hop: Hop) -> set[tuple[str, str]]:
    """Pairs of texts that the database may take for equal although they are not, with no foreign key to vouch for it."""
    columns = schema.table(hop.left).columns
    return {(left, right) for left, right in hop.pairs if columns[left].info.get("folds")} - schema.vouched(hop)


def _one_of(ends: Sequence[End], values: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    if len(ends) == 1:
        [(column, folds)] = ends
        return same(column, [value for (value,) in values], folds=folds)
    return or_(*(_all_same(ends, value) for value in values))


def _all_same(ends: Sequence[End], values: tuple[Any, ...]) -> ColumnElement[bool]:
    return and_(*(same(column, [part], folds=folds) for (column, folds), part in zip(ends, values, strict=True)))


def _batches(values: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    waiting = iter(values)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch


def _finding(row: Row) -> Finding:
    fields = tuple(
        Field(name, rule.label, shown(row.values[name]), rule.category, rule.identifies, means, correctable)
        for name, rule, means, correctable in row.bound.described
    )
    return Finding(row.bound.name, row.key, row.bound.rule.category, row.bound.rule.label, fields)
