"""Many statements in one trip. SQLite has a thread of its own here, and going there and back costs more than a small statement.

Work that waits for nothing but the database is done in that thread as a whole; there each statement is a plain call.
PostgreSQL answers over a socket, without such a thread: there the work is simply awaited.
"""

from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

import aiosqlite
from tortoise import connections
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper

from portal.db.transactions import answering_to_default, taken_over

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


def _do(client: SqliteClient, connection: aiosqlite.Connection, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    inside = SqliteTransactionWrapper(client)
    inside._connection = _Here(connection)
    with answering_to_default(inside), taken_over():
        waiting = work()
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
