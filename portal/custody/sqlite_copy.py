"""SQLite: a consistent copy without the keys while the portal goes on, and a restored copy put in the place of the old one.

The copy lies in a folder of its own inside PORTAL_VAR, readable by our user alone, and goes with it. Keys are overwritten in
it before anything else is done (secure_delete, no journal on the disk), so that no file keeps a key longer than the key backup.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from portal import settings, vault
from portal.lib import clock
from portal.lib.errors import Conflict

_PREFIX = "custody-"
_PIECE = 1 << 20
_KEY = ("id", "kind", "owner", "wrapped", "master", "created_at", "ends_at")


def database() -> Path:
    return Path(settings.get().database.removeprefix("sqlite:///"))


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder beside the database; one that a killed backup left behind goes as well."""
    var = settings.get().var
    var.mkdir(parents=True, exist_ok=True)
    for left in var.glob(_PREFIX + "*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=var) as folder:
        yield Path(folder)


def copy_without_keys(target: Path) -> list[dict[str, Any]]:
    """One consistent copy of the database in use; answers the keys that were taken out of it."""
    with closing(sqlite3.connect(f"{database().absolute().as_uri()}?mode=ro", uri=True)) as source:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = MEMORY")
            copy.execute("PRAGMA secure_delete = ON")
            copy.row_factory = sqlite3.Row
            keys = [dict(each) for each in copy.execute(f"SELECT {', '.join(_KEY)} FROM data_key ORDER BY id")]
            copy.execute("DELETE FROM data_key")
    return [each | {"wrapped": each["wrapped"].hex()} for each in keys]


def put_keys_back(copy: Path, keys: list[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        opened.executemany(
            f"INSERT INTO data_key ({', '.join(_KEY)}) VALUES ({', '.join('?' * len(_KEY))})",
            [[bytes.fromhex(each[name]) if name == "wrapped" else each[name] for name in _KEY] for each in keys],
        )


def counts(copy: Path) -> dict[str, int]:
    """Rows by table, but for the keys."""
    with closing(sqlite3.connect(copy)) as opened:
        names = [each[0] for each in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        ours = [each for each in names if each != "data_key" and not each.startswith("sqlite_")]
        return {each: opened.execute(f'SELECT count(*) FROM "{each}"').fetchone()[0] for each in ours}


def is_sound(copy: Path) -> bool:
    with closing(sqlite3.connect(copy)) as opened:
        return bool(opened.execute("PRAGMA quick_check").fetchone()[0] == "ok")


def content(copy: Path, told: dict[str, Any]) -> Iterator[bytes]:
    """What is sealed: a line about the copy, then the copy."""
    yield json.dumps(told, sort_keys=True).encode() + b"\n"
    with copy.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def unpack(pieces: Iterator[bytes], target: Path) -> dict[str, Any]:
    """The other way round: the copy as a file again; answers the line about it."""
    line = b""
    with target.open("wb") as file:
        for piece in pieces:
            if b"\n" not in line:
                line += piece
                if b"\n" in line:
                    line, _break, rest = line.partition(b"\n")
                    line += b"\n"
                    file.write(rest)
            else:
                file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    told: dict[str, Any] = json.loads(line)
    return told


def require_nobody() -> None:
    """Refuse while a portal has the database open; what waits in its write-ahead log is written into it."""
    if not database().exists():
        return
    try:
        with closing(sqlite3.connect(database(), timeout=0, isolation_level=None)) as opened:
            opened.execute("PRAGMA locking_mode = EXCLUSIVE")
            opened.execute("BEGIN EXCLUSIVE")
            opened.execute("ROLLBACK")
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise Conflict("The portal is running on this database. Stop it first; nothing was changed.") from problem
    except sqlite3.DatabaseError:
        return  # it is damaged: that is why it is being replaced


def put_in_place(copy: Path) -> Path | None:
    """The copy becomes the database, in one step; answers where the one before lies now."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    target, before = database(), None
    if target.exists():
        before = target.with_name(f"{target.name}.before-{clock.now():%Y%m%dT%H%M%SZ}")
        os.link(target, before)
        for end in ("-wal", "-shm"):
            if (left := target.with_name(target.name + end)).exists():
                left.replace(before.with_name(before.name + end))
    copy.replace(target)
    vault.files.sync_folder(target.parent)
    return before
