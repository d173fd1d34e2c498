"""`writing()`, the only way to open a write transaction, and `reading()`, one consistent view.

SQLite: BEGIN IMMEDIATE on the one writer connection, behind a first-come-first-served lock in this process and a
file lock against other processes; tortoise's own deferred BEGIN fails with "database is locked" as soon as two
processes read and then write. PostgreSQL: a connection of the writers' pool.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tortoise import connections
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper

from portal.db.connections import is_sqlite, reader, sqlite_client, writer


class _Transaction:
    """What is known of the open write transaction: whose task it is and what to call once it is committed."""

    def __init__(self) -> None:
        self.task = asyncio.current_task()
        self.after_commit: list[Callable[[], Any]] = []


_open: ContextVar[_Transaction | None] = ContextVar("open write transaction", default=None)


class _Immediate(SqliteTransactionWrapper):
    async def begin(self) -> None:
        await self._connection.execute("BEGIN IMMEDIATE")


@asynccontextmanager
async def writing() -> AsyncIterator[None]:
    """A write transaction: commits at the end, rolls back when the block raises; inside another one it joins it."""
    outer = _open.get()
    if outer is not None:
        if outer.task is not asyncio.current_task():
            raise RuntimeError("A task was started inside a write transaction; start it after the commit.")
        yield
        return
    transaction = _Transaction()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_begin())
        token = _open.set(transaction)
        try:
            yield
        finally:
            _open.reset(token)
    for callback in transaction.after_commit:
        callback()


def in_writing() -> bool:
    return _open.get() is not None


def after_commit(callback: Callable[[], Any]) -> None:
    """Call `callback` (quick, must not raise) when the open write transaction has been committed."""
    transaction = _open.get()
    if transaction is None:
        raise RuntimeError("after_commit() belongs inside writing().")
    transaction.after_commit.append(callback)


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """Inside `writing()`: undo only this block when it raises."""
    async with connections.get("default")._in_transaction():
        yield


@asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """One consistent view over several reads, on a connection of its own. Inside `writing()` it joins it."""
    if in_writing():
        yield
        return
    if not is_sqlite(reader()):
        async with reader()._in_transaction():
            await connections.get("default").execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield
        return
    path = Path(reader().filename)  # type: ignore[attr-defined]  # only SQLite's client has it
    client = SqliteClient(**sqlite_client(path, readonly=True)["credentials"], connection_name="default")
    try:
        await client.create_connection(with_db=True)
        async with client._in_transaction():
            yield
    finally:
        await client.close()


@asynccontextmanager
async def _begin() -> AsyncIterator[None]:
    client = writer()
    if not isinstance(client, SqliteClient):
        transaction = client._in_transaction()
        _answer_to_default(transaction)
        async with transaction:
            yield
        return
    async with client._lock, _file_lock(Path(client.filename).with_suffix(".write-lock")):
        if client._connection is None:
            await client.create_connection(with_db=True)
        # The lock is taken already; tortoise's context gets one of its own.
        context = SqliteTransactionContext(_Immediate(client), asyncio.Lock())
        _answer_to_default(context)
        async with context:
            yield


def _answer_to_default(context: Any) -> None:
    """Models look up the connection named `default`: for the length of this transaction that is the writer."""
    context.connection_name = "default"
    wrapper = context.client if hasattr(context, "client") else context.connection
    wrapper.connection_name = "default"


@asynccontextmanager
async def _file_lock(path: Path) -> AsyncIterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield
        # Closing the file lets the lock go, also when this process is killed.
