"""What SQLite's portal does when its disk takes nothing more, and when its disk does not keep what it was given.

Takes nothing more (full, over a quota, a write refused): SQLite has undone the transaction whole, whoever asked hears 507,
and every two seconds somebody's write is tried on a fresh connection until one succeeds. Nothing is remembered from before:
each transaction reads what is there, and the sequencer compares the log's head with the lock file in each of its turns.

A commit that could not be flushed (fsync): nobody knows what the disk holds, and the next flush would succeed and lie, because
the system takes the lost pages for written. So nothing is acknowledged any more: the process ends at once, as by `kill -9`,
with 74 (EX_IOERR), and a mark in PORTAL_VAR lets whoever starts it again verify first. PostgreSQL has the same two rules of
its own.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from portal.lib.errors import Refusal
from portal.settings import get

TRIED_EACH = 2.0
_TAKES_NOTHING = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_PRIMARY = 0xFF
_log = structlog.get_logger("portal.db")


class NoRoom(Exception):
    """The disk takes nothing more at the moment: nothing was changed, and it may be sent again later."""


class _Disk:
    """What this process knows about its disk: when it may be written to again, and what to do when it fails."""

    again_at: float | None = None
    instead_of_ending: Callable[[], None] | None = None


_disk = _Disk()


def refuse_while_full() -> None:
    """Before a transaction: between two tries nobody waits in line to hear the same."""
    if _disk.again_at is not None and time.monotonic() < _disk.again_at:
        raise NoRoom("The disk took nothing a moment ago.")


def is_full() -> bool:
    """Whether the last write found no room."""
    return _disk.again_at is not None


def remember(*, full: bool) -> None:
    if full and not is_full():
        _log.error("disk_takes_nothing_more")
    elif is_full() and not full:
        _log.warning("disk_takes_writes_again")
    _disk.again_at = time.monotonic() + TRIED_EACH if full else None


def took_nothing(problem: BaseException | None) -> bool:
    """Whether a write was refused. What is undone then is undone: the frame that makes a commit is the last one written."""
    return _code(problem) in _TAKES_NOTHING


def end_if_lost(problem: BaseException) -> None:
    """After a failed commit. Does not return when the disk failed to keep it."""
    if _code(problem) & _PRIMARY != sqlite3.SQLITE_IOERR or took_nothing(problem):
        return
    _log.critical("disk_failed_at_commit", exc_info=problem)
    with suppress(OSError):  # a disk in this state may not take it either; then `portal serve --verify` is by hand
        unproven().touch()
    if _disk.instead_of_ending is not None:
        _disk.instead_of_ending()
    os._exit(os.EX_IOERR)


def unproven() -> Path:
    """The mark that what lies in the database was not verified since the disk failed."""
    return get().var / "disk.failed"


def when_disk_fails(begin_again: Callable[[], None]) -> None:
    """Called instead of ending; when it returns, the process ends all the same."""
    _disk.instead_of_ending = begin_again


def _code(problem: BaseException | None) -> int:
    """SQLite's extended error code; tortoise wraps what SQLite raised."""
    while problem is not None and not isinstance(problem, Refusal):  # a sentence for a person hides nothing that matters here
        if isinstance(problem, sqlite3.Error):
            return int(getattr(problem, "sqlite_errorcode", 0))
        problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    return 0
