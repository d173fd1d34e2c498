"""`portal restore`: a backup becomes the database, after everything about it was found right in a scratch place.

There it is opened, counted and its whole log verified; then the safety log is replayed, so that whoever was erased since
is erased again and every no said since counts; then the log is asked whether it may go on under its name. Only then, and if
no portal ran meanwhile, the database is put in place, in one step. A refusal or a crash before that has touched nothing.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from portal import audit, consent, db, identity, settings, vault
from portal.custody import backup, ended_evidence, events
from portal.custody.copying import Copying, scratch
from portal.lib.errors import Conflict, Invalid
from portal.settings import Settings, SettingsError


@dataclass(frozen=True)
class Restored:
    """How many entries came back, what was done again by event, under which origin the log goes on, what lies where.

    `before_unread`: the database before could not be read, so what safety.log did not have of it yet is lost. `without_owner`:
    whoever was owner when the backup was made has lost that since, and nobody can invite officers but the operator.
    """

    entries: int
    again: dict[str, int]
    origin: str
    is_new_log: bool
    before: str | None
    before_unread: bool = False
    without_owner: bool = False


async def restore(file: Path, *, keys: Path | None = None, new_log: bool = False) -> Restored:
    """Put a backup in the place of the database, which nobody may have open. Raises Invalid or Conflict saying why not."""
    way = backup.way()
    with scratch() as private:
        await asyncio.to_thread(way.require_replaceable)
        late = await _not_kept_yet()
        before, files = _traces(), _files()
        held = await asyncio.to_thread(lay_beside, private)
        await _add(private, late or [])
        async with unpacked(file, keys, private) as place:
            async with verified(place) as entries:
                done = await _complete(file.name, entries, held, new_log=new_log)
            if (before, files) != (_traces(), _files()):
                raise Conflict("The portal was running meanwhile: nothing was changed. Run it again.")
            return replace(done, before=await asyncio.to_thread(way.put_in_place, place), before_unread=late is None)


async def complete(*, new_log: bool = False) -> Restored:
    """The same for a database that other tools put back (a snapshot, pg_restore), in its place; nobody may have it open."""
    usual = settings.get()
    with scratch() as private:
        await asyncio.to_thread(backup.way().require_nobody)
        before = _traces()
        held = await asyncio.to_thread(lay_beside, private)
        async with verified(replace(usual, var=private, database_url=usual.database), keys_apart=False) as entries:
            done = await _complete("", entries, held, new_log=new_log)
    if before != _traces():
        raise Conflict("The portal was running meanwhile: this database may lack what it took in. Run it again.")
    return done


async def _complete(name: str, entries: int, held: bytes | None, *, new_log: bool) -> Restored:
    try:
        follows = await audit.restored.may_go_on(held, new_log=new_log)
        again = await audit.safety.replay()
        async with db.writing():
            # Whether a claim still stands, and whether both still agree to it, the safety log does not tell.
            closed = await consent.openings.close_all()
            ended = await identity.safekeeping.end_visits()
            payload = {"file": name, "again": again, "claims_closed": closed, "visits_ended": ended}
            await audit.record(events.RESTORED, actor="system", payload=payload)
            without_owner = await identity.safekeeping.is_without_owner()
        origin = await audit.restored.go_on(follows)
    except audit.LogBroken as problem:
        raise _refused(str(problem)) from problem
    return Restored(entries, again, origin, follows is not None, None, without_owner=without_owner)


async def _not_kept_yet() -> list[audit.safety.Line] | None:
    """From the database that is to be replaced; None when it cannot be read, which may be why."""
    if not await asyncio.to_thread(backup.way().is_there):
        return []
    try:
        await db.open_database()
        return await audit.safety.not_kept_yet()
    except (sqlite3.Error, audit.LogBroken, vault.Tampered, SettingsError):
        return None
    except Exception as problem:
        if db.is_trouble(problem):
            return None
        raise
    finally:
        await db.close()


async def _add(private: Path, lines: list[audit.safety.Line]) -> None:
    """To the safety log that is replayed; the one that stays gets them as the restored log records them again."""
    usual = settings.get()
    settings.use(replace(usual, var=private))
    try:
        await asyncio.to_thread(audit.safety.add, lines)
    finally:
        settings.use(usual)


@asynccontextmanager
async def unpacked(file: Path, keys: Path | None, private: Path) -> AsyncIterator[Settings]:
    """A backup in a scratch place, as the settings that open it; the place goes afterwards, unless it became the database."""
    way = backup.way()
    place = way.place(private)
    try:
        await asyncio.to_thread(_unpack, way, file, keys, place)
        yield place
    finally:
        await asyncio.to_thread(way.remove, place)


@asynccontextmanager
async def verified(there: Settings, *, keys_apart: bool = True) -> AsyncIterator[int]:
    """The database of that place, opened with its whole log verified; answers how many entries the log has.

    Keys that came in a file apart may be of a later day, when some of them had ended already.
    """
    usual = settings.get()
    settings.use(there)
    try:
        await db.open_database()
        await db.migrate()
        await vault.check_master_key()
        if keys_apart:
            await ended_evidence.let_go()
        report = await audit.verify_log()
        if not report.ok:
            raise _refused(" ".join(report.problems[:3]))
        yield report.size
    finally:
        await db.close()
        settings.use(usual)


def _unpack(way: Copying, file: Path, keys: Path | None, place: Settings) -> None:
    try:
        told, content = backup.opened(vault.files.read(file, backup.USE))
        if told["database"] != way.KIND:
            raise ValueError(f"{file} holds a database of {told['database']}, but PORTAL_DATABASE_URL names one of {way.KIND}.")
        way.fill(place, content)
        if way.counts(place) != told["counts"]:
            raise ValueError(f"{file} does not hold the rows that were counted when it was made.")
        keys = keys or backup.keys_for(file)
        way.put_keys_back(place, map(json.loads, _lines(vault.files.read(keys, backup.USE_OF_KEYS))))
        if _made_at(vault.files.about(keys, backup.USE_OF_KEYS)) < _made_at(told):
            raise ValueError(f"{keys} is older than {file}: the keys of whoever came in between are missing.")
    except (vault.Tampered, OSError, ValueError, KeyError, TypeError) as problem:
        raise _refused(str(problem)) from problem


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        yield from whole


def _made_at(about: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(about["made_at"])


def lay_beside(private: Path) -> bytes | None:
    """The safety log, to be replayed there; answers what the lock file holds. That one stays away: it knows a later state."""
    safety, lock = (settings.get().var / name for name in ("safety.log", "audit.lock"))
    if safety.exists():
        shutil.copy(safety, private)
    return lock.read_bytes() if lock.exists() else None


def _traces() -> tuple[bytes | None, int]:
    """What a portal leaves outside its database when it signs: the last signature, and how long the safety log is."""
    safety, lock = (settings.get().var / name for name in ("safety.log", "audit.lock"))
    return lock.read_bytes() if lock.exists() else None, safety.stat().st_size if safety.exists() else 0


def _files() -> list[tuple[int, int]]:
    """What a portal leaves that was killed before it could sign: with SQLite the database's own files tell."""
    usual = settings.get()
    if not usual.is_sqlite:
        return []
    found = [Path(usual.database.removeprefix("sqlite:///") + end) for end in ("", "-wal")]
    told = [each.stat() for each in found if each.exists()]
    return [(each.st_size, each.st_mtime_ns) for each in told if each.st_size]


def _refused(reason: str) -> Invalid:
    return Invalid(f"{reason} Nothing was restored and nothing was changed.")
