"""`writing()`, the only way to open a write transaction, and `reading()`, one consistent view.

SQLite: BEGIN IMMEDIATE on the one writer connection, behind a first-come-first-served lock in this process and a
file lock against other processes; tortoise's own deferred BEGIN fails with "database is locked" as soon as two
processes read and then write. PostgreSQL: a connection of the writers' pool.
"""

import asyncio
import fcntl
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tortoise import connections
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connections

from portal.db import disk
from portal.db.connections import drop, open_writer, reader, sqlite_client, writer
from portal.db.trouble import OutcomeUnknown, trouble


class _Transaction:
    """What is known of the open write transaction: whose it is and what to call once it is committed."""

    def __init__(self, after_commit: list[Callable[[], Any]]) -> None:
        self.owner = _whoever()
        self.after_commit = after_commit


_open: ContextVar[_Transaction | None] = ContextVar("open write transaction", default=None)
_viewing: ContextVar[bool] = ContextVar("one view is open", default=False)
LONGEST_WAIT = 5.0


@asynccontextmanager
async def writing() -> AsyncIterator[None]:
    """A write transaction: commits at the end, rolls back when the block raises; inside another one it joins it."""
    outer = _open.get()
    if outer is not None:
        if outer.owner != _whoever():
            raise RuntimeError("A task was started inside a write transaction; start it after the commit.")
        yield
        return
    transaction = _Transaction([])
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


@contextmanager
def taken_over() -> Iterator[None]:
    """The open transaction, if there is one, belongs to this thread inside the block: who opened it waits meanwhile."""
    outer = _open.get()
    if outer is None:
        yield
        return
    with belonging_here(outer.after_commit):
        yield


@contextmanager
def belonging_here(after_commit: list[Callable[[], Any]]) -> Iterator[None]:
    """A transaction is open inside the block, and this thread's."""
    token = _open.set(_Transaction(after_commit))
    try:
        yield
    finally:
        _open.reset(token)


@asynccontextmanager
async def turn_to_write(client: SqliteClient) -> AsyncIterator[Any]:
    """SQLite's writer, for whoever holds it alone in this process, and what is done when the disk takes nothing."""
    async with client._lock:
        async with _minding_the_disk(client) as connection:
            yield connection


@contextmanager
def turn_of_this_process(client: SqliteClient) -> Iterator[None]:
    """As `_file_lock`, in a thread that may wait."""
    with _lock_file(client).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """Inside `writing()`: undo only this block when it raises."""
    async with connections.get("default")._in_transaction():
        yield


@asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """One consistent view over several reads, on a connection of its own. Inside `writing()` or another one it joins it."""
    if in_writing() or _viewing.get():
        yield
        return
    token = _viewing.set(True)
    try:
        async with _view():
            yield
    finally:
        _viewing.reset(token)


@asynccontextmanager
async def _view() -> AsyncIterator[None]:
    client = reader()
    if not isinstance(client, SqliteClient):
        async with _postgresql(client, isolation="repeatable_read"):
            yield
        return
    path = Path(client.filename)
    own = SqliteClient(**sqlite_client(path, readonly=True)["credentials"], connection_name="default")
    try:
        await own.create_connection(with_db=True)
        async with _sqlite(own, "BEGIN"):
            yield
    finally:
        await own.close()


@asynccontextmanager
async def _begin() -> AsyncIterator[None]:
    client = writer()
    if not isinstance(client, SqliteClient):
        finished = False
        try:
            async with _postgresql(client, isolation=None):
                yield
                finished = True
        except trouble() as problem:
            if finished:
                raise OutcomeUnknown("The connection was lost during the commit.") from problem
            raise
        return
    async with client._lock, _file_lock(_lock_file(client)), _minding_the_disk(client), _sqlite(client, "BEGIN IMMEDIATE"):
        yield


@asynccontextmanager
async def _minding_the_disk(client: SqliteClient) -> AsyncIterator[Any]:
    disk.refuse_while_full()
    try:
        await open_writer(client)
        connection = client._connection
        assert connection is not None
        before = connection.total_changes
        yield connection
    except Exception as problem:
        if not disk.took_nothing(problem):
            raise
        disk.remember(full=True)
        await _surely(drop(client))
        raise disk.NoRoom("The disk takes nothing more.") from problem
    if connection.total_changes > before:
        disk.remember(full=False)


# Tortoise's own transaction contexts leave the transaction, the connection and `default` behind when BEGIN fails or is
# cancelled. These two take everything back, whatever happens.


@asynccontextmanager
async def _sqlite(client: SqliteClient, begin: str) -> AsyncIterator[None]:
    connection = client._connection
    assert connection is not None
    with answering_to_default(SqliteTransactionWrapper(client)):
        try:
            await connection.execute(begin)
            yield
            try:
                await connection.commit()
            except sqlite3.OperationalError as problem:
                disk.end_if_lost(problem)
                raise
        except BaseException:
            # Queued behind whatever was cancelled half way, and before anybody else's BEGIN.
            await _surely(connection.rollback())
            raise


@asynccontextmanager
async def _postgresql(client: Any, *, isolation: str | None) -> AsyncIterator[None]:
    from tortoise.backends.asyncpg.client import TransactionWrapper  # SQLite's portals never load the driver

    pool = await _pool(client)
    connection = await pool.acquire(timeout=LONGEST_WAIT)
    try:
        wrapper = TransactionWrapper(client)
        wrapper._connection = connection
        with answering_to_default(wrapper):
            async with connection.transaction(isolation=isolation):
                yield
    finally:
        await _surely(pool.release(connection))


async def _pool(client: Any) -> Any:
    if client._pool is None:
        async with client._pool_init_lock:
            if client._pool is None:
                await client.create_connection(with_db=True)
    return client._pool


@contextmanager
def answering_to_default(wrapper: BaseDBAsyncClient) -> Iterator[None]:
    """Models look up the connection named `default`: for the length of this transaction that is `wrapper`."""
    wrapper.connection_name = "default"
    handler = get_connections()
    token = handler.set("default", wrapper)
    try:
        yield
    finally:
        handler.reset(token)


def _whoever() -> object:
    """The task that runs, or in the database's own thread, where there are none, the thread."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return threading.get_ident()


async def _surely(undoing: Awaitable[Any]) -> None:
    """Undo to the end, also when the task is cancelled once more meanwhile."""
    await asyncio.shield(asyncio.ensure_future(undoing))


def _lock_file(client: SqliteClient) -> Path:
    return Path(client.filename).with_suffix(".write-lock")


@asynccontextmanager
async def _file_lock(path: Path) -> AsyncIterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield
        # Closing the file lets the lock go, also when this process is killed.
