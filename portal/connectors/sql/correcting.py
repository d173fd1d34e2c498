"""Writing corrected values and proving it by reading them again before the commit (GDPR Art. 16).

Generic field names (email, phone, name …) are mapped to columns by `correctable`. Which rows change is said with the
request; without that every row of the person's, except that where the column is an identifier only rows that carry the
known one change: a second address stays. A mismatch rolls everything back; so does a value that is no longer the one that
was decided about. `database.transaction` sees to it that nobody writes between reading and writing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from portal.connectors.contract import Change, ConnectorError, Identifiers, Key, Outcome, RowName, as_text
from portal.connectors.sql import rows
from portal.connectors.sql.finding import Row, RowId, rows_of
from portal.connectors.sql.schema import Schema
from portal.connectors.sql.values import alike, freeze, shown, written_forms
from portal.paper import _


@dataclass(frozen=True)
class _Edit:
    """One column of one row, by the field that asked for it, and the value as the column keeps it."""

    row: Row
    column: str
    field: str
    wanted: Any


def correct(
    connection: Connection,
    schema: Schema,
    identifiers: Identifiers,
    changes: Mapping[str, str | None],
    chosen: Mapping[str, Sequence[RowName]] | None = None,
) -> Outcome:
    """Write and re-read; `changed` names every value, old and new. Fields that no table of the map takes are `missing`."""
    known = {name for bound in schema.tables.values() for name in bound.rule.correctable}
    found = rows_of(connection, schema, identifiers)
    # All values are turned into their columns' types here: one that does not fit stops before anything is written.
    if chosen is None:
        edits = list(_everywhere(schema, found, identifiers, changes))
    else:
        edits = list(_in_rows(connection, schema, found, changes, chosen))
    by_row: dict[RowId, list[_Edit]] = {}
    for edit in edits:
        by_row.setdefault(edit.row.id, []).append(edit)
    for together in by_row.values():
        row = together[0].row
        rows.claim(connection, row.bound, [row.key])
        if rows.overwrite(connection, row.bound, row.key, {edit.column: edit.wanted for edit in together}) != 1:
            raise _not_written(row.bound.rule.label)
    changed = [change for together in by_row.values() for change in _re_read(connection, together)]
    missing = tuple(name for name in changes if name not in known)
    return Outcome(done=not missing, changed=tuple(changed), missing=missing)


def _everywhere(schema: Schema, found: list[Row], identifiers: Identifiers, changes: Mapping[str, str | None]) -> Iterator[_Edit]:
    for row in found:
        for name, column in row.bound.rule.correctable.items():
            if name in changes and _concerned(row, column, found, identifiers, schema.map.region):
                yield _edit(row, column, name, changes[name])


def _in_rows(
    connection: Connection,
    schema: Schema,
    found: list[Row],
    changes: Mapping[str, str | None],
    chosen: Mapping[str, Sequence[RowName]],
) -> Iterator[_Edit]:
    mine = {(row.bound.name, rows.name_of(row.key)): row for row in found}
    for name, new in changes.items():
        for each in chosen.get(name, ()):
            bound = rows.bound_table(schema.tables, each.table, schema.map.file.path.name)
            column = bound.rule.correctable.get(name)
            if column is None:
                what = _("%(table)s no longer takes corrections of %(field)s. Nothing was changed.")
                raise ConnectorError(what % {"table": bound.rule.label, "field": name}, permanent=True)
            row = mine.get((each.table, rows.name_of(each.key)))
            if row is not None:
                edit = _edit(row, column, name, new)
                _refuse_another_value(edit, each.held)
                yield edit
                continue
            # A corrected address no longer leads to its row: found written already, all is well.
            wanted = rows.written(bound.table, column, new)
            for key in (each.key, _key_after(each.key, {column: wanted})):
                there = rows.present(connection, bound, [key]).get(rows.name_of(key))
                if there is not None and alike(there[column], wanted):
                    yield _edit(Row(bound, there), column, name, new)
                    break
            else:
                what = _("%s: what was to be corrected is no longer there under this person. Nothing was changed.")
                raise ConnectorError(what % bound.rule.label, permanent=True)


def _refuse_another_value(edit: _Edit, held: str | None) -> None:
    """Somebody changed it after it was decided about: what is right now is for a person to say. Already written is fine."""
    there = edit.row.values[edit.column]
    if held is not None and as_text(shown(there)) != held and not alike(there, edit.wanted):
        what = _("%(table)s: %(field)s was changed there after this correction was decided. Nothing was written.")
        raise ConnectorError(what % {"table": edit.row.bound.rule.label, "field": edit.field}, permanent=True)


def _edit(row: Row, column: str, field: str, new: str | None) -> _Edit:
    return _Edit(row, column, field, rows.written(row.bound.table, column, new))


def _re_read(connection: Connection, together: list[_Edit]) -> Iterator[Change]:
    """What the database kept of one row, inside the same transaction; raises, and so rolls back, when it is something else."""
    row = together[0].row
    key = _key_after(row.key, {edit.column: edit.wanted for edit in together})
    there = rows.present(connection, row.bound, [key]).get(rows.name_of(key))
    for edit in together:
        if there is None or not alike(there[edit.column], edit.wanted):
            raise _not_written(row.bound.rule.label)
        old, new = shown(row.values[edit.column]), shown(there[edit.column])
        yield Change(row.bound.name, row.key, edit.column, edit.field, old, new)


def _key_after(key: Key, wanted: Mapping[str, Any]) -> Key:
    """The corrected value may itself be a part of the row's key."""
    return {name: freeze(wanted[name]) if name in wanted else value for name, value in key.items()}


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
