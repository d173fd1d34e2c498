"""A stretch of the log for whoever audits it: the places between two moments, and the signed states around them.

It goes by the times in the log itself, which everybody can read and which never go back.
"""

from dataclasses import dataclass
from datetime import datetime

from portal.audit.head import head
from portal.audit.leaves import LeafError, read_leaf
from portal.audit.lockfile import LogBroken
from portal.audit.notes import Checkpoint, NoteError, open_checkpoint
from portal.audit.succession import keys_up_to
from portal.db import row
from portal.lib import clock


@dataclass(frozen=True)
class Window:
    """The places from `low` up to, but without, `high`."""

    low: int
    high: int


async def between(start: datetime, end: datetime) -> Window:
    """The places of the entries whose time in the log is at or after `start` and before `end`."""
    size = (await head()).size
    low = await _first_since(clock.rfc3339(start), 0, size)
    return Window(low, await _first_since(clock.rfc3339(end), low, size))


async def signed_up_to(size: int) -> Checkpoint | None:
    """The last signed state of at most so many entries; None when none was signed before."""
    return await _signed("size <= ? ORDER BY size DESC", size)


async def signed_from(size: int) -> Checkpoint | None:
    """The first signed state of at least so many entries: it stays the same, whatever is added to the log later."""
    return await _signed("size >= ? ORDER BY size", size)


async def _first_since(time: str, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if await _time_of(middle) < time else (low, middle)
    return low


async def _time_of(index: int) -> str:
    stored = await row("SELECT bytes FROM leaf WHERE log_index = ?", index)
    try:
        if stored is not None:
            return read_leaf(bytes(stored["bytes"])).time
    except LeafError:
        pass
    raise LogBroken(f"Entry {index} of the log is missing or was changed. Run `portal audit verify`.")


async def _signed(condition: str, size: int) -> Checkpoint | None:
    stored = await row(f"SELECT note FROM checkpoint WHERE {condition} LIMIT 1", size)
    if stored is None:
        return None
    try:
        return open_checkpoint(stored["note"], keys_up_to((await head()).key))
    except NoteError as problem:
        raise LogBroken(f"A stored checkpoint cannot be accepted: {problem} Run `portal audit verify`.") from problem
