"""What a person may take along: what they gave us or what came of their use, not what we concluded or wrote (GDPR Art. 20(1)).

The package holds it as JSON with its schema and as CSV; WP242 rev.01 p. 9-11 for what belongs to it.
"""

from dataclasses import replace

from portal.cases import own_data
from portal.cases.snapshot import Category, System, Table

OURS = ("message", "case_file")


def provided(systems: tuple[System, ...]) -> tuple[System, ...]:
    """The same systems without what is not the person's to take along; every system stays named as searched."""
    return tuple(replace(each, categories=_categories(each)) for each in systems)


def _categories(system: System) -> tuple[Category, ...]:
    kept = (replace(each, tables=_tables(system, each)) for each in system.categories if not each.name.startswith("inferred"))
    return tuple(each for each in kept if each.tables)


def _tables(system: System, category: Category) -> tuple[Table, ...]:
    tables = [each for each in category.tables if system.name != own_data.NAME or each.name not in OURS]
    rows = [
        (each, tuple(replace(row, fields=tuple(f for f in row.fields if not f.inferred)) for row in each.rows)) for each in tables
    ]
    return tuple(replace(table, rows=found) for table, found in rows)
