"""Opens and closes the connections: `default` is read-only, `writer` is used by `writing()` alone."""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from tortoise import Tortoise, connections
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.exceptions import DBConnectionError

import portal
from portal.settings import Settings, SettingsError, get

READERS_OF_A_POOL = 8
WRITERS_OF_A_POOL = 4


async def open_database(settings: Settings | None = None) -> None:
    """Open the connections; the caller closes them in a `finally`. Raises SettingsError for a wrong address."""
    settings = settings or get()
    await Tortoise.init(
        config={
            "connections": _connections(settings),
            "apps": {"portal": {"models": _model_modules(), "default_connection": "default"}},
        },
        use_tz=True,
        timezone="UTC",
        _enable_global_fallback=True,
    )
    if settings.is_sqlite:
        # The writer comes first: it creates the file that the readers only open.
        await open_writer(writer())
        await reader().execute_query("SELECT 1")


async def close() -> None:
    """Close what is open. SQLite's last connection empties the write-ahead log: two that close at once both leave it full."""
    if Tortoise.is_inited():
        await reader().close()
    await Tortoise.close_connections()


def reader() -> BaseDBAsyncClient:
    client: BaseDBAsyncClient = connections.get("default")
    return client


def writer() -> BaseDBAsyncClient:
    client: BaseDBAsyncClient = connections.get("writer")
    return client


async def open_writer(client: Any) -> None:
    """SQLite's writer, unless it is open: as a whole or not at all, for without its pragmas it would promise too much."""
    if client._connection is not None:
        return
    try:
        await client.create_connection(with_db=True)
        await _require_wal(client)
    except BaseException:
        await drop(client)
        raise


async def drop(client: Any) -> None:
    """Close a connection that is not to be trusted any more, whatever it says to that."""
    connection, client._connection = client._connection, None
    if connection is not None:
        with suppress(sqlite3.Error):
            await connection.close()


def is_sqlite(client: BaseDBAsyncClient) -> bool:
    return client.capabilities.dialect == "sqlite"


def size_of_pool() -> int:
    """How many reads can run at once."""
    return 1 if is_sqlite(reader()) else READERS_OF_A_POOL


def _connections(settings: Settings) -> dict[str, Any]:
    if settings.is_sqlite:
        path = Path(settings.database.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return {"default": sqlite_client(path, readonly=True), "writer": sqlite_client(path, readonly=False)}
    try:
        description = cast(dict[str, Any], expand_db_url(settings.database))
    except Exception as problem:
        raise SettingsError(f"PORTAL_DATABASE_URL cannot be read: {problem}. Use sqlite:/// or postgres://.") from problem
    if "schema" in description["credentials"]:
        raise SettingsError("PORTAL_DATABASE_URL names a schema. Give the portal a database of its own: backups hold all of it.")
    return {
        "default": _postgresql_pool(description, READERS_OF_A_POOL, "on"),
        "writer": _postgresql_pool(description, WRITERS_OF_A_POOL, "off"),
    }


def sqlite_client(path: Path, *, readonly: bool) -> dict[str, Any]:
    """How tortoise opens a SQLite file the way the portal wants it (FULL: a commit that is acknowledged is on disk)."""
    pragmas: dict[str, Any] = {"journal_mode": "WAL", "synchronous": "FULL", "busy_timeout": 5000, "foreign_keys": "ON"}
    pragmas |= {"secure_delete": "ON", "journal_size_limit": 16_777_216, "cache_size": -8000}
    if readonly:
        pragmas |= {"query_only": "ON"}
    return {"engine": "tortoise.backends.sqlite", "credentials": {"file_path": str(path), **pragmas}}


def _postgresql_pool(description: dict[str, Any], size: int, read_only: str) -> dict[str, Any]:
    credentials = description["credentials"] | {
        "minsize": 1,
        "maxsize": size,
        "command_timeout": 5,
        "connect": _connect_to_postgresql,
        "server_settings": {"default_transaction_read_only": read_only, "application_name": "portal"},
    }
    return {"engine": "tortoise.backends.asyncpg", "credentials": credentials}


async def _connect_to_postgresql(*arguments: Any, **options: Any) -> Any:
    """A new connection of a pool. Whatever stands in its way (no socket, no such name, nobody let in) is one error."""
    import asyncpg  # SQLite's portals never load the driver

    try:
        return await asyncpg.connect(*arguments, **options)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise DBConnectionError(f"PostgreSQL does not let us in: {problem}") from problem


async def _require_wal(client: Any) -> None:
    # An I/O error while switching the journal raises nothing: only the mode that comes back tells.
    [[mode]] = await client._connection.execute_fetchall("PRAGMA journal_mode")
    if mode != "wal":
        raise SettingsError(f"SQLite uses journal mode {mode!r}, not 'wal': is PORTAL_VAR on a network disk?")


def _model_modules() -> list[str]:
    """Each room's models; tortoise loads them by name, so the ground imports no room."""
    return sorted(f"portal.{path.parent.name}.models" for path in Path(portal.__file__).parent.glob("*/models.py"))
