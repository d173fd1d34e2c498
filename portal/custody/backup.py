"""`portal backup`: one sealed file with everything but the data keys, and a second one with the keys.

The keys' file is kept 30 days at most: after that an erased person's data cannot be read in any older backup either.
Whoever has neither the files' master key nor the keys' file reads nothing.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from portal import audit, db, settings, subjects, vault
from portal.custody import events, sqlite_copy
from portal.custody.copying import Copying, scratch
from portal.lib import clock
from portal.lib.errors import Invalid, Unavailable

USE, USE_OF_KEYS = "backup", "key backup"
KEEP_KEYS = timedelta(days=30)
_ENTRIES = "leaf"


@dataclass(frozen=True)
class Made:
    """The two files, how many entries the log in them has, and how many older key files were destroyed."""

    data: Path
    keys: Path
    entries: int
    bytes: int
    destroyed: int


async def make(folder: Path) -> Made:
    """Back the open database up into that folder, while it is used. Raises Unavailable when there is no room, or no access."""
    origin = (await audit.log_key()).name
    try:
        made = await asyncio.to_thread(_make, folder, origin)
    except (OSError, sqlite3.Error) as problem:
        raise Unavailable(f"No backup was made: {problem}. Earlier ones are as they were.") from problem
    async with db.writing():
        payload = {"file": made.data.name, "entries": made.entries, "bytes": made.bytes, "keys_destroyed": made.destroyed}
        await audit.record(events.BACKED_UP, actor="system", payload=payload)
        if not settings.get().is_sqlite:
            # What was destroyed meanwhile stays in the table for as long as a snapshot is held that still sees it.
            await subjects.evidence.scrub_soon()
    return made


def way() -> Copying:
    """How the database that the settings name is copied."""
    if settings.get().is_sqlite:
        return sqlite_copy
    from portal.custody import postgresql_copy  # SQLite's portals never load the driver

    return postgresql_copy


def newest(folder: Path) -> Path:
    """The newest backup in a folder, by the name that `make` gives."""
    found = sorted(folder.glob("portal-*.backup"))
    if not found:
        raise Invalid(f"There is no backup in {folder}.")
    return found[-1]


def reaches(backup: Path) -> list[tuple[str, int]]:
    """Of a backup and those beside it, which log they hold and how many entries. Raises Invalid for one that does not say."""
    return [_reach(each) for each in sorted({backup, *backup.parent.glob("*.backup")})]


def opened(pieces: Iterator[bytes]) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The line about a copy, and the copy."""
    line = b""
    while b"\n" not in line:
        line += next(pieces, b"\n")
    line, _break, rest = line.partition(b"\n")
    told: dict[str, Any] = json.loads(line)
    return told, chain([rest], pieces)


def keys_for(backup: Path) -> Path:
    """The newest keys beside a backup, its own or later ones: they lack the keys of those who were erased since."""
    found = sorted(each for each in backup.parent.glob("portal-*.keys") if each.stem >= backup.stem)
    if not found:
        raise Invalid(
            f"There are no keys for {backup} beside it (portal-….keys of the same or a later day). Name them with --keys."
        )
    return found[-1]


def _make(folder: Path, origin: str) -> Made:
    folder.mkdir(parents=True, exist_ok=True)
    now = clock.now()
    stem = f"portal-{now:%Y%m%dT%H%M%S%f}Z"
    data, keys = folder / f"{stem}.backup", folder / f"{stem}.keys"
    about = {"made_at": clock.rfc3339(now), "database": way().KIND}
    with scratch() as private, way().taken(private) as taken:
        told = json.dumps(about | {"counts": taken.counts, "origin": origin}, sort_keys=True).encode() + b"\n"
        # The keys come first: a backup that is there has its keys.
        destroy = {"destroy_after": clock.rfc3339(now + KEEP_KEYS)}
        vault.files.write(keys, USE_OF_KEYS, about | destroy, taken.keys)
        try:
            vault.files.write(data, USE, about, chain([told], taken.content))
        except BaseException:  # a full disk, or a database that went away: keys alone are of no use
            keys.unlink()
            raise
    return Made(data, keys, taken.counts[_ENTRIES], data.stat().st_size, _destroy_old_keys(folder, now))


def _reach(backup: Path) -> tuple[str, int]:
    try:
        told, _copy = opened(vault.files.read(backup, USE))
        return str(told["origin"]), int(told["counts"][_ENTRIES])
    except (vault.Tampered, OSError, ValueError, KeyError) as problem:
        raise Invalid(f"How far {backup} reaches cannot be told: {problem}.") from problem


def _destroy_old_keys(folder: Path, now: datetime) -> int:
    destroyed = 0
    for each in folder.glob("portal-*.unfinished"):  # of a backup that was killed: no other takes a day
        if each.stat().st_mtime < (now - timedelta(days=1)).timestamp():
            each.unlink()
    for each in folder.glob("portal-*.keys"):
        try:
            until = _destroy_after(vault.files.about(each, USE_OF_KEYS))
        except vault.Tampered:
            continue  # of another portal, or damaged: nothing we may judge
        if until is not None and until <= now:
            each.unlink()
            destroyed += 1
    return destroyed


def _destroy_after(about: dict[str, Any]) -> datetime | None:
    text = about.get("destroy_after")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
