"""`pytest -p tests.both_databases`: what SQLite was asked is shown to PostgreSQL, when all tests are done.

Most tests of rooms run on PostgreSQL in `make deep` alone. So that no statement is found there first that PostgreSQL does not
understand, each one that `portal.db` was given on SQLite is prepared on a migrated PostgreSQL, and the values that came with it
are held against the types that it wants: asyncpg sends no number as a text. Of each portion that is taken out of a table that
grows for ever, SQLite says how: whoever sorts a million rows for each five hundred holds everybody up.
"""

import asyncio
import re
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import aiosqlite
import asyncpg
import pytest

from portal.db import statements
from tests import postgresql

# What only SQLite is asked, behind `is_sqlite`.
ONLY_SQLITE = re.compile(r"\s*PRAGMA |.*\bsqlite_master\b|\s*VACUUM\b", re.DOTALL)
TAKES = {
    "int": {"int2", "int4", "int8", "numeric", "float8"},
    "float": {"float4", "float8", "numeric"},
    "str": {"text", "varchar", "name"},
    "bytes": {"bytea"},
    "bool": {"bool", "int8"},
}
# Tables that grow with the people and with what they do, and portions of them that are sorted for one person or request alone.
GROWING = {"entry", "leaf", "tile", "data_key", "blob", "blob_chunk", "job", "message", "subject", "identifier", "link"}
GROWING |= {"suppression", "hashed_list", "decision", "permission", "stop", "pause", "case_file", "delivery", "reply"}
OF_ONE = re.compile(r"[ .](identifier|subject|holder|case_id|batch|event) (= \?|IN \()")
_SORTS = "USE TEMP B-TREE FOR ORDER BY"
_READS = re.compile(r"(?:SCAN|SEARCH) (\w+)")
_HINT = re.compile(r" INDEXED BY \w+")  # which `db.through` gives to SQLite alone
_ROWS = re.compile(r"(\([^()]*\))(?:,\s*\1)+")
_LIST = re.compile(r"\?(?:,\s*\?)+")

Asked = tuple[str, list[str]]  # a statement, and the types of its values

ours: set[str] = set()
asked: dict[str, Asked] = {}  # by shape
problems: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    usual, at_once = statements._for, statements._all

    def told(client: Any, sql: str) -> str:
        if _asked_by_the_portal():
            ours.add(sql)
        return usual(client, sql)

    def told_at_once(connection: Any, questions: Sequence[statements.Question]) -> list[list[dict[str, Any]]]:
        ours.update(sql for sql, _values in questions)  # no test asks several at once
        return at_once(connection, questions)

    statements._for, statements._all = told, told_at_once
    _listen()


def _asked_by_the_portal() -> bool:
    """Not by a test itself, which may damage a SQLite database in words of its own."""
    frame: FrameType | None = sys._getframe(1)
    while frame and frame.f_globals["__name__"] in ("portal.db.statements", __name__):
        frame = frame.f_back
    return frame is not None and frame.f_globals["__name__"].startswith("portal.")


def _listen() -> None:
    fetchall, many = aiosqlite.Connection._execute_fetchall, aiosqlite.Connection.executemany

    def listening(self: aiosqlite.Connection, sql: str, values: Any) -> Iterable[Any]:
        _note(sql, values or ())
        return fetchall(self, sql, values)

    def listening_to_many(self: aiosqlite.Connection, sql: str, values: Any) -> Any:
        _note(sql, values[0] if values else ())
        return many(self, sql, values)

    aiosqlite.Connection._execute_fetchall = listening  # type: ignore[method-assign,assignment]
    aiosqlite.Connection.executemany = listening_to_many  # type: ignore[method-assign]


def _note(sql: str, values: Sequence[Any]) -> None:
    if sql in ours and (shape := _shape(sql)) not in asked and not ONLY_SQLITE.match(sql):
        asked[shape] = (sql, [type(value).__name__ for value in values])


def _shape(sql: str) -> str:
    """The same for one value in a list and for many."""
    return _LIST.sub("?", _ROWS.sub(r"\1", sql))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    for shape, (sql, types) in getattr(node, "workeroutput", {}).get("asked", {}).items():
        asked[shape] = (sql, list(types))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["asked"] = asked
    elif asked:
        problems.extend(_problems())
        if problems and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if asked:
        terminalreporter.ensure_newline()
        terminalreporter.write_line(f"{len(asked)} statements shown to PostgreSQL, {len(problems)} not understood")
        for each in problems:
            terminalreporter.write_line(each)


def _problems() -> list[str]:
    from tests.conftest import migrated_databases, migrated_file  # which pytest loads after its plugins

    with tempfile.TemporaryDirectory() as folder, postgresql.server() as server:
        with migrated_databases(server, Path(folder)) as databases:
            found = asyncio.run(_prepared(databases.take()))
        return found + list(sorted_portions(migrated_file(Path(folder)), [sql for sql, _types in asked.values()]))


async def _prepared(address: str) -> list[str]:
    connection = await asyncpg.connect(address)
    try:
        return [each async for each in not_understood(connection, asked.values())]
    finally:
        await connection.close()


async def not_understood(connection: Any, statements_with_types: Iterable[Asked]) -> AsyncIterator[str]:
    """A sentence for each statement that PostgreSQL cannot prepare, and for each value of a type it would not take."""
    for sql, types in statements_with_types:
        try:
            wanted = (await connection.prepare(statements._numbered(_HINT.sub("", sql)))).get_parameters()
        except asyncpg.PostgresError as problem:
            yield f"{problem}: {sql}"
            continue
        for number, (given, kind) in enumerate(zip(types, wanted, strict=True), 1):
            if given != "NoneType" and kind.name not in TAKES.get(given, {kind.name}):
                yield f"value {number} is {given}, PostgreSQL wants {kind.name}: {sql}"


def sorted_portions(file: Path, asked: Iterable[str]) -> Iterator[str]:
    """A sentence for each statement by which SQLite sorts a table that grows for ever, to take some rows of it."""
    connection = sqlite3.connect(file)
    for sql in asked:
        if "LIMIT" not in sql or OF_ONE.search(sql):
            continue
        plan = [str(each[3]) for each in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?"))]
        read = next((found[1] for each in plan if (found := _READS.match(each))), "")
        named = re.search(rf"(?:FROM|JOIN) (\w+) (?:AS )?{read}\b", sql)
        if _SORTS in plan and GROWING & {read, named[1] if named else ""}:
            yield f"sorted for each portion ({'; '.join(plan)}): {sql}"
    connection.close()
