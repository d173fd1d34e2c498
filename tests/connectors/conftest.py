"""Empty databases of somebody else, on SQLite, PostgreSQL and MariaDB, and a service that answers in JSON as a test wants it."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from portal import settings
from tests import mariadb
from tests.conftest import House
from tests.connectors import template
from tests.connectors.receiver import SECRET, receiving
from tests.postgresql import OTHERS


@pytest.fixture(scope="session")
def theirs(postgresql_server: str) -> Iterator[str]:
    name = f"theirs_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql_server.replace("NAME", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgresql_server.replace("NAME", name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    if not mariadb.installed():
        pytest.skip(mariadb.MISSING)
    with mariadb.server() as address:
        yield address


@pytest.fixture
def theirs_on_mariadb(mariadb_server: str) -> str:
    """The address of an empty database."""
    engine = create_engine(mariadb_server.replace("NAME", "").replace("mysql:", "mysql+pymysql:"))
    with engine.connect() as connection:
        for statement in ("SET foreign_key_checks = 0", "CREATE OR REPLACE DATABASE theirs"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return mariadb_server.replace("NAME", "theirs")


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, as an owner writes it into systems.toml."""
    if request.param == "sqlite":
        path = tmp_path / "theirs.db"
        path.touch()
        return f"sqlite:///{path}"
    if request.param == "mariadb":
        return str(request.getfixturevalue("theirs_on_mariadb"))
    address: str = request.getfixturevalue("theirs")
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in (OTHERS, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            connection.execute(statement)
    return address


@pytest.fixture
async def service(sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[template.FaultyService]:
    for variable in ("HOOK_SECRET", "TILL_SECRET"):
        monkeypatch.setenv(variable, SECRET)
    async with receiving() as receiver:
        settings.use(replace(sqlite_house.settings, outbound_allow="127.0.0.0/8"))
        yield template.FaultyService(receiver, template.new_shop(tmp_path))
