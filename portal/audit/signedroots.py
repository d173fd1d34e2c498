"""The part of verification that goes through every stored checkpoint: its signature, its place, the root that it claims.

Read along with the entries, a stretch at a time: a portal signs many times a minute, and all of it need not fit into memory.
"""

import asyncio
from collections.abc import Iterable

from tortoise.exceptions import OperationalError

from portal.audit.head import Head
from portal.audit.notes import Checkpoint, NoteError, open_checkpoint
from portal.audit.stretches import Found
from portal.audit.succession import keys_up_to, number_of
from portal.db import rows, tuples
from portal.paper import _

Roots = dict[int, list[bytes]]
AT_ONCE = 500


class SignedRoots:
    """The roots that were signed, by size: those of the stored checkpoints, and of `kept` ones from elsewhere."""

    def __init__(self, found: Found, now: Head, kept: Iterable[Checkpoint]) -> None:
        self._found = found
        self._now = now
        self._kept = list(kept)
        self._keys = keys_up_to(now.key)
        self._log = 0
        self._last = 0

    async def between(self, low: int, high: int) -> Roots:
        """Those of the first `low` + 1 up to the first `high` entries; the next call has to go on from `high`."""
        roots: Roots = {}
        for each in self._kept:
            if low < each.size <= high:
                roots.setdefault(each.size, []).append(each.root)
        for start in range(low, high, AT_ONCE):
            try:
                stored = await tuples(_CHECKPOINTS, start, min(start + AT_ONCE, high))
            except OperationalError as problem:
                self._found(_("The checkpoints cannot be read: %s") % problem, None)
                continue
            for size, note in stored:
                if signed := self._opened(size, note):
                    roots.setdefault(signed.size, []).append(signed.root)
            await asyncio.sleep(0)
        return roots

    async def finish(self) -> None:
        """After the last stretch: nothing lies beyond it, and the newest state was signed."""
        for each in await rows("SELECT size FROM checkpoint WHERE size <= 0 OR size > ? LIMIT 9", self._now.size):
            self._found(_("A checkpoint of %s entries lies in a wrong place.") % each["size"], None)
        if self._last != self._now.size:
            self._found(_("There is no signed checkpoint for the %s entries of the log.") % self._now.size, None)

    def _opened(self, size: int, note: str) -> Checkpoint | None:
        try:
            signed = open_checkpoint(note, self._keys)
        except (NoteError, ValueError) as problem:
            told = {"size": size, "problem": problem}
            self._found(_("The checkpoint of size %(size)s is not acceptable: %(problem)s") % told, None)
            return None
        if signed.size != size or number_of(signed.origin) < self._log:
            self._found(_("A checkpoint of %s entries lies in a wrong place.") % signed.size, None)
        self._log = number_of(signed.origin)
        self._last = max(self._last, signed.size)
        return signed


_CHECKPOINTS = "SELECT size, note FROM checkpoint WHERE size > ? AND size <= ? ORDER BY size"
