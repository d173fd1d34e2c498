"""PostgreSQL: a dump without the keys while the portal goes on, and a restored database put in the place of the old one.

pg_dump and the reader of the keys look at one snapshot. The dump flows from pg_dump into the sealed file and from there into
pg_restore, and never lies on a disk in clear. The scratch place is a database of its own on the same server.
"""

import asyncio
import os
import re
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from portal import settings
from portal.custody.copying import AT_ONCE, KEY, PIECE, Taken, key_line, key_of
from portal.custody.postgresql_server import (
    connect,
    connected,
    connected_beside,
    environment,
    name_of,
    named_like,
    quoted,
    tool,
    with_name,
)
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, Unavailable
from portal.settings import Settings

KIND = "postgresql"
_DUMP = ("--format=custom", "--no-password", "--no-owner", "--no-privileges", "--exclude-table-data=*.data_key")
_RESTORE = ("--no-password", "--no-owner", "--no-privileges", "--exit-on-error")
_SCRATCH = "_custody_"
_PATIENCE = 1.0
# Of other OSErrors the files that are read or written beside are the cause: the driver makes its own of its socket's.
_PROBLEMS = (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError)
T = TypeVar("T")


@contextmanager
def taken(_private: Path) -> Iterator[Taken]:
    """One snapshot, held open until all of it was read. This thread has an event loop of its own meanwhile."""
    address = settings.get().database
    with asyncio.Runner() as runner:
        connection = runner.run(connect(address))
        try:
            path = tool("pg_dump", connection)
            with _told_plainly():
                runner.run(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                snapshot = runner.run(connection.fetchval("SELECT pg_export_snapshot()"))
                counted = runner.run(_counts(connection))
            with closing(_dumped([path, *_DUMP, f"--snapshot={snapshot}"], environment(address))) as dumped:
                yield Taken(_keys(runner, connection), counted, dumped)
        finally:
            with suppress(*_PROBLEMS):  # it only read
                runner.run(connection.close())


def place(private: Path) -> Settings:
    """A database beside ours, whose name tells whose it is."""
    usual = settings.get()
    name = named_like(name_of(usual.database), f"{_SCRATCH}{os.urandom(4).hex()}")
    return replace(usual, var=private, database_url=with_name(usual.database, name))


def fill(place: Settings, content: Iterator[bytes]) -> None:
    """Make the scratch database and let pg_restore read into it; raises ValueError with what that said."""
    path = _run(place.database, _make, name_of(place.database), beside=True)
    _feed([path, *_RESTORE, f"--dbname={_conninfo(name_of(place.database))}"], environment(place.database), content)


def counts(place: Settings) -> dict[str, int]:
    return _run(place.database, _counts)


def put_keys_back(place: Settings, keys: Iterable[dict[str, Any]]) -> None:
    async def put(connection: Any) -> None:
        rows = map(key_of, keys)
        while portion := list(islice(rows, AT_ONCE)):
            await connection.copy_records_to_table("data_key", records=portion, columns=KEY)

    _run(place.database, put)


def remove(place: Settings) -> None:
    """Nothing is left to remove once it became the database; what cannot be removed now goes with the next restore or drill."""

    async def drop(server: Any) -> None:
        await server.execute(f"DROP DATABASE IF EXISTS {quoted(name_of(place.database))} WITH (FORCE)")

    with suppress(Unavailable):
        _run(place.database, drop, beside=True)


def is_there() -> bool:
    async def look(server: Any) -> bool:
        name = name_of(settings.get().database)
        return await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is not None

    return _run(settings.get().database, look, beside=True)


def require_nobody() -> None:
    """Refuse while anybody else is connected to the database; who has just gone is waited for."""
    _run(settings.get().database, _require_nobody)


def require_replaceable() -> None:
    """Refuse as well when the database is another role's: only its owner may rename it."""
    _run(settings.get().database, _require_nobody, beside=True)
    _run(settings.get().database, _require_ours, beside=True)


def put_in_place(place: Settings) -> str | None:
    """Two renames in one transaction: a crash leaves the old database or the new one under the name, never none."""

    async def swap(server: Any) -> str | None:
        now, before = name_of(settings.get().database), None
        await _require_nobody(server)
        if await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", now):
            before = named_like(now, f"_before_{clock.now():%Y%m%dt%H%M%S%f}z")
        try:
            async with server.transaction():
                if before:
                    await server.execute(f"ALTER DATABASE {quoted(now)} RENAME TO {quoted(before)}")
                await server.execute(f"ALTER DATABASE {quoted(name_of(place.database))} RENAME TO {quoted(now)}")
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, TimeoutError) as problem:
            raise Unavailable(
                f"The connection to PostgreSQL broke as the backup was put in the place of {now}: {_first_line(problem)}. If a"
                f" database {before or now} is there, it is in its place; otherwise nothing was changed."
            ) from problem
        except asyncpg.PostgresError as problem:
            raise Conflict(
                f"PostgreSQL does not put the backup in the place of {now}: {problem}. Nothing was changed."
            ) from problem
        return before

    return _run(settings.get().database, swap, beside=True)


def _run(address: str, work: Callable[..., Awaitable[T]], *values: Any, beside: bool = False) -> T:
    async def run() -> T:
        async with connected_beside(address) if beside else connected(address) as connection:
            return await work(connection, *values)

    with _told_plainly():
        return asyncio.run(run())


@contextmanager
def _told_plainly() -> Iterator[None]:
    """What PostgreSQL or the way to it has against something, as a sentence for the operator."""
    try:
        yield
    except _PROBLEMS as problem:
        raise Unavailable(f"PostgreSQL does not go on: {_first_line(problem)}. Nothing was changed.") from problem


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0].rstrip(".")


async def _counts(connection: Any) -> dict[str, int]:
    tables = await connection.fetch(
        "SELECT schemaname, tablename, schemaname = current_schema() FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'data_key'"
    )
    return {
        table if usual else f"{schema}.{table}": await connection.fetchval(
            f"SELECT count(*) FROM {quoted(schema)}.{quoted(table)}"
        )
        for schema, table, usual in tables
    }


def _keys(runner: asyncio.Runner, connection: Any) -> Iterator[bytes]:
    with _told_plainly():
        cursor = runner.run(_open(connection))
        while portion := runner.run(cursor.fetch(AT_ONCE)):
            yield from map(key_line, portion)


async def _open(connection: Any) -> Any:
    return await connection.cursor(f"SELECT {', '.join(KEY)} FROM data_key ORDER BY id")


def _dumped(command: list[str], environ: dict[str, str]) -> Generator[bytes, None, None]:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environ)  # noqa: S603  # from PATH
        assert child.stdout is not None
        try:
            while piece := child.stdout.read(PIECE):
                yield piece
        except BaseException:  # nobody wants the rest
            child.kill()
            raise
        finally:
            child.stdout.close()
            child.wait()
        if child.returncode:
            raise Invalid(f"pg_dump could not read the database: {_last_line(said)}")


def _feed(command: list[str], environ: dict[str, str], content: Iterator[bytes]) -> None:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, env=environ)  # noqa: S603  # from PATH
        assert child.stdin is not None
        try:
            for piece in content:  # to its end, also when pg_restore wants no more: only the last piece says that it is whole
                with suppress(BrokenPipeError):
                    child.stdin.write(piece)
        except BaseException:
            child.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                child.stdin.close()
            child.wait()
        if child.returncode:
            raise ValueError(f"pg_restore could not put the backup back: {_last_line(said)}.")


def _last_line(said: Any) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it did not say why"


async def _make(server: Any, name: str) -> str:
    path = tool("pg_restore", server)
    await _remove_left_over(server)
    like = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = $1"
    found = await server.fetchrow(like, name_of(settings.get().database))
    kind = "ENCODING 'UTF8'" if found is None else "ENCODING {} LC_COLLATE {} LC_CTYPE {}".format(*map(_text, found))
    try:
        await server.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE template0 {kind}")
    except asyncpg.InsufficientPrivilegeError as problem:
        role = await server.fetchval("SELECT current_user")
        raise Invalid(
            f"The role {role} may not make databases, and a backup is looked at in one of its own first. Let an administrator"
            f" allow it: ALTER ROLE {quoted(role)} CREATEDB"
        ) from problem
    except asyncpg.PostgresError as problem:
        raise Invalid(f"PostgreSQL does not make a database to look at the backup in: {problem}.") from problem
    return path


async def _remove_left_over(server: Any) -> None:
    """What a killed restore or drill left; one that is in use is somebody's on another machine."""
    mine = re.escape(named_like(name_of(settings.get().database), _SCRATCH + "12345678")[:-8])
    for each in await server.fetch("SELECT datname FROM pg_database WHERE datname ~ $1", f"^{mine}[0-9a-f]{{8}}$"):
        with suppress(asyncpg.ObjectInUseError):
            await server.execute(f"DROP DATABASE IF EXISTS {quoted(each['datname'])}")


async def _require_nobody(server: Any) -> None:
    name, deadline = name_of(settings.get().database), asyncio.get_running_loop().time() + _PATIENCE
    others = "datname = $1 AND usesysid IS NOT NULL AND pid <> pg_backend_pid()"
    connections = f"SELECT DISTINCT application_name FROM pg_stat_activity WHERE {others}"
    while there := [each[0] for each in await server.fetch(connections, name)]:
        if asyncio.get_running_loop().time() > deadline:
            if "portal" in there:
                raise Conflict("The portal is running on this database. Stop it first; nothing was changed.")
            who = ", ".join(each or "a program without a name" for each in sorted(there))
            raise Conflict(f"Somebody is connected to the database {name}: {who}. End that first; nothing was changed.")
        await asyncio.sleep(0.1)


async def _require_ours(server: Any) -> None:
    name = name_of(settings.get().database)
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1 AND NOT pg_has_role(datdba, 'MEMBER')"
    if other := await server.fetchval(owner, name):
        raise Invalid(
            f"The database {name} belongs to the role {other}, and only its owner may replace it. Restore as that role, or let"
            " PORTAL_DATABASE_URL name a database that does not exist yet: it is made."
        )


def _conninfo(name: str) -> str:
    return "dbname='" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
