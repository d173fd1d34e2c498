"""The second half of verification: does each entry say what its leaf commits to, column by column, sealed contents too?

Goes through every entry there ever was, so what many have alike is worked out once: keys by owner, leaves by what follows
the commitment, moments by their second.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tortoise.exceptions import OperationalError

from portal import vault
from portal.audit import events
from portal.audit.entries import unsealed
from portal.audit.leaves import (
    BEGINNING,
    Leaf,
    LeafError,
    beginning_of,
    commitment,
    opened_statement,
    particulars,
    precise,
    read_leaf,
    states,
    tombstone,
)
from portal.audit.stretches import Found, stretch
from portal.db import tuples
from portal.lib import clock
from portal.lib.errors import Unavailable
from portal.paper import _
from portal.vault import Key

KEYS_KEPT = 8_000  # each with its cipher, about 2 KiB
LEAVES_KEPT = 10_000
_SECOND = 1_000_000
_COLUMNS = "id, event, log_index, recorded_at, actor, subject, case_id, object, key_id, sealed, commitment, n, d"
_ENTRIES = f"SELECT {_COLUMNS} FROM entry WHERE log_index >= ? AND log_index < ? ORDER BY log_index"
_WAITING = f"SELECT {_COLUMNS} FROM entry WHERE log_index IS NULL ORDER BY id"
_ID, _EVENT, _INDEX, _SUBJECT, _CASE, _KEY, _SEALED, _COMMITMENT, _COUNT = 0, 1, 2, 5, 6, 8, 9, 10, 11
Stored = Sequence[Any]


class Contents:
    """Checks entries chunk by chunk; counts those whose contents were erased, and the erasures that the log tells of."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._keys: dict[tuple[str, str], Key] = {}
        self._leaves: dict[bytes, Leaf] = {}
        self._before = ""
        self.erased = 0
        self.explained = 0
        self.waiting = 0

    async def check(self, low: int, leaves: Sequence[bytes]) -> None:
        """The entries of these leaves, which stand in the log from `low` on."""
        stored = await stretch(_ENTRIES, low, low + len(leaves), self._found)
        entries = {each[_INDEX]: each for each in stored}
        await self._load_keys(stored)
        for index, leaf in enumerate(leaves, low):
            said, entry = self._read(leaf, index), entries.get(index)
            if entry is None:
                self._found(_("What belongs to entry %s is missing.") % index, index)
            elif said is not None:
                clear = (beginning_of(_bytes(entry[_COMMITMENT])), entry[_EVENT], *entry[_COUNT:])
                if clear != (leaf[:BEGINNING], said.event, said.count, said.digest):
                    self._found(_("Entry %s is not what the log says.") % index, index)
                self._check_contents(entry, index)

    async def check_waiting(self) -> None:
        """Check the entries that have no place yet, and count the erasures announced among them."""
        try:
            stored = await tuples(_WAITING)
        except OperationalError as problem:
            self._found(_("The waiting entries cannot be read: %s") % problem, None)
            return
        await self._load_keys(stored)
        for entry in stored:
            self._check_contents(entry, None)
            self.waiting += 1
            self.explained += (entry[_COUNT] or 0) if entry[_EVENT] == events.SHREDDED.name else 0

    def _read(self, leaf: bytes, index: int) -> Leaf | None:
        """What the leaf says; its commitment is compared where the entry is."""
        rest = leaf[BEGINNING:]
        said = self._leaves.get(rest)
        if said is None:
            try:
                said = read_leaf(leaf)
            except LeafError:
                self._found(_("Entry %s of the log is not readable.") % index, index)
                return None
            if len(self._leaves) > LEAVES_KEPT:
                self._leaves.clear()
            self._leaves[rest] = said
        if said.time < self._before:
            self._found(_("Entry %s is older than the one before it.") % index, index)
        self._before = said.time
        if said.count and said.event == events.SHREDDED.name:
            self.explained += said.count
        return said

    def _check_contents(self, entry: Stored, index: int | None) -> None:
        if entry[_SEALED] is None:
            self.erased += 1
            if not _is_tombstone(entry):
                self._found(_("Entry %s was erased, but not as the portal erases.") % _name(entry, index), index)
            return
        key = self._keys.get(_owner(entry))
        if key is None or key.id != entry[_KEY]:
            sentence = _("The contents of entry %s cannot be opened: their key is gone, and no erasure was recorded.")
            self._found(sentence % _name(entry, index), index)
        elif not _fits(entry, key):
            self._found(_("The contents of entry %s were changed.") % _name(entry, index), index)

    async def _load_keys(self, entries: Sequence[Stored]) -> None:
        if len(self._keys) > KEYS_KEPT:
            self._keys.clear()
        missing: dict[str, set[str]] = {}
        for entry in entries:
            kind, owner = of = _owner(entry)
            if of not in self._keys and entry[_SEALED] is not None:
                missing.setdefault(kind, set()).add(owner)
        for kind, owners in missing.items():
            wanted = sorted(owners)
            for at in range(0, len(wanted), 500):
                found = await _keys_of(kind, wanted[at : at + 500])
                self._keys |= {(kind, owner): key for owner, key in found.items()}


async def _keys_of(kind: str, owners: list[str]) -> dict[str, Key]:
    """The keys that there are and that open: a damaged one counts as gone."""
    try:
        return await vault.keys_of(kind, owners)
    except (vault.Tampered, Unavailable):  # the latter: it names a master key that nobody knows
        if len(owners) == 1:
            return {}
        middle = len(owners) // 2
        return await _keys_of(kind, owners[:middle]) | await _keys_of(kind, owners[middle:])


def _owner(entry: Stored) -> tuple[str, str]:
    if entry[_CASE]:
        return "record", entry[_CASE]
    return ("evidence", entry[_SUBJECT]) if entry[_SUBJECT] else ("portal", "")


def _name(entry: Stored, index: int | None) -> str | int:
    return entry[_ID] if index is None else index


def _is_tombstone(entry: Stored) -> bool:
    id, _event, _index, at, actor, subject, case, object, key, _sealed, committed, _n, _d = entry
    emptied = (at, actor, subject, case, object, key) == (None, "", None, None, "", None)
    return emptied and id == tombstone(_bytes(committed))


def _fits(entry: Stored, key: Key) -> bool:
    """Whether the contents are what was committed to, and every column says what they say."""
    id, event, _index, at, actor, subject, case, object, _key, sealed, committed, _n, _d = entry
    try:
        salt, said = unsealed(key, id, sealed)
        if commitment(salt, said) != committed:
            return False
        named = {"id": id, "event": event, "at": _precise(at), "actor": actor, "subject": subject, "case": case, "object": object}
        return states(said, **named) or opened_statement(said)[0] == particulars(**named)
    except (vault.Tampered, ValueError, TypeError, OverflowError, AttributeError):
        return False


def _precise(at: int) -> str:
    return f"{_to_the_second(at // _SECOND)}.{at % _SECOND:06d}Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return precise(clock.from_micros(seconds * _SECOND)).removesuffix(".000000Z")


def _bytes(stored: Any) -> bytes:
    """SQLite holds whatever somebody put into a column."""
    return stored if isinstance(stored, bytes) else b""
