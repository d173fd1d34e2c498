"""What tests/both_databases.py tells of statements that only SQLite understands."""

import asyncpg

from tests import postgresql
from tests.both_databases import not_understood

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
