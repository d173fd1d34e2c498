"""`portal restore`: a backup becomes the database, after everything about it was found right in a scratch place.

There it is opened, counted and its whole log verified; then the safety log is replayed, so that whoever was erased since
is erased again and every no said since counts; then the log is asked whether it may go on under its name. Only then the
database is put in place, in one step. A refusal or a crash before that has touched nothing.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from portal import audit, db, settings, vault
from portal.custody import backup, events, sqlite_copy
from portal.lib.errors import Conflict, Invalid
from portal.settings import Settings


@dataclass(frozen=True)
class Restored:
    """How many entries came back, what was done again by event, under which origin the log goes on, what lies where."""

    entries: int
    again: dict[str, int]
    origin: str
    is_new_log: bool
    before: Path | None


async def restore(file: Path, *, keys: Path | None = None, new_log: bool = False) -> Restored:
    """Put a backup in the place of the database, which nobody may have open. Raises Invalid or Conflict saying why not."""
    backup.require_sqlite()
    sqlite_copy.require_nobody()
    with sqlite_copy.scratch() as private:
        held = await asyncio.to_thread(lay_beside, private)
        async with opened(file, keys, private) as entries:
            done = await _complete(file.name, entries, held, new_log=new_log)
        sqlite_copy.require_nobody()
        return replace(done, before=await asyncio.to_thread(sqlite_copy.put_in_place, private / "portal.db"))


async def complete(*, new_log: bool = False) -> Restored:
    """The same for a database that other tools put back (pg_restore, a snapshot), in its place; nobody may have it open."""
    usual = settings.get()
    if usual.is_sqlite:
        sqlite_copy.require_nobody()
    with sqlite_copy.scratch() as private:
        held = await asyncio.to_thread(lay_beside, private)
        async with _verified(replace(usual, var=private, database_url=usual.database)) as entries:
            return await _complete("", entries, held, new_log=new_log)


async def _complete(name: str, entries: int, held: bytes | None, *, new_log: bool) -> Restored:
    try:
        follows = await audit.restored.may_go_on(held, new_log=new_log)
        again = await audit.safety.replay()
        async with db.writing():
            await audit.record(events.RESTORED, actor="system", payload={"file": name, "again": again})
        origin = await audit.restored.go_on(follows)
    except audit.LogBroken as problem:
        raise _refused(str(problem)) from problem
    return Restored(entries, again, origin, follows is not None, None)


@asynccontextmanager
async def opened(file: Path, keys: Path | None, private: Path) -> AsyncIterator[int]:
    """A backup as the open database of a scratch place, verified; answers how many entries its log has."""
    try:
        await asyncio.to_thread(_unpack, file, keys, private / "portal.db")
    except (vault.Tampered, OSError, ValueError, KeyError, TypeError) as problem:
        raise _refused(str(problem)) from problem
    async with _verified(replace(settings.get(), var=private, database_url="")) as entries:
        yield entries


@asynccontextmanager
async def _verified(there: Settings) -> AsyncIterator[int]:
    usual = settings.get()
    settings.use(there)
    try:
        await db.open_database()
        await _require_nobody_else()
        await db.migrate()
        await vault.check_master_key()
        report = await audit.verify_log()
        if not report.ok:
            raise _refused(" ".join(report.problems[:3]))
        yield report.size
    finally:
        await db.close()
        settings.use(usual)


async def _require_nobody_else() -> None:
    """PostgreSQL: no connection of a portal that is older than this one, our first."""
    if not settings.get().is_sqlite:
        older = "backend_start < (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())"
        ours = "datname = current_database() AND application_name = 'portal'"
        if await db.row(f"SELECT 1 AS one FROM pg_stat_activity WHERE {ours} AND {older} LIMIT 1"):
            raise Conflict("The portal is running on this database. Stop it first; nothing was changed.")


def _unpack(file: Path, keys: Path | None, copy: Path) -> None:
    told = sqlite_copy.unpack(vault.files.read(file, backup.USE), copy)
    counted = sqlite_copy.counts(copy)
    if counted != told["counts"] or not sqlite_copy.is_sound(copy):
        raise ValueError(f"{file} does not hold the rows that were counted when it was made.")
    written = b"".join(vault.files.read(keys or backup.keys_for(file), backup.USE_OF_KEYS))
    sqlite_copy.put_keys_back(copy, [json.loads(each) for each in written.splitlines()])


def lay_beside(private: Path) -> bytes | None:
    """The safety log, to be replayed there; answers what the lock file holds. That one stays away: it knows a later state."""
    safety, lock = (settings.get().var / name for name in ("safety.log", "audit.lock"))
    if safety.exists():
        shutil.copy(safety, private)
    return lock.read_bytes() if lock.exists() else None


def _refused(reason: str) -> Invalid:
    return Invalid(f"{reason} Nothing was restored and nothing was changed.")
