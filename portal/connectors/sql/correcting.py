"""Writing corrected values and proving it by reading them again (GDPR Art. 16).

Generic field names (email, phone, name …) are mapped to columns by `correctable`. Where a person has several rows in
a table and the column is an identifier, only rows that carry the known identifier change: a second address stays.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from portal.connectors.contract import Change, ConnectorError, Identifiers, Outcome
from portal.connectors.sql import rows
from portal.connectors.sql.finding import Row, rows_of
from portal.connectors.sql.schema import Schema
from portal.connectors.sql.values import alike, shown, written_forms
from portal.paper import _


def correct(connection: Connection, schema: Schema, identifiers: Identifiers, changes: Mapping[str, str | None]) -> Outcome:
    """Write; `changed` names every row, old and new. Fields that no table of the map takes are `missing`."""
    known = {name for bound in schema.tables.values() for name in bound.rule.correctable}
    changed: list[Change] = []
    for row in (found := rows_of(connection, schema, identifiers)):
        new = {
            column: (name, changes[name])
            for name, column in row.bound.rule.correctable.items()
            if name in changes and _concerned(row, column, found, identifiers, schema.map.region)
        }
        if new and rows.overwrite(connection, row.bound, row.key, {column: value for column, (_name, value) in new.items()}) != 1:
            raise _not_written(row.bound.rule.label)
        for column, (name, value) in new.items():
            changed.append(Change(row.bound.name, row.key, column, name, shown(row.values[column]), value))
    missing = tuple(name for name in changes if name not in known)
    return Outcome(done=not missing, changed=tuple(changed), missing=missing)


def prove(connection: Connection, schema: Schema, outcome: Outcome) -> Outcome:
    """The same outcome with `new` as re-read; raises when the database did not keep what was written."""
    proven = []
    for change in outcome.changed:
        bound = rows.bound_table(schema.tables, change.table, schema.map.file.path.name)
        there = rows.present(connection, bound, [change.key]).get(rows.name_of(change.key))
        wanted = rows.fitting(bound.table, change.column, change.new)
        if there is None or not alike(there[change.column], wanted):
            raise _not_written(bound.rule.label)
        proven.append(replace(change, new=shown(there[change.column])))
    return replace(outcome, changed=tuple(proven))


def _concerned(row: Row, column: str, found: list[Row], identifiers: Identifiers, region: str | None) -> bool:
    kinds = [kind for kind, names in row.bound.rule.identifiers.items() if column in names and identifiers.get(kind)]
    alike = [other for other in found if other.bound is row.bound]
    if not kinds or len(alike) == 1:
        return True
    carriers = [other for other in alike if _carries(other, column, kinds[0], identifiers, region)]
    return row in carriers or not carriers


def _carries(row: Row, column: str, kind: str, identifiers: Identifiers, region: str | None) -> bool:
    wanted = {form for value in identifiers[kind] for form in written_forms(kind, value, region)}
    return bool(wanted & written_forms(kind, str(row.values[column]), region))


def _not_written(label: str) -> ConnectorError:
    return ConnectorError(_("%s: re-reading shows another value than the corrected one.") % label, permanent=True)
