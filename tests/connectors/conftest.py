"""Empty databases of somebody else, on SQLite and on PostgreSQL, for the sql connector's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import OTHERS


@pytest.fixture(scope="session")
def theirs(postgresql_server: str) -> Iterator[str]:
    name = f"theirs_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql_server.replace("NAME", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgresql_server.replace("NAME", name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, as an owner writes it into systems.toml."""
    if request.param == "sqlite":
        path = tmp_path / "theirs.db"
        path.touch()
        return f"sqlite:///{path}"
    address: str = request.getfixturevalue("theirs")
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in (OTHERS, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            connection.execute(statement)
    return address
