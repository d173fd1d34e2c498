"""`audit.lock` in the var folder: the last checkpoint this machine has signed, kept outside the database.

A database that is behind it is a restored copy; signing on from there would fork the log, and everyone who holds a
newer receipt could prove it. The file is replaced whole (written aside, fsynced, renamed), never edited.
"""

import fcntl
import os
from pathlib import Path

from portal import vault
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, read_checkpoint, verifier_key
from portal.audit.succession import is_kin, order
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
    """The checkpoint in the lock file, of this log or of one before or after it (succession); None if there is no file
    yet. Raises LogBroken when it is none of this portal."""
    return opened(stored(), key)


def opened(held: bytes | None, key: VerifierKey) -> Checkpoint | None:
    if held is None:
        return None
    try:
        origin = read_checkpoint(held.decode()).origin
        kin = [verifier_key(origin, vault.signing_seed())] if is_kin(origin, key.name) else []
        return open_checkpoint(held.decode(), [key, *kin])
    except (NoteError, UnicodeDecodeError) as problem:
        told = f"{path()} is damaged or of another log, or PORTAL_LOG_KEY is another key ({problem})"
        raise LogBroken(f"{told}. Put it back; without it a fork goes unseen.") from problem


def keep(checkpoint: Checkpoint, key: VerifierKey) -> None:
    """Make `checkpoint` the last signed one, durably; one that is newer already stays."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may sequence by turns and come here in another order than they committed.
    with target.with_suffix(".lock-turn").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        known = last_signed(key)
        if known is not None and order(known) >= order(checkpoint):
            return
        aside = target.with_suffix(".lock-new")
        with aside.open("w", encoding="utf-8") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        vault.files.sync_folder(target.parent)
