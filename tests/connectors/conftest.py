"""Empty databases of somebody else, on SQLite and on PostgreSQL, for the sql connector's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, as an owner writes it into systems.toml."""
    if request.param == "sqlite":
        path = tmp_path / "theirs.db"
        path.touch()
        yield f"sqlite:///{path}"
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"theirs_{os.urandom(6).hex()}"
    with psycopg.connect(server.replace("NAME", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.replace("NAME", name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
