"""Models say what the migrated database says, on both databases; and nothing about a person stands there in clear."""

import re

from tortoise import Tortoise

from portal import db
from portal.settings import HOME
from tests.conftest import House, on_both

PERSONAL = r"(?:.*_)?(?:name|email|phone|address|street|city|postcode|birth\w*|value|text|body|message|words|device|ip)"
# Columns in clear whose name sounds personal, and what they hold instead.
NOT_PERSONAL = {
    "throttle.name": "a purpose and a blind key or a network",
    "edition.name": "newsletter@7/en",
    "case_file.right_name": "access, rectification, erasure",
    "case_finding.table_name": "a table of a connected system",
    "reply.body": "a machine's answer, kept for two days; it names ids",
}


@on_both
async def test_models_have_the_columns_of_the_migrated_database(house: House) -> None:
    wrong = []
    for name, model in sorted(Tortoise.apps["portal"].items()):
        stored = await _columns(model._meta.db_table, house.settings.is_sqlite)
        modelled = {
            field.source_field or key: bool(field.null)
            for key, field in model._meta.fields_map.items()
            if key in model._meta.fields_db_projection
        }
        if stored != modelled:
            wrong.append(f"{name}: {sorted(set(stored.items()) ^ set(modelled.items()))}")
    assert wrong == []


@on_both
async def test_both_databases_have_the_same_tables_and_columns(house: House) -> None:
    written = _written_columns()
    assert written
    for table, columns in written.items():
        assert set(await _columns(table, house.settings.is_sqlite)) == set(columns)


def test_a_column_about_a_person_is_sealed() -> None:
    clear = [
        f"{table}.{column}"
        for table, columns in _written_columns().items()
        for column, kind in columns.items()
        if kind == "TEXT" and re.fullmatch(PERSONAL, column)
    ]
    assert sorted(clear) == sorted(NOT_PERSONAL)


def test_columns_have_one_of_three_types() -> None:
    assert {kind for columns in _written_columns().values() for kind in columns.values()} == {"TEXT", "BIGINT", "BLOB"}


async def _columns(table: str, is_sqlite: bool) -> dict[str, bool]:
    """Column → whether it may be empty."""
    if is_sqlite:
        found = await db.rows(f"SELECT name, \"notnull\" AS filled, pk FROM pragma_table_info('{table}')")
        return {each["name"]: not each["filled"] and not each["pk"] for each in found}
    found = await db.rows(
        "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ?", table
    )
    return {each["column_name"]: each["is_nullable"] == "YES" for each in found}


def _written_columns() -> dict[str, dict[str, str]]:
    """Table → column → type, as the migrations write them."""
    text = "\n".join(file.read_text() for file in sorted((HOME / "migrations").glob("*.sql")))
    tables: dict[str, dict[str, str]] = {}
    for table, body in re.findall(r"(?ms)^CREATE TABLE (\w+) \(\n(.*?)^\);", text):
        tables[table] = dict(re.findall(r"(?m)^  (\w+) +(TEXT|BIGINT|BLOB|[A-Z]{3,})\b(?! KEY)(?! \()", body))
    for table, column, kind in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+) (\w+)", text):
        tables[table][column] = kind
    return tables
