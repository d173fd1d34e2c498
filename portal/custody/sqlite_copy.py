"""SQLite: a consistent copy without the keys while the portal goes on, and a restored copy put in the place of the old one.

The copy lies in a folder of its own inside PORTAL_VAR, readable by our user alone, and goes with it. Keys are overwritten in
it before the rest is sealed (secure_delete, no journal on the disk), so that no file keeps a key longer than the key backup.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from portal import settings, vault
from portal.custody.copying import KEY, PIECE, Taken, key_line, key_of
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.settings import Settings

KIND = "sqlite"


@contextmanager
def taken(private: Path) -> Iterator[Taken]:
    """A copy in a file of the private folder."""
    copy = private / "copy.db"
    with closing(sqlite3.connect(f"{_file().absolute().as_uri()}?mode=ro", uri=True)) as source:
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = MEMORY")
    yield Taken(_keys(copy), _counts(copy), _without_keys(copy))


def place(private: Path) -> Settings:
    """Where the portal would have its database if that folder were PORTAL_VAR."""
    return replace(settings.get(), var=private, database_url="")


def fill(place: Settings, content: Iterator[bytes]) -> None:
    """Write the file again; raises ValueError when it is damaged."""
    with _file(place).open("wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    with closing(sqlite3.connect(_file(place))) as opened:
        if opened.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise ValueError("The database in the backup is damaged.")


def counts(place: Settings) -> dict[str, int]:
    return _counts(_file(place))


def put_keys_back(place: Settings, keys: Iterable[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(_file(place))) as opened, opened:
        marks = ", ".join("?" * len(KEY))
        opened.executemany(f"INSERT INTO data_key ({', '.join(KEY)}) VALUES ({marks})", map(key_of, keys))


def remove(place: Settings) -> None:
    """It goes with the private folder."""


def is_there() -> bool:
    return _file().exists()


def require_nobody() -> None:
    """Refuse while a portal has the database open; what waits in its write-ahead log is written into it."""
    if not _file().exists():
        return
    try:
        with closing(sqlite3.connect(_file(), timeout=0, isolation_level=None)) as opened:
            opened.execute("PRAGMA locking_mode = EXCLUSIVE")
            opened.execute("BEGIN EXCLUSIVE")
            opened.execute("ROLLBACK")
    except sqlite3.OperationalError as problem:
        if "locked" in str(problem):
            raise Conflict("The portal is running on this database. Stop it first; nothing was changed.") from problem
    except sqlite3.DatabaseError:
        return  # it is damaged: that is why it is being replaced


require_replaceable = require_nobody


def put_in_place(place: Settings) -> str | None:
    """The copy becomes the database, in one step; the one before stays beside it."""
    require_nobody()
    copy = _file(place)
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    target, before = _file(), None
    if target.exists():
        before = target.with_name(f"{target.name}.before-{clock.now():%Y%m%dT%H%M%S%f}Z")
        os.link(target, before)
        for end in ("-wal", "-shm"):
            if (left := target.with_name(target.name + end)).exists():
                left.replace(before.with_name(before.name + end))
    copy.replace(target)
    vault.files.sync_folder(target.parent)
    return None if before is None else str(before)


def _file(of: Settings | None = None) -> Path:
    return Path((of or settings.get()).database.removeprefix("sqlite:///"))


def _keys(copy: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(copy)) as opened:
        opened.row_factory = sqlite3.Row
        for each in opened.execute(f"SELECT {', '.join(KEY)} FROM data_key ORDER BY id"):
            yield key_line(dict(each))


def _counts(copy: Path) -> dict[str, int]:
    with closing(sqlite3.connect(copy)) as opened:
        names = [each[0] for each in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        ours = [each for each in names if each != "data_key" and not each.startswith("sqlite_")]
        return {each: opened.execute(f'SELECT count(*) FROM "{each}"').fetchone()[0] for each in ours}


def _without_keys(copy: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(copy, isolation_level=None)) as opened:
        # Nobody goes back: a copy that fails is thrown away, and a million keys stay out of the memory too.
        opened.execute("PRAGMA journal_mode = OFF")
        opened.execute("PRAGMA secure_delete = ON")
        opened.execute("DELETE FROM data_key")
    with copy.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
