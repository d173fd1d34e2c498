"""The map of a SQL database, read from TOML: tables, identifiers, joins, labels, and what an erasure does.

Short on purpose: a sample shop takes under 40 lines. Only the shape is checked here, with file and line; schema.py
holds it against the live database. docs/integrate.md explains each key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.connectors.contract import Action, Cell, Value
from portal.connectors.sql import joins
from portal.connectors.sql.joins import Via
from portal.connectors.sql.reading import Section
from portal.connectors.sql.retention import Hold, read_hold
from portal.connectors.toml_file import Misconfigured, TomlFile
from portal.paper import _

ACTIONS: tuple[Action, ...] = ("delete", "anonymise", "null", "keep")


@dataclass(frozen=True)
class ColumnRule:
    """What a column is called in plain words; `identifies`: it proves whose row this is; `means`: the field that it holds."""

    label: str
    category: str
    identifies: bool
    means: str = ""


@dataclass(frozen=True)
class TableRule:
    """One [tables.X] of the map."""

    name: str
    label: str
    category: str
    on_erase: Action
    key: tuple[str, ...]
    identifiers: dict[str, list[str]]
    via: tuple[Via, ...]
    columns: dict[str, ColumnRule]
    anonymise: dict[str, Value]
    keep: tuple[str, ...]
    ignore: tuple[str, ...]
    correctable: dict[str, str]
    hold: Hold | None


@dataclass(frozen=True)
class CellRule:
    """Where one cell stands: rows that `match`, whose columns get (yes, no) of `set`."""

    cell: Cell
    match: dict[str, Value]
    set: dict[str, tuple[Value, Value]]
    index: str | None


@dataclass(frozen=True)
class ConsentRule:
    """The [consent] section: the table that remembers what people agreed to."""

    table: str
    identifiers: dict[str, str]
    changed_at: str | None
    insert: bool
    cells: tuple[CellRule, ...]


@dataclass(frozen=True)
class Map:
    """A whole map; `file` knows the lines."""

    file: TomlFile
    schema: str | None
    region: str | None
    tables: dict[str, TableRule]
    consent: ConsentRule | None = field(default=None)


def read(path: Path) -> Map:
    """The map in a file; raises Misconfigured naming file and line."""
    rules, faults = read_all(TomlFile(path))
    if faults:
        raise faults[0]
    return rules


def read_all(file: TomlFile) -> tuple[Map, list[Misconfigured]]:
    """As far as it can be read, and the first fault of each of its parts; with a fault nobody may use it."""
    faults: list[Misconfigured] = []
    top, tables, consent = Section(file, (), file.values), {}, None
    schema = region = None
    with _noting(faults):
        top.only("schema", "region", "tables", "consent")
        schema, region = top.text("schema"), top.text("region")
    with _noting(faults):
        for name, entry in top.table("tables").items():
            with _noting(faults):
                tables[name] = _table(Section(file, ("tables", name), entry))
    for rule in tables.values() if not faults else ():  # a table that could not be read is not one that is missing
        with _noting(faults):
            _check_links(file, rule, tables)
    with _noting(faults):
        section = Section(file, ("consent",), top.table("consent"))
        consent = _consent(section) if section.data else None
    return Map(file, schema, region, tables, consent), faults


@contextmanager
def _noting(faults: list[Misconfigured]) -> Iterator[None]:
    try:
        yield
    except Misconfigured as problem:
        faults.append(problem)


def _table(at: Section) -> TableRule:
    at.only(
        *("label", "category", "on_erase", "key", "identifiers", "via", "columns"),
        *("anonymise", "keep", "ignore", "correctable", "hold"),
    )
    category = at.needed("category")
    identifiers = {kind: _names(at, "identifiers", names) for kind, names in at.table("identifiers").items()}
    rule = TableRule(
        name=at.path[-1],
        label=at.needed("label"),
        category=category,
        on_erase=at.one_of("on_erase", ACTIONS),
        key=at.texts("key"),
        identifiers=identifiers,
        via=tuple(_via(at, text) for text in at.texts("via")),
        columns={
            name: _column(at, name, entry, category, any(name in names for names in identifiers.values()))
            for name, entry in at.table("columns").items()
        },
        anonymise=at.values("anonymise"),
        keep=at.texts("keep"),
        ignore=at.texts("ignore"),
        correctable=at.text_table("correctable"),
        hold=read_hold(at),
    )
    if rule.on_erase == "keep" and rule.hold is None:
        raise at.error(_("What is kept needs a hold with the law that demands it."), "on_erase")
    if rule.on_erase == "keep" and rule.hold and (rule.hold.start or rule.hold.like):
        raise at.error(_("This hold ends: say what happens then, delete, anonymise or null."), "on_erase")
    if not rule.identifiers and not rule.via:
        raise at.error(_("Nothing says whose rows these are: give identifiers or via."))
    return rule


def _column(at: Section, name: str, entry: object, category: str, identifies: bool) -> ColumnRule:
    """A label alone, or a section; identifier columns identify unless the map says no (a shared address)."""
    if isinstance(entry, str):
        return ColumnRule(entry, category, identifies)
    inner = Section(at.file, (*at.path, "columns", name), entry)
    inner.only("label", "category", "identifies", "field")
    return ColumnRule(
        inner.needed("label"),
        inner.text("category") or category,
        inner.flag("identifies", default=identifies),
        inner.text("field") or "",
    )


def _names(at: Section, key: str, names: object) -> list[str]:
    found = [names] if isinstance(names, str) else names
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise at.error(_("%s must name columns, in quotes.") % key, key)
    return found


def _via(at: Section, text: str) -> Via:
    try:
        return joins.parse(at.path[-1], text)
    except joins.NotAJoin as problem:
        what = _('%s is no join. A join reads "Child.ParentId = Parent.Id", from this table to the one it hangs on.')
        raise at.error(what % problem.at, "via") from problem


def _check_links(file: TomlFile, rule: TableRule, tables: Mapping[str, TableRule]) -> None:
    section = ("tables", rule.name)
    for via in rule.via:
        if via.goal not in tables:
            what = _("The join ends at %s, which is not in this map.")
            raise file.error(what % via.goal, section, "via", via.goal)
    follower, seen = rule, {rule.name}
    while follower.hold and follower.hold.like:
        like = follower.hold.like
        if like not in {via.goal for via in follower.via}:
            raise file.error(_("No join of this table ends at %s.") % like, section, "hold")
        follower = tables[like]
        if follower.hold is None or like in seen:
            raise file.error(_("%s has no hold of its own.") % like, section, "hold")
        seen.add(like)


def _consent(at: Section) -> ConsentRule:
    at.only("table", "identifiers", "index", "changed_at", "insert", "cell")
    entries = at.data.get("cell", [])
    if not isinstance(entries, list) or not entries:
        raise at.error(_("Name at least one [[consent.cell]]."))
    cells = [
        _cell(Section(at.file, ("consent", "cell", str(number)), entry), at.text("index"))
        for number, entry in enumerate(entries, 1)
    ]
    _check_cells(at, cells)
    identifiers = at.text_table("identifiers")
    if not identifiers:
        raise at.error(_("Say in which column the address stands: identifiers."))
    return ConsentRule(
        table=at.needed("table"),
        identifiers=identifiers,
        changed_at=at.text("changed_at"),
        insert=at.flag("insert", default=True),
        cells=tuple(cells),
    )


def _cell(at: Section, index: str | None) -> CellRule:
    at.only("purpose", "channel", "topic", "match", "set", "index")
    cell = Cell(at.needed("purpose"), at.needed("channel"), at.text("topic") or "")
    answers: dict[str, tuple[Value, Value]] = {}
    for column, pair in at.table("set").items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise at.error(_("%s needs two values: for yes and for no.") % column, "set", column)
        answers[column] = (_value(at, column, pair[0]), _value(at, column, pair[1]))
    if not answers:
        raise at.error(_("Say which column is set: set."))
    return CellRule(cell, at.values("match"), answers, at.text("index") or index)


def _value(at: Section, column: str, value: Any) -> Value:
    if isinstance(value, str | int | float):
        return value
    raise at.error(_("%s must be a text, a number, true or false.") % column, column)


def _check_cells(at: Section, cells: list[CellRule]) -> None:
    """Two cells in the same row must not share the column that remembers the log index: one would hide the other."""
    for number, cell in enumerate(cells, 1):
        for other in cells[: number - 1]:
            section = ("consent", "cell", str(number))
            if other.cell == cell.cell:
                raise at.file.error(_("This cell stands here twice."), section, "purpose")
            if cell.index and cell.index == other.index and cell.match == other.match:
                raise at.file.error(_("Two cells in one row need an index column each."), section, "index")
