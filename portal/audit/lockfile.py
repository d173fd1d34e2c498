"""`audit.lock` in the var folder: the last checkpoint this machine has signed, kept outside the database.

A database that is behind it is a restored copy; signing on from there would fork the log, and everyone who holds a
newer receipt could prove it. The file is replaced whole (written aside, fsynced, renamed), never edited.
"""

import fcntl
import os
from pathlib import Path

from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint
from portal.settings import get


class LogBroken(Exception):
    """The log must not be signed any further; the message says why and what to do. The portal goes on serving."""


def path() -> Path:
    return get().var / "audit.lock"


def stored() -> bytes | None:
    """What the lock file holds; None if there is no file yet."""
    try:
        return path().read_bytes()
    except FileNotFoundError:
        return None


def last_signed(key: VerifierKey) -> Checkpoint | None:
    """The checkpoint in the lock file, None if there is no file yet; raises LogBroken when it is not one of this log."""
    return opened(stored(), key)


def opened(held: bytes | None, key: VerifierKey) -> Checkpoint | None:
    if held is None:
        return None
    try:
        return open_checkpoint(held.decode(), [key])
    except (NoteError, UnicodeDecodeError) as problem:
        told = f"{path()} is damaged or of another log ({problem})"
        raise LogBroken(f"{told}. Put it back; without it a fork goes unseen.") from problem


def keep(checkpoint: Checkpoint, key: VerifierKey) -> None:
    """Make `checkpoint` the last signed one, durably; one that is newer already stays."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may sequence by turns and come here in another order than they committed.
    with target.with_suffix(".lock-turn").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        known = last_signed(key)
        if known is not None and known.size >= checkpoint.size:
            return
        aside = target.with_suffix(".lock-new")
        with aside.open("w", encoding="utf-8") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
