"""PostgreSQL's server as custody reaches it: a connection for questions, and the server's own tools for whole databases.

No password stands on a command line, where every user of the machine could read it: the tools get it in their environment,
and none of the portal's own secrets with it.
"""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from tortoise.backends.base.config_generator import expand_db_url

from portal.lib.errors import Invalid, Unavailable

# Databases that every server has; one that is renamed may not be the one we are connected to.
_NEUTRAL = ("postgres", "template1")
_CONNECTING = ("host", "port", "user", "password", "database", "ssl")
_VARIABLES = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "database"}
_PATIENT = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "default_transaction_read_only": "off"}


def name_of(address: str) -> str:
    """The database's name in an address like postgres://user@host/name."""
    name = _credentials(address)["database"]
    if not name:
        raise Invalid("PORTAL_DATABASE_URL names no database.")
    return str(name)


def with_name(address: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


async def connect(address: str) -> Any:
    """A connection as the portal itself would open it, but with all the time it needs; the caller closes it."""
    how = {name: value for name, value in _credentials(address).items() if name in _CONNECTING}
    try:
        return await asyncpg.connect(**how, server_settings=_PATIENT | {"application_name": "portal custody"})
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise Unavailable(f"PostgreSQL does not let us in: {problem}") from problem


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    connection = await connect(address)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def connected_beside(address: str) -> AsyncIterator[Any]:
    """One connection to the same server, but to a database that is nobody's in particular."""
    async with AsyncExitStack() as stack:
        for number, name in enumerate(_NEUTRAL, 1):
            try:
                connection = await stack.enter_async_context(connected(with_name(address, name)))
                break
            except Unavailable:
                if number == len(_NEUTRAL):
                    raise
        yield connection


def tool(name: str, connection: Any) -> str:
    """The path of pg_dump or pg_restore. Raises Invalid when it is missing or of another version than the server."""
    server, path = connection.get_server_version().major, shutil.which(name)
    wanted = f"Install PostgreSQL's client programs of version {server} (postgresql-client-{server}), first on the PATH."
    if path is None:
        raise Invalid(f"{name} was not found. {wanted}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  # from PATH
    version = re.search(r"\d+", said)
    if version is None or int(version[0]) != server:
        raise Invalid(f"{path} is of version {version[0] if version else '?'}, the server of version {server}. {wanted}")
    return path


def environment(address: str) -> dict[str, str]:
    """The environment in which a tool of PostgreSQL reaches the database at an address."""
    known = _credentials(address)
    ours = {variable: str(known[name]) for variable, name in _VARIABLES.items() if known.get(name) is not None}
    if known.get("ssl"):  # as the portal's driver does it
        ours |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": os.environ.get("PGSSLROOTCERT", "system")}
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | ours


def quoted(name: str) -> str:
    """A name as it stands in a statement."""
    return '"' + name.replace('"', '""') + '"'


def named_like(name: str, end: str) -> str:
    """A name with an end, within the 63 bytes that PostgreSQL has for one."""
    return name.encode()[: 63 - len(end)].decode(errors="ignore") + end


def _credentials(address: str) -> dict[str, Any]:
    """Read as tortoise reads it for the portal."""
    known: dict[str, Any] = expand_db_url(address)["credentials"]
    return known
