"""Connections to somebody else's database: a new one per verb, one transaction each, errors as plain sentences.

SQLite files are never created; statements and locks time out. What a database says in an error may name a person
("Key (email)=(ana@…) already exists"), so only its error code is passed on.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from portal.connectors.contract import ConnectorError
from portal.connectors.sql import mysql
from portal.connectors.systems import System
from portal.connectors.toml_file import Misconfigured
from portal.paper import _

Version = tuple[int, int, int]
_WAIT_SECONDS = 5
_STATEMENT_MILLISECONDS = 60_000
_ALREADY_THERE = ("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", mysql.ALREADY_THERE)


@contextmanager
def transaction(system: System, *, write: bool) -> Iterator[Connection]:
    """One transaction on a new connection: whatever is raised inside rolls it back. Without `write` it cannot write."""
    engine = _engine(system.url, system.place)
    try:
        with engine.connect() as connection:
            connection = connection.execution_options(write=write)
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=not write)
            with connection.begin():
                yield connection
    except exc.DBAPIError as problem:
        raise _translated(system, problem) from problem


def version(system: System, connection: Connection) -> Version | None:
    """Of the live schema: another number after every change of it, another file for another database. Servers have none."""
    if connection.dialect.name != "sqlite":
        return None
    file = Path(make_url(system.url).database or "").stat()
    return file.st_dev, file.st_ino, int(connection.exec_driver_sql("PRAGMA schema_version").scalar_one())


def is_already_there(problem: exc.DBAPIError) -> bool:
    """Whether another row has a value that may be there only once."""
    return _code(problem) in _ALREADY_THERE


def limit_statements(connection: Connection, seconds: float) -> None:
    """From now on a statement of this transaction may take so long; on SQLite all that follow together."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
    elif connection.dialect.name == "sqlite":
        raw, ends = connection.connection.driver_connection, time.monotonic() + seconds
        if isinstance(raw, sqlite3.Connection):
            raw.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
    elif mysql.is_one(connection):
        mysql.limit_statements(connection, seconds)


@lru_cache(maxsize=64)
def _engine(address: str, place: str) -> Engine:
    """How to connect; kept, because finding out what a server can do costs more than connecting. Holds no connection."""
    try:
        url = make_url(address)
    except exc.ArgumentError as problem:
        raise Misconfigured(place, _("The address of the database cannot be read.")) from problem
    kind = url.drivername.partition("+")[0]
    if kind == "sqlite" and url.database:
        return _sqlite(url.database)
    if kind in ("postgres", "postgresql"):
        return _postgresql(url)
    if kind in mysql.KINDS:
        return mysql.engine(url, wait_seconds=_WAIT_SECONDS, statement_milliseconds=_STATEMENT_MILLISECONDS)
    raise Misconfigured(place, _("Databases of the kind %s are not known; sqlite, postgresql, mariadb and mysql are.") % kind)


def _sqlite(path: str) -> Engine:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True, timeout=_WAIT_SECONDS, isolation_level=None)
        raw.create_function("portal_lower", 1, _lower, deterministic=True)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # query_only: a reading verb cannot write, whatever it does; IMMEDIATE: between planning and executing nobody writes
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if write else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _lower(value: Any) -> Any:
    """SQLite's own lower() knows only ASCII; this one has its own name, so that the owner's indexes are not touched."""
    return value.lower() if isinstance(value, str) else value


def _postgresql(url: URL) -> Engine:
    options = f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c lock_timeout={_WAIT_SECONDS * 1000}"
    arguments = {"connect_timeout": _WAIT_SECONDS, "options": options, "application_name": "privacy portal"}
    return create_engine(url.set(drivername="postgresql+psycopg"), connect_args=arguments, poolclass=NullPool)


def _translated(system: System, problem: exc.DBAPIError) -> ConnectorError:
    number = mysql.number(problem)
    known = {"system": system.title, "code": _code(problem) or type(problem.orig).__name__}
    if number is None:
        later, rule = isinstance(problem, exc.OperationalError | exc.InterfaceError), isinstance(problem, exc.IntegrityError)
    else:
        later, rule = mysql.meaning(number) == "later", mysql.meaning(number) == "rule"
    if later or problem.connection_invalidated:
        return ConnectorError(_("%(system)s cannot be reached or is busy (%(code)s). We try again.") % known, permanent=False)
    if is_already_there(problem):
        what = _("%(system)s has another entry with a value that must be there only once (%(code)s). Look at both there first.")
        return ConnectorError(what % known, permanent=True)
    if rule:
        what = _("%(system)s refused the change because other rows depend on it or a rule forbids it (%(code)s).")
        return ConnectorError(what % known, permanent=True)
    return ConnectorError(_("%(system)s did not accept what we asked (%(code)s).") % known, permanent=True)


def _code(problem: exc.DBAPIError) -> str | int | None:
    raised = problem.orig
    return getattr(raised, "sqlite_errorname", None) or mysql.number(problem) or getattr(raised, "sqlstate", None)
