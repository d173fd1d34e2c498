"""What tests/both_databases.py tells of statements that only SQLite understands, and of those that it answers slowly."""

from pathlib import Path

import asyncpg

from tests import postgresql
from tests.both_databases import not_understood, sorted_portions

GOOD = ("SELECT id FROM entry WHERE id = ? AND recorded_at > ? ORDER BY id LIMIT ?", ["str", "int", "int"])
BAD = {
    "does not exist": ("SELECT id FROM entry WHERE is_gone = ?", ["int"]),
    "syntax error": ("INSERT OR IGNORE INTO entry (id) VALUES (?)", ["str"]),
    "value 2 is int, PostgreSQL wants text": ("UPDATE entry SET recorded_at = ? WHERE id = ?", ["int", "int"]),
}


async def test_a_statement_or_a_value_that_postgresql_would_refuse_is_named(postgresql_databases: postgresql.Databases) -> None:
    address = postgresql_databases.take()
    connection = await asyncpg.connect(address)
    told = [each async for each in not_understood(connection, [GOOD, *BAD.values()])]
    await connection.close()
    postgresql_databases.give_back(address)
    assert len(told) == len(BAD)
    assert all(reason in each and BAD[reason][0] in each for reason, each in zip(BAD, told, strict=True))


def test_a_portion_that_is_sorted_out_of_everything_is_named(migrated_sqlite: Path) -> None:
    waiting = "SELECT id FROM job WHERE state IN ('waiting', 'running') AND due_at <= ? ORDER BY due_at LIMIT 1"
    notes = "SELECT n.id FROM suppression AS n WHERE n.kind = ? AND n.id > ? ORDER BY n.id LIMIT ?"
    quick = [
        waiting.replace("job", "job INDEXED BY job_due"),
        notes.replace("AS n", "AS n INDEXED BY sqlite_autoindex_suppression_1"),
        "SELECT id FROM decision WHERE identifier IN (?, ?) ORDER BY id DESC LIMIT ?",
        "SELECT id FROM case_filter WHERE officer = ? ORDER BY made_at LIMIT ?",
    ]
    assert [each.rpartition(": ")[2] for each in sorted_portions(migrated_sqlite, [*quick, waiting, notes])] == [waiting, notes]
