"""A map that is only text yet: held against its reader and the live database, and tried on one person. No value leaves."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from portal.connectors.contract import Identifiers, Problem
from portal.connectors.sql import database, drafting, health
from portal.connectors.sql.finding import rows_of
from portal.connectors.sql.map import Map, read_all
from portal.connectors.sql.proposing import propose
from portal.connectors.sql.schema import Schema, bind
from portal.connectors.sql.survey import Survey, survey
from portal.connectors.systems import System
from portal.connectors.toml_file import Misconfigured, TomlFile
from portal.paper import _

MOST_ROWS = 2000  # of one person, in a trial
_SECONDS = 15  # for somebody who waits for a page


@dataclass(frozen=True)
class Unmapped:
    """A column that a map gives no purpose to. `share` 0 to 1, None: not looked into."""

    table: str
    column: str
    share: float | None


@dataclass(frozen=True)
class Seen:
    """A database beside a map. `problems`: why the map cannot be used; `unmapped` only where all it names is there.

    `absent`: tables that are not in the map, with how many columns and whether the proposal joins them to a person.
    """

    proposal: str
    problems: tuple[Problem, ...]
    unmapped: tuple[Unmapped, ...]
    absent: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True)
class Reached:
    """How many rows of one table a map finds, and what an erasure would do with them by the map alone."""

    table: str
    label: str
    rows: int
    on_erase: str


def see(system: System, text: str | None) -> Seen:
    """What is in the database, and how the map (None: there is none yet) fits it; raises ConnectorError."""
    rules, problems = (None, []) if text is None else read(system, text)
    with database.transaction(system, write=False) as connection:
        seen = survey(connection, rules.schema if rules else None, _SECONDS)
        database.limit_statements(connection, _SECONDS)
        schema, misfits = health.problems_of(connection, rules) if rules else (None, [])
    proposal = propose(seen)
    about_people = {each.table.name for each in proposal.tables}
    named = rules.tables if rules else {}
    absent = [(each.name, len(each.columns), each.name in about_people) for each in seen.tables if each.name not in named]
    problems += misfits
    unmapped = _unmapped(seen, schema) if schema else []
    return Seen(drafting.text_of(proposal), tuple(problems), tuple(unmapped), tuple(sorted(absent, key=lambda each: not each[2])))


def reach(system: System, text: str, identifiers: Identifiers) -> tuple[list[Reached], bool]:
    """Rows per table that the map finds for these identifiers, and whether there may be more; raises ConnectorError."""
    rules, problems = read(system, text)
    if rules is None:
        raise Misconfigured(problems[0].place, problems[0].sentence)
    with database.transaction(system, write=False) as connection:
        database.limit_statements(connection, _SECONDS)
        schema = bind(connection, rules)
        found = Counter(row.bound.name for row in rows_of(connection, schema, identifiers, MOST_ROWS))
    reached = [Reached(rule.name, rule.label, found[rule.name], rule.on_erase) for rule in rules.tables.values()]
    return reached, found.total() >= MOST_ROWS


def read(system: System, text: str) -> tuple[Map | None, list[Problem]]:
    """As the portal reads the file; None where it could not be used."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / (system.map.name or "map.toml")
        path.write_bytes(text.encode())
        try:
            rules, faults = read_all(TomlFile(path))
        except Misconfigured as problem:
            return None, [Problem(problem.place, problem.what)]
        except RecursionError:
            return None, [Problem(path.name, _("Brackets stand inside brackets too many times."))]
    return (None if faults else rules), [Problem(each.place, each.what) for each in faults]


def _unmapped(seen: Survey, schema: Schema) -> list[Unmapped]:
    tables = {table.name: {column.name: column.filled for column in table.columns} for table in seen.tables}
    found = [(bound.name, name) for bound in schema.tables.values() for name in bound.unpurposed]
    return [Unmapped(table, column, tables.get(table, {}).get(column)) for table, column in found]
