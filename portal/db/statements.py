"""Plain SQL for where models would be in the way. `?` marks a value on both databases.

The statements use the connection of the moment: inside `writing()` or `reading()` that transaction, else a reader.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tortoise import connections

from portal.db.connections import is_sqlite

A_DAY = 86_400.0

Question = tuple[str, Sequence[Any]]


async def rows(sql: str, *values: Any) -> list[dict[str, Any]]:
    client = connections.get("default")
    found: list[dict[str, Any]] = await client.execute_query_dict(_for(client, sql), list(values))
    return found


async def tuples(sql: str, *values: Any) -> Sequence[Sequence[Any]]:
    """The rows without names, for long lists where a dict of each would cost more than reading it."""
    client = connections.get("default")
    found: Sequence[Sequence[Any]] = (await client.execute_query(_for(client, sql), list(values)))[1]
    return found


async def row(sql: str, *values: Any) -> dict[str, Any] | None:
    found = await rows(sql, *values)
    return found[0] if found else None


def through(index: str) -> str:
    """Behind a table's name: the index to read it by, where SQLite's planner would take another one and sort every row it
    finds. PostgreSQL's knows from its statistics how many there are.
    """
    return f"INDEXED BY {index}" if is_sqlite(connections.get("default")) else ""


async def several(questions: Sequence[Question]) -> list[list[dict[str, Any]]]:
    """The rows of several questions, for each in order; on SQLite in one trip to the database's thread."""
    client = connections.get("default")
    if not is_sqlite(client):
        return [await rows(sql, *values) for sql, values in questions]
    async with client.acquire_connection() as connection:
        found: list[list[dict[str, Any]]] = await connection._execute(_all, connection, questions)
        return found


async def run(sql: str, *values: Any) -> int:
    """Run a statement that changes rows; says how many. Only inside `writing()`."""
    client = connections.get("default")
    if is_sqlite(client) or not sql.lstrip().upper().startswith("INSERT"):
        changed: int = (await client.execute_query(_for(client, sql), list(values)))[0]
        return changed
    # PostgreSQL answers an insert with "INSERT 0 n", of which tortoise reads the 0.
    async with client.acquire_connection() as connection:
        status: str = await connection.execute(_for(client, sql), *values)
        return int(status.rsplit(" ", 1)[1])


async def run_however_long(sql: str) -> None:
    """Run a statement that changes the schema: an index over a million rows outlasts PostgreSQL's usual five seconds."""
    client = connections.get("default")
    if is_sqlite(client):
        await client.execute_query(sql)
        return
    async with client.acquire_connection() as connection:
        await connection.execute(sql, timeout=A_DAY)


async def many(sql: str, values: list[tuple[Any, ...]]) -> None:
    """Run one statement for many value lists, perhaps none. Only inside `writing()`."""
    if not values:
        return
    client = connections.get("default")
    await client.execute_many(_for(client, sql), [list(each) for each in values])


def _all(connection: Any, questions: Sequence[Question]) -> list[list[dict[str, Any]]]:
    return [[dict(row) for row in connection._execute_fetchall(sql, values)] for sql, values in questions]


def _for(client: Any, sql: str) -> str:
    return sql if is_sqlite(client) else _numbered(sql)


@lru_cache(maxsize=1000)
def _numbered(sql: str) -> str:
    first, *others = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
