"""Many statements in one trip. SQLite has a thread of its own here, and going there and back costs more than a small statement.

Work that waits for nothing but the database is done in that thread as a whole; there each statement is a plain call.
PostgreSQL answers over a socket, without such a thread: there the work is simply awaited.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

import aiosqlite
from tortoise import connections
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper

from portal.db import disk
from portal.db.connections import writer
from portal.db.transactions import (
    answering_to_default,
    belonging_here,
    in_writing,
    taken_over,
    turn_of_this_process,
    turn_to_write,
    writing,
)

T = TypeVar("T")


async def in_one_trip(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `work` answers, inside `writing()` or beside it for reads. Raises RuntimeError when it waits for anything else.

    That includes `save` and `create` of models, which gather their listeners on an event loop: write with plain SQL there.
    """
    client = connections.get("default")
    if not isinstance(client, SqliteClient):
        return await work()
    async with client.acquire_connection() as connection:
        done: T = await connection._execute(copy_context().run, _do, client, connection, work)
        return done


async def write_in_one_trip(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """`in_one_trip` inside a `writing()` of its own, begun and committed in the same trip: what else our event loop has to do
    keeps no other process waiting for the lock. Whoever stops waiting for it stops nothing."""
    client = writer()
    if in_writing() or not isinstance(client, SqliteClient):
        async with writing():
            return await in_one_trip(work)
    # Else the turn would end before the trip: the next writer waited in that thread for a trip that waits for the next writer.
    return await asyncio.shield(asyncio.ensure_future(_write_in_turn(client, work)))


async def _write_in_turn(client: SqliteClient, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    after_commit: list[Callable[[], Any]] = []
    async with turn_to_write(client) as connection:
        done: T = await connection._execute(copy_context().run, _do_and_commit, client, connection, work, after_commit)
    for callback in after_commit:
        callback()
    return done


def _do(client: SqliteClient, connection: aiosqlite.Connection, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with answering_to_default(_inside(client, connection)), taken_over():
        return _driven(work())


def _do_and_commit(
    client: SqliteClient,
    connection: aiosqlite.Connection,
    work: Callable[[], Coroutine[Any, Any, T]],
    after_commit: list[Callable[[], Any]],
) -> T:
    own = connection._conn
    with turn_of_this_process(client), answering_to_default(_inside(client, connection)), belonging_here(after_commit):
        try:
            own.execute("BEGIN IMMEDIATE")
            done = _driven(work())
            try:
                own.commit()
            except sqlite3.OperationalError as problem:
                disk.end_if_lost(problem)
                raise
        except BaseException:
            own.rollback()
            raise
    return done


def _inside(client: SqliteClient, connection: aiosqlite.Connection) -> SqliteTransactionWrapper:
    inside = SqliteTransactionWrapper(client)
    inside._connection = _Here(connection)
    return inside


def _driven(waiting: Coroutine[Any, Any, T]) -> T:
    try:
        waiting.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    waiting.close()
    raise RuntimeError("Work in one trip may wait for the database alone.")


class _Here(aiosqlite.Connection):
    """The same connection for whoever is in its thread already: nothing is queued."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        vars(self).update(vars(connection))

    def __del__(self) -> None:
        """It belongs to the other one, which closes it."""

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return fn(*args, **kwargs)
