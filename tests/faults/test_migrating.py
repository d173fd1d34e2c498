"""Several processes of a new version start at once: the schema is brought up to date once, and each of them goes on."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portal import db
from portal.settings import HOME
from tests.conftest import settings_in
from tests.faults.oracle import on_server, portal_rows
from tests.journeys.conftest import environment

AT_ONCE = 6


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_migration_is_applied_once_however_many_processes_start(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if database == "postgresql":
        (tmp_path / "database-url").write_text(_empty_database(request.getfixturevalue("postgresql_server")))
    command = [sys.executable, "-m", "portal.cli", "migrate"]
    starting = [
        subprocess.Popen(command, cwd=HOME, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _process in range(AT_ONCE)
    ]
    said = [each.communicate(timeout=100) for each in starting]
    assert [each.returncode for each in starting] == [0] * AT_ONCE, said
    applied = [line.removeprefix("Applied ") for out, _errors in said for line in out.splitlines()]
    stored = [name for (name,) in portal_rows(tmp_path, "SELECT name FROM migration ORDER BY name")]
    assert sorted(applied) == stored == sorted(file.stem for file in (HOME / "migrations").glob("[0-9]*.sql"))


@pytest.mark.deep
async def test_a_migration_may_take_longer_than_any_statement_of_a_page(postgresql_server: str, tmp_path: Path) -> None:
    (tmp_path / "0001_index_over_a_million_rows.sql").write_text("SELECT pg_sleep(6);\n")
    await db.open_database(replace(settings_in(tmp_path), database_url=_empty_database(postgresql_server)))
    try:
        assert await db.migrate(tmp_path) == ["0001_index_over_a_million_rows"]
    finally:
        await db.close()


def _empty_database(server: str) -> str:
    name = f"migrating_{os.urandom(6).hex()}"
    on_server(server, f"CREATE DATABASE {name}")
    return server.replace("NAME", name)
