"""A map held against the live database: every name in it must be there, and only what is there is ever named in SQL.

The allow list is the reflected schema itself: the other files of this folder get SQLAlchemy columns from here and
never a text (ATTACKS 17). What does not fit is said with file, line and what is there instead.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Column, Connection, Inspector, LargeBinary, MetaData, Table, event, inspect
from sqlalchemy.types import NullType

from portal.connectors.contract import Value
from portal.connectors.sql import mysql
from portal.connectors.sql.joins import Hop
from portal.connectors.sql.map import ColumnRule, Map, TableRule
from portal.connectors.toml_file import Misconfigured
from portal.paper import _


@dataclass(frozen=True)
class Reference:
    """A foreign key between two tables: `columns` of `child` point at `targets` of `parent`."""

    child: str
    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Bound:
    """A table of the map with its live columns."""

    rule: TableRule
    table: Table
    key: tuple[Column[Any], ...]
    linking: frozenset[str]

    @property
    def name(self) -> str:
        return self.rule.name

    @cached_property
    def shown(self) -> list[tuple[str, ColumnRule]]:
        """What the person is shown. A column the map forgot belongs to them too, so it is shown under its own name."""
        named = {*self.rule.columns, *self.rule.correctable.values()}
        hidden = {*self.rule.ignore, *(key.name for key in self.key), *self.linking} - named
        return [(column.name, self._rule(column.name)) for column in self.table.columns if column.name not in hidden]

    @cached_property
    def described(self) -> list[tuple[str, ColumnRule, str, bool]]:
        """The same with what stands there, and whether it can be corrected."""
        correctable = set(self.rule.correctable.values())
        return [(name, rule, self.meaning(name), name in correctable) for name, rule in self.shown]

    def meaning(self, name: str) -> str:
        """The generic field (name, street …) that stands in a column, where the map says so."""
        rule = self.rule
        said = [field for field, column in rule.correctable.items() if column == name]
        said += [rule.columns[name].means] if name in rule.columns else []
        said += [kind for kind, names in rule.identifiers.items() if name in names]
        return next((field for field in said if field), "")

    @property
    def unpurposed(self) -> list[str]:
        """Columns that the map says nothing about."""
        rule = self.rule
        said = {*rule.columns, *rule.anonymise, *rule.keep, *rule.ignore, *self.linking, *(key.name for key in self.key)}
        said |= {name for names in rule.identifiers.values() for name in names}
        said |= {rule.hold.start} if rule.hold and rule.hold.start else set()
        return [column.name for column in self.table.columns if column.name not in said]

    def emptied(self, key: Mapping[str, Value], also: Iterable[str] = ()) -> dict[str, Value]:
        """What an anonymised row gets: the map's values, nothing elsewhere and in `also`; keys and links stay."""
        return {name: self._erased(name, key) for name in (*self._erasable, *also) if name not in self.unerasable}

    @cached_property
    def kept(self) -> list[str]:
        """Columns whose values stay when a row is made anonymous, because the map says so."""
        spared = {*self.linking, *self.rule.anonymise, *(key.name for key in self.key)}
        return [name for name in self.rule.keep if name not in spared]

    def released(self, key: Mapping[str, Value]) -> dict[str, Value]:
        """What a held row loses all the same, because the law does not ask for it."""
        return {name: self._erased(name, key) for name in (self.rule.hold.release if self.rule.hold else ())}

    @cached_property
    def unerasable(self) -> list[str]:
        """Columns that may not be empty and have no value in the map to anonymise them with."""
        columns = self.table.columns
        return [name for name in self._erasable if name not in self.rule.anonymise and not columns[name].nullable]

    @cached_property
    def _erasable(self) -> list[str]:
        stay = {*self.rule.keep, *self.rule.ignore, *self.linking, *(key.name for key in self.key)} - self.rule.anonymise.keys()
        return [column.name for column in self.table.columns if column.name not in stay and column.computed is None]

    def _erased(self, name: str, key: Mapping[str, Value]) -> Value:
        value = self.rule.anonymise.get(name)
        return value.replace("{key}", "-".join(map(str, key.values()))) if isinstance(value, str) else value

    def _rule(self, name: str) -> ColumnRule:
        identifies = any(name in names for names in self.rule.identifiers.values())
        return self.rule.columns.get(name) or ColumnRule(in_words(name), self.rule.category, identifies)


@dataclass(frozen=True)
class Schema:
    """The map's tables, the tables that joins pass through, and the foreign keys among the map's tables.

    `half_changes` are told of tables whose engine cannot take a change back; they are read, but never written.
    """

    map: Map
    tables: dict[str, Bound]
    passed: dict[str, Table]
    references: tuple[Reference, ...]
    problems: tuple[Misconfigured, ...]
    half_changes: tuple[Misconfigured, ...] = ()

    def table(self, name: str) -> Table:
        return self.tables[name].table if name in self.tables else self.passed[name]

    def vouched(self, hop: Hop) -> frozenset[tuple[str, str]]:
        """Pairs of a hop that a foreign key of theirs keeps equal: what its comparison takes for equal is the same row."""
        forth, back = set(hop.pairs), {(right, left) for left, right in hop.pairs}
        found = _pairs_of_keys(self.table(hop.left), self.table(hop.right), forth)
        found |= {(left, right) for right, left in _pairs_of_keys(self.table(hop.right), self.table(hop.left), back)}
        return frozenset(found)


def bind(connection: Connection, rules: Map) -> Schema:
    """The schema if the whole map fits, else Misconfigured for the first thing that does not."""
    schema = examine(connection, rules)
    if schema.problems:
        raise schema.problems[0]
    return schema


def examine(connection: Connection, rules: Map) -> Schema:
    """As `bind`, but with every problem listed instead of raised."""
    inspector = inspect(connection)
    present = sorted({*inspector.get_table_names(rules.schema), *inspector.get_view_names(rules.schema)})
    problems: list[Misconfigured] = []
    if mysql.is_one(connection) and mysql.too_old(connection):
        problems.append(rules.file.error(_("This server is too old: MariaDB 10.5 or MySQL 8.0 is needed.")))
    named: dict[str, tuple[str, ...]] = {}
    for name, section in _tables_named(rules):
        named.setdefault(name, section)
    live = _reflected(connection, rules.schema, [name for name in named if name in present])
    for name, section in named.items():
        if name not in live:
            what = _("The database has no table %(name)s. %(hint)s") % {"name": name, "hint": _hint(name, present)}
            problems.append(rules.file.error(what, section, name))
    for name, section, word in _columns_named(rules):
        if name in live and word not in live[name].columns:
            known = {"table": name, "column": word, "hint": _hint(word, [column.name for column in live[name].columns])}
            what = _("Table %(table)s has no column %(column)s. %(hint)s") % known
            problems.append(rules.file.error(what, section, word))
    if problems:
        return Schema(rules, {}, live, (), tuple(problems))
    references = tuple(_references(inspector, rules))
    tables = {name: _bound(rules, live[name], rule, references) for name, rule in rules.tables.items()}
    misfits = [misfit for bound in tables.values() for misfit in _misfits(rules, bound)]
    if connection.dialect.positional:
        misfits += [misfit for bound in tables.values() for misfit in _unspeakable(rules, bound)]
    return Schema(rules, tables, live, references, tuple(misfits), tuple(_half_changes(connection, rules)))


def _reflected(connection: Connection, schema: str | None, names: list[str]) -> dict[str, Table]:
    reflected = MetaData(schema=schema)
    if mysql.is_one(connection):
        event.listen(reflected, "column_reflect", mysql.named)
    reflected.reflect(connection, views=True, only=names, resolve_fks=False)
    if connection.dialect.name == "sqlite":
        # a SQLite column's type is a wish: reading "yesterday" from a DATETIME must not fail, so values stay as they are
        for column in (column for table in reflected.tables.values() for column in table.columns):
            column.info["declared"] = column.type
            column.type = column.type if isinstance(column.type, LargeBinary) else NullType()
    if mysql.is_one(connection):
        mysql.as_written(reflected.tables.values())
    return {table.name: table for table in reflected.tables.values()}


def _half_changes(connection: Connection, rules: Map) -> Iterator[Misconfigured]:
    sections: dict[str, tuple[str, ...]] = {name: ("tables", name) for name in rules.tables}
    if rules.consent:
        sections.setdefault(rules.consent.table, ("consent",))
    if mysql.is_one(connection):
        for name, engine in mysql.without_transactions(connection, rules.schema, sections).items():
            what = _("Table %(table)s is kept by %(engine)s, which cannot take back half a change: convert it to InnoDB.")
            yield rules.file.error(what % {"table": name, "engine": engine}, sections[name], name)


def _pairs_of_keys(child: Table, parent: Table, pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """(column of the child, of the parent) of each foreign key that says nothing beyond these pairs."""
    found: set[tuple[str, str]] = set()
    targets: dict[tuple[str | None, ...], str] = {(parent.schema, parent.name, name): name for _left, name in pairs}
    for key in child.foreign_key_constraints:
        said = {(part.parent.name, targets.get((*part.target_tokens,), "")) for part in key.elements}
        found |= said if said <= pairs else set()
    return found


def _tables_named(rules: Map) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in rules.tables.values():
        yield rule.name, ("tables", rule.name)
        for via in rule.via:
            yield from ((hop.right, ("tables", rule.name)) for hop in via.hops)
    if rules.consent:
        yield rules.consent.table, ("consent",)


def _columns_named(rules: Map) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(table, section of the map, column) for every column that the map names."""
    for rule in rules.tables.values():
        section = ("tables", rule.name)
        named: list[str] = [*rule.key, *(name for names in rule.identifiers.values() for name in names)]
        named += [*rule.columns, *rule.anonymise, *rule.keep, *rule.ignore, *rule.correctable.values()]
        if rule.hold:
            named += [*rule.hold.release, *([rule.hold.start] if rule.hold.start else [])]
        yield from ((rule.name, section, name) for name in named)
        for hop in (hop for via in rule.via for hop in via.hops):
            for left, right in hop.pairs:
                yield hop.left, section, left
                yield hop.right, section, right
    if rules.consent:
        consent = rules.consent
        general = [*consent.identifiers.values(), *([consent.changed_at] if consent.changed_at else [])]
        yield from ((consent.table, ("consent",), name) for name in general)
        for number, cell in enumerate(consent.cells, 1):
            for name in [*cell.match, *cell.set, *([cell.index] if cell.index else [])]:
                yield consent.table, ("consent", "cell", str(number)), name


def _references(inspector: Inspector, rules: Map) -> Iterator[Reference]:
    keys = inspector.get_multi_foreign_keys(rules.schema, list(rules.tables))
    for name in rules.tables:
        for key in keys.get((rules.schema, name), []):
            # no `referred_columns` on SQLite when the constraint names only the table: then it is its primary key
            parent = key["referred_table"]
            targets = key["referred_columns"] or inspector.get_pk_constraint(parent, rules.schema)["constrained_columns"]
            as_is = mysql.name if inspector.dialect.name in mysql.KINDS else str
            yield Reference(name, tuple(map(as_is, key["constrained_columns"])), parent, tuple(map(as_is, targets)))


def _bound(rules: Map, table: Table, rule: TableRule, references: Iterable[Reference]) -> Bound:
    names = rule.key or tuple(column.name for column in table.primary_key.columns)
    linking = {name for reference in references if reference.child == rule.name for name in reference.columns}
    linking |= {name for reference in references if reference.parent == rule.name for name in reference.targets}
    addresses = {(other.name, name) for other in rules.tables.values() for names in other.identifiers.values() for name in names}
    for hop in (hop for other in rules.tables.values() for via in other.via for hop in via.hops):
        for left, right in hop.pairs:
            # a join over the address itself must not save the address, on either side, from an anonymisation
            if (hop.left, left) not in addresses and (hop.right, right) not in addresses:
                linking |= {left} if hop.left == rule.name else set()
                linking |= {right} if hop.right == rule.name else set()
    linking -= {name for names in rule.identifiers.values() for name in names}
    return Bound(rule, table, tuple(table.columns[name] for name in names), frozenset(linking))


def _misfits(rules: Map, bound: Bound) -> Iterator[Misconfigured]:
    section = ("tables", bound.name)
    if not bound.key:
        what = _("Table %s has no primary key: name the columns that tell its rows apart (key).")
        yield rules.file.error(what % bound.name, section)
    for name in bound.rule.anonymise:
        if any(name == key.name for key in bound.key):
            yield rules.file.error(_("%s is the key of the row and cannot be anonymised.") % name, section, "anonymise", name)
    if bound.rule.on_erase in ("anonymise", "null") and bound.unerasable:
        what = _("These columns may not be empty, give them values in anonymise or keep them: %s.")
        yield rules.file.error(what % ", ".join(bound.unerasable), section, "on_erase")
    for name in bound.rule.hold.release if bound.rule.hold else ():
        if name not in bound.rule.anonymise and not bound.table.columns[name].nullable:
            yield rules.file.error(_("%s may not be empty: give it a value in anonymise.") % name, section, "hold", name)


def _unspeakable(rules: Map, bound: Bound) -> Iterator[Misconfigured]:
    """SQLAlchemy finds the places of values in its own statements by `%(name)s`, and would find one in such a name."""
    for name in (bound.name, *(column.name for column in bound.table.columns)):
        if re.search(r"%\([^)]*$", name):
            what = _("No statement can name %s here, because of the “%%(” in it without a “)”. Rename it, or show it in a view.")
            yield rules.file.error(what % name, ("tables", bound.name))


def _hint(wrong: str, present: list[str]) -> str:
    close = difflib.get_close_matches(wrong.lower(), [name.lower() for name in present], n=1)
    if close:
        return _("Did you mean %s?") % next(name for name in present if name.lower() == close[0])
    return _("It has: %s.") % ", ".join(present[:12])


def in_words(name: str) -> str:
    """`BillingCity`, `billing_city` → "Billing city"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", name).strip()
    return words[:1].upper() + words[1:].lower() if words else name
