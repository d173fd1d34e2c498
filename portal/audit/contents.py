"""The second half of verification: do the sealed contents say what the leaves commit to, column by column?"""

import hmac
from collections.abc import AsyncIterator, Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from tortoise.exceptions import OperationalError

from portal import vault
from portal.audit import events
from portal.audit.entries import unsealed
from portal.audit.leaves import Leaf, base64url, commitment, opened_statement, particulars, precise, tombstone
from portal.db import rows
from portal.lib import clock
from portal.paper import _
from portal.vault import Key

KEYS_KEPT = 20_000
Found = Callable[[str, int | None], None]


class Contents:
    """Checks entries chunk by chunk; counts those whose contents were erased."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._keys: dict[tuple[str, str], Key] = {}
        self.erased = 0
        self.waiting = 0

    async def check(self, leaves: dict[int, Leaf], low: int, high: int, stored: AsyncIterator[dict[str, Any]]) -> None:
        entries = {each["log_index"]: each async for each in stored}
        await self._load_keys(list(entries.values()))
        for index in range(low, high):
            entry, leaf = entries.get(index), leaves.get(index)
            if entry is None:
                self._found(_("What belongs to entry %s is missing.") % index, index)
            elif leaf is not None:
                clear = (base64url(bytes(entry["commitment"])), entry["event"], entry["n"], entry["d"])
                if clear != (leaf.commitment, leaf.event, leaf.count, leaf.digest):
                    self._found(_("Entry %s is not what the log says.") % index, index)
                self._check_contents(entry, index)

    async def check_waiting(self) -> int:
        """Check the entries that have no place yet; answers how many erasures are announced among them."""
        announced = 0
        try:
            stored = await rows(f"{_WAITING} ORDER BY id")
        except OperationalError as problem:
            self._found(_("The waiting entries cannot be read: %s") % problem, None)
            return 0
        await self._load_keys(stored)
        for entry in stored:
            self._check_contents(entry, None)
            self.waiting += 1
            announced += (entry["n"] or 0) if entry["event"] == events.SHREDDED.name else 0
        return announced

    def _check_contents(self, entry: dict[str, Any], index: int | None) -> None:
        name = entry["id"] if index is None else index
        if entry["sealed"] is None:
            self.erased += 1
            if not _is_tombstone(entry):
                self._found(_("Entry %s was erased, but not as the portal erases.") % name, index)
            return
        key = self._keys.get(_owner(entry))
        if key is None or key.id != entry["key_id"]:
            self._found(
                _("The contents of entry %s cannot be opened: their key is gone, and no erasure was recorded.") % name, index
            )
            return
        try:
            salt, said = unsealed(key, entry["id"], bytes(entry["sealed"]))
            same = hmac.compare_digest(commitment(salt, said), bytes(entry["commitment"]))
            same = same and opened_statement(said)[0] == _particulars(entry)
        except (vault.Tampered, ValueError, TypeError, OverflowError):
            same = False
        if not same:
            self._found(_("The contents of entry %s were changed.") % name, index)

    async def _load_keys(self, entries: list[dict[str, Any]]) -> None:
        if len(self._keys) > KEYS_KEPT:
            self._keys.clear()
        missing: dict[str, set[str]] = {}
        for entry in entries:
            kind, owner = _owner(entry)
            if entry["sealed"] is not None and (kind, owner) not in self._keys:
                missing.setdefault(kind, set()).add(owner)
        for kind, owners in missing.items():
            wanted = sorted(owners)
            for at in range(0, len(wanted), 500):
                found = await _keys_of(kind, wanted[at : at + 500])
                self._keys |= {(kind, owner): key for owner, key in found.items()}


_WAITING = """SELECT id, event, log_index, recorded_at, actor, subject, case_id, object, key_id, sealed, commitment, n, d
 FROM entry WHERE log_index IS NULL"""


async def _keys_of(kind: str, owners: list[str]) -> dict[str, Key]:
    """The keys that there are and that open: a damaged one counts as gone."""
    try:
        return await vault.keys_of(kind, owners)
    except InvalidTag:
        if len(owners) == 1:
            return {}
        middle = len(owners) // 2
        return await _keys_of(kind, owners[:middle]) | await _keys_of(kind, owners[middle:])


def _owner(entry: dict[str, Any]) -> tuple[str, str]:
    if entry["case_id"]:
        return "record", entry["case_id"]
    return ("evidence", entry["subject"]) if entry["subject"] else ("portal", "")


def _is_tombstone(entry: dict[str, Any]) -> bool:
    emptied = all(entry[column] is None for column in ("recorded_at", "subject", "case_id", "key_id"))
    return emptied and not entry["actor"] and not entry["object"] and entry["id"] == tombstone(bytes(entry["commitment"]))


def _particulars(entry: dict[str, Any]) -> dict[str, Any]:
    """The statement's particulars as the columns have them: equal only if every column says what was committed."""
    return particulars(
        id=entry["id"],
        event=entry["event"],
        at=precise(clock.from_micros(entry["recorded_at"])),
        actor=entry["actor"],
        subject=entry["subject"],
        case=entry["case_id"],
        object=entry["object"],
    )
