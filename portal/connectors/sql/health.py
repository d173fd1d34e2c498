"""Whether a database still is what its map says, and which columns nobody gave a purpose to (GDPR Art. 5(1)(b), 30)."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, inspect, select

from portal.connectors.contract import Health, Problem, Unpurposed
from portal.connectors.sql import singling
from portal.connectors.sql.map import Map
from portal.connectors.sql.schema import Bound, Schema, examine
from portal.paper import _


def check(connection: Connection, rules: Map) -> Health:
    schema, problems = problems_of(connection, rules)
    problems += _telling(connection, schema)
    filled = [each for bound in schema.tables.values() for each in _filled(connection, bound)]
    return Health(not problems, tuple(problems), tuple(filled))


def problems_of(connection: Connection, rules: Map) -> tuple[Schema, list[Problem]]:
    """The map bound to the live schema, and all that does not fit. It counts nothing."""
    schema = examine(connection, rules)
    problems = [Problem(misfit.place, misfit.what) for misfit in (*schema.problems, *schema.half_changes)]
    return schema, [*problems, *_stuck(schema), *_forgotten(connection, schema)]


def _stuck(schema: Schema) -> Iterator[Problem]:
    """Rows that are to be deleted, held rows point at them, and they cannot be emptied either."""
    for reference in schema.references:
        child, parent = schema.tables[reference.child], schema.tables.get(reference.parent)
        if child.rule.hold and parent and not parent.rule.hold and parent.rule.on_erase == "delete" and parent.unerasable:
            what = _("Held rows of %(child)s point at %(parent)s: give anonymise values for %(columns)s.")
            known = {"child": child.name, "parent": parent.name, "columns": ", ".join(parent.unerasable)}
            yield Problem(schema.map.file.place(("tables", parent.name), "on_erase"), what % known)


def _telling(connection: Connection, schema: Schema) -> Iterator[Problem]:
    """Tables whose rows would be deleted more often than made anonymous: what stays of them says whose they were."""
    for bound in schema.tables.values():
        if bound.rule.on_erase == "anonymise" and bound.kept and singling.mostly(connection, bound):
            what = _("In %(table)s most rows are the only ones with their %(columns)s: keep less, or they are deleted instead.")
            known = {"table": bound.name, "columns": ", ".join(bound.kept)}
            yield Problem(schema.map.file.place(("tables", bound.name), "keep"), what % known)


def _forgotten(connection: Connection, schema: Schema) -> Iterator[Problem]:
    """Tables outside the map that point at rows to be deleted: they may hold personal data, and they block deleting."""
    inspector = inspect(connection)
    for table in inspector.get_table_names(schema.map.schema) if schema.tables else []:
        if table in schema.tables:
            continue
        for key in inspector.get_foreign_keys(table, schema.map.schema):
            parent = schema.tables.get(key["referred_table"])
            if parent and parent.rule.on_erase == "delete":
                what = _("Table %(table)s points at %(parent)s but is not in the map.")
                place = schema.map.file.place(("tables", parent.name))
                yield Problem(place, what % {"table": table, "parent": parent.name})


def _filled(connection: Connection, bound: Bound) -> Iterator[Unpurposed]:
    names = bound.unpurposed
    if names:
        counts = [func.count(bound.table.columns[name]) for name in names]
        total, *filled = connection.execute(select(func.count(), *counts).select_from(bound.table)).one()
        yield from (Unpurposed(bound.name, name, count, total) for name, count in zip(names, filled, strict=True))
