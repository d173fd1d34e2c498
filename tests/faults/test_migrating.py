"""The schema is brought up to date once, however many processes of a new version start, and whenever one of them is killed.

A database that is newer than the portal is left alone.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from portal import db
from portal.settings import HOME
from tests.conftest import settings_in
from tests.faults.oracle import on_server, portal_rows
from tests.journeys.conftest import database_of, environment, portal_command

AT_ONCE = 6


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_migration_is_applied_once_however_many_processes_start(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    _choose(database, request, tmp_path)
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


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_portal_killed_while_migrating_leaves_whole_migrations_and_the_next_one_goes_on(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    _choose(database, request, tmp_path)
    states, chance = _states(database, request, tmp_path / "steps"), random.Random(seed)
    with _dying(tmp_path) as kill:
        while kill(chance.randrange(10, 30)) == "killed":
            assert _schema(tmp_path) == states[len(_applied(tmp_path))], _applied(tmp_path)
    assert _applied(tmp_path) == [file.stem for file in FILES] and _schema(tmp_path) == states[-1]


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_kill_after_any_statement_is_undone_as_a_whole(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each migration in turn: killed after its first statement, after its second one, until the next one has begun."""
    _choose(database, request, tmp_path)
    states, kills = _states(database, request, tmp_path / "steps"), 0
    with _dying(tmp_path) as kill:
        for done in range(len(FILES)):
            statement = 0
            while not statement or len(_applied(tmp_path)) == done:
                statement, kills = statement + 1, kills + 1
                assert kill(statement) == "killed" or done == len(FILES) - 1
                assert _schema(tmp_path) == states[len(_applied(tmp_path))], (done, statement)
    print(f"{kills} kills")
    assert _applied(tmp_path) == [file.stem for file in FILES] and kills > 150


def test_an_older_portal_leaves_a_newer_database_alone(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    with closing(sqlite3.connect(tmp_path / "portal.db")) as file, file:
        file.execute("INSERT INTO migration VALUES ('9999_of_next_year', '', 0)")
    (tmp_path / "systems.toml").touch()
    before = _schema(tmp_path)
    for command in ("serve", "work"):
        refused = portal_command(tmp_path, command)
        assert refused.returncode == 1 and "newer than this portal: it has migration 9999_of_next_year" in refused.stderr
    assert _schema(tmp_path) == before


@pytest.mark.deep
async def test_a_migration_may_take_longer_than_any_statement_of_a_page(postgresql_server: str, tmp_path: Path) -> None:
    (tmp_path / "0001_index_over_a_million_rows.sql").write_text("SELECT pg_sleep(6);\n")
    await db.open_database(replace(settings_in(tmp_path), database_url=_empty_database(postgresql_server)))
    try:
        assert await db.migrate(tmp_path) == ["0001_index_over_a_million_rows"]
    finally:
        await db.close()


FILES = sorted((HOME / "migrations").glob("[0-9]*.sql"))


def _choose(database: str, request: pytest.FixtureRequest, var: Path) -> None:
    var.mkdir(exist_ok=True)
    if database == "postgresql":
        (var / "database-url").write_text(_empty_database(request.getfixturevalue("postgresql_server")))


def _states(database: str, request: pytest.FixtureRequest, var: Path) -> list[str]:
    """What the schema is before the first migration and after each, when nobody is killed."""
    _choose(database, request, var)
    (var / "files").mkdir()

    states = [""]

    async def one_after_the_other() -> None:
        await db.open_database(replace(settings_in(var), database_url=database_of(var)))
        try:
            for file in FILES:
                shutil.copy(file, var / "files")
                await db.migrate(var / "files")
                states.append(_schema(var))
        finally:
            await db.close()

    asyncio.run(one_after_the_other())
    return states


def _schema(var: Path) -> str:
    sql = "SELECT type, name, sql FROM sqlite_master WHERE name <> 'migration' AND tbl_name <> 'migration'"
    return "\n".join(sorted(map(str, portal_rows(var, _SHAPE if database_of(var) else sql))))


_SHAPE = """SELECT 'column', table_name, concat_ws(' ', ordinal_position, column_name, data_type, is_nullable, column_default)
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migration'
 UNION ALL SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migration'
 UNION ALL SELECT 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL SELECT 'rule', conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND conrelid <> 'migration'::regclass
 UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"""


def _applied(var: Path) -> list[str]:
    return [name for (name,) in portal_rows(var, "SELECT name FROM migration ORDER BY name")]


@contextmanager
def _dying(var: Path) -> Iterator[Callable[[int], str]]:
    """Starts portals that are killed after so many statements."""
    command = [sys.executable, "-m", "tests.faults.dying_migration"]
    with subprocess.Popen(
        command, cwd=HOME, env=environment(var), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forks:
        ask, answers = forks.stdin, forks.stdout
        assert ask is not None and answers is not None

        def kill(statement: int) -> str:
            print(statement, file=ask, flush=True)
            answer = answers.readline().strip()
            assert answer in {"killed", "through"}
            return answer

        yield kill


def _empty_database(server: str) -> str:
    name = f"migrating_{os.urandom(6).hex()}"
    on_server(server, f"CREATE DATABASE {name}")
    return server.replace("NAME", name)
