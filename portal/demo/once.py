"""Sees that the demo company is made once and whole, whatever happened to an earlier try.

`demo.lock` names the database from before the first act until after the last; who holds the file makes the company, who
comes meanwhile waits. After a kill in between it still names it: what is there is thrown away and made anew.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import IO

from portal import db, documents, settings, vault
from portal.lib.errors import Conflict


async def once(make: Callable[[], Awaitable[None]]) -> bool:
    """Make the company unless the portal has one already; says whether it did."""
    wanted = settings.get()
    wanted.var.mkdir(parents=True, exist_ok=True)
    database = wanted.database if wanted.is_sqlite else "postgresql"
    with (wanted.var / "demo.lock").open("a+") as lock:
        _take(lock)
        lock.seek(0)
        if lock.read() == database:
            await _throw_away()
        elif await documents.keys("statement"):
            return False
        _write(lock, database)
        await make()
        _write(lock, "")
    return True


def _take(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("The demo company is being made by another process; waiting for it.")
        fcntl.flock(lock, fcntl.LOCK_EX)


async def _throw_away() -> None:
    """An empty portal again. Only what a half-made demo company left can lie here: nobody was served yet."""
    wanted = settings.get()
    if not wanted.is_sqlite:
        raise Conflict("The demo company was left half made. Empty the database, then start again.")
    # The file stays, only its tables go: the process that waits for us has it open.
    with closing(sqlite3.connect(wanted.database.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            database.execute(f'DROP TABLE "{name}"')
        database.execute("COMMIT")
    for name in ("audit.lock", "safety.log"):
        (wanted.var / name).unlink(missing_ok=True)
    shutil.rmtree(wanted.var / "demo", ignore_errors=True)
    await db.migrate()
    await vault.check_master_key()  # the keys that were read went with the tables


def _write(lock: IO[str], text: str) -> None:
    lock.truncate(0)
    lock.write(text)
    lock.flush()
    os.fsync(lock.fileno())
