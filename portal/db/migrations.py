"""Brings the schema up to date from numbered SQL files, one transaction each, and refuses what it does not know.

A file serves both databases: `BLOB` becomes PostgreSQL's `BYTEA`, and a part after a line `-- only: sqlite` or
`-- only: postgresql` (until `-- only: both`) is for that one. A statement ends with a `;` at the end of a line that
is followed by an empty line, so triggers may hold semicolons.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from portal.db.connections import is_sqlite, reader
from portal.db.statements import rows, run, run_however_long
from portal.db.transactions import writing
from portal.lib import clock
from portal.settings import HOME

FOLDER = HOME / "migrations"
MIGRATING = 7_203_114


class MigrationError(Exception):
    """The schema and the files do not fit; the message says which and what to do."""


async def migrate(folder: Path = FOLDER) -> list[str]:
    """Apply what is missing, in order; answers the names applied. A kill in the middle is repaired by running it again."""
    files = sorted(folder.glob("[0-9]*.sql"))
    async with _alone():
        await run("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, at BIGINT NOT NULL)")
    done: list[str] = []
    while True:
        async with _alone():
            missing = await missing_migrations(folder)
            if not missing:
                return done
            file = next(each for each in files if each.stem == missing[0])
            for statement in _statements(file.read_text(), sqlite=is_sqlite(reader())):
                await run_however_long(statement)
            await run("INSERT INTO migration VALUES (?, ?, ?)", file.stem, _checksum(file), clock.micros(clock.now()))
        done.append(file.stem)


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """A write transaction that no other process migrates beside: several may start at once."""
    async with writing():
        if not is_sqlite(reader()):
            await run_however_long(f"SELECT pg_advisory_xact_lock({MIGRATING})")
        yield


async def missing_migrations(folder: Path = FOLDER) -> list[str]:
    """Names of the files that were not applied yet; raises MigrationError when the schema is not ours."""
    files = sorted(folder.glob("[0-9]*.sql"))
    applied = {each["name"]: each["checksum"] for each in await rows("SELECT name, checksum FROM migration")}
    _refuse_misfits(applied, files)
    return [file.stem for file in files if file.stem not in applied]


def _refuse_misfits(applied: dict[str, str], files: list[Path]) -> None:
    known = {file.stem: _checksum(file) for file in files}
    for name, checksum in applied.items():
        if name not in known:
            raise MigrationError(f"The database is newer than this portal: it has migration {name}. Start the newer version.")
        if known[name] != checksum:
            raise MigrationError(f"migrations/{name}.sql was changed after it was applied. Put it back and add a new file.")


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _statements(text: str, *, sqlite: bool) -> list[str]:
    mine, other = ("sqlite", "postgresql") if sqlite else ("postgresql", "sqlite")
    text = re.sub(rf"(?ms)^-- only: {other}\n.*?(?=^-- only: (?:both|{mine})\n|\Z)", "", text)
    if not sqlite:
        text = re.sub(r"\bBLOB\b", "BYTEA", text)
    pieces = re.split(r";[ \t]*\n(?=\s*\n|\Z)", text + "\n")
    return [piece.strip() for piece in pieces if re.sub(r"(?m)^[ \t]*--.*$", "", piece).strip()]
