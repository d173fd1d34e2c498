"""Several processes of a new version start at once: the schema is brought up to date once, and each of them goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.faults.oracle import on_server, portal_rows
from tests.journeys.conftest import environment

AT_ONCE = 6


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_migration_is_applied_once_however_many_processes_start(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if database == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        name = f"migrating_{os.urandom(6).hex()}"
        on_server(server, f"CREATE DATABASE {name}")
        (tmp_path / "database-url").write_text(server.replace("NAME", name))
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
