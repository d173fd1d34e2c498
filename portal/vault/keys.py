"""Data keys, one per person, case or officer and kind, each wrapped by the master key. Shredding deletes the row.

Kinds: `life` (contact data, messages) and `evidence` (decisions, texts seen) of a person, `case` (what was said and
written in a request) and `record` (its procedure, as proof), `officer`, and `portal` (owner '') for what belongs to nobody.
Beside them lie `lasting` secrets (lasting.py) and `check`, by which the master key is recognised (rotation.py).
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal import settings
from portal.db import many, row, rows, run, through, tuples
from portal.lib import clock, ids
from portal.vault.fields import Place, seal, unseal_with
from portal.vault.master import another_master_key, master_id, unwrap, wrap

AT_ONCE = 500


class Shredded(Exception):
    """The key is gone, and with it everything sealed under it."""


@dataclass(frozen=True)
class Key:
    """An unwrapped data key; keep it no longer than the request."""

    id: str
    secret: bytes

    def seal(self, place: Place, text: str) -> bytes:
        return seal(self.secret, place, text.encode())

    def open(self, place: Place, sealed: bytes) -> str:
        """The text again; raises Tampered when it was changed or lies elsewhere."""
        return unseal_with(self._cipher, place, sealed).decode()

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.secret)


async def key_for(kind: str, owner: str = "", ends_at: datetime | None = None) -> Key:
    """The key of that kind and owner, made if there is none yet; inside `writing()`."""
    return (await keys_for(kind, [owner], ends_at))[owner]


async def keys_for(kind: str, owners: Iterable[str], ends_at: datetime | None = None) -> dict[str, Key]:
    """The keys of many owners, those that are missing made in one statement; inside `writing()`."""
    wanted = sorted(set(owners))
    found = await keys_of(kind, wanted)
    missing = [(kind, owner) for owner in wanted if owner not in found]
    if not missing:
        return found
    new = {owner: key for (_kind, owner), key in (await make_keys(missing, ends_at)).items()}
    if settings.get().is_sqlite:  # nobody else writes meanwhile
        return found | new
    # PostgreSQL: another transaction may have been faster by a moment.
    return found | await keys_of(kind, sorted(new))


async def make_keys(wanted: Sequence[tuple[str, str]], ends_at: datetime | None = None) -> dict[tuple[str, str], Key]:
    """Keys for owners that are new themselves, by kind and owner, in one statement and without a look; inside `writing()`."""
    new = {each: Key(ids.new(), os.urandom(32)) for each in wanted}
    now, until = clock.micros(clock.now()), None if ends_at is None else clock.micros(ends_at)
    try:
        await many(
            "INSERT INTO data_key (id, kind, owner, wrapped, master, created_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, owner) DO NOTHING",
            [(key.id, kind, owner, wrap(key.secret, key.id), master_id(), now, until) for (kind, owner), key in new.items()],
        )
    except Exception as problem:
        if "the master key was changed" in str(problem):  # the trigger data_key_master
            raise another_master_key() from problem
        raise
    return new


async def find_key(kind: str, owner: str = "") -> Key | None:
    stored = await row("SELECT id, wrapped, master FROM data_key WHERE kind = ? AND owner = ?", kind, owner)
    return None if stored is None else _unwrap(stored)


async def key_by_id(key_id: str) -> Key:
    """Raises Shredded when the key was destroyed."""
    stored = await row("SELECT id, wrapped, master FROM data_key WHERE id = ?", key_id)
    if stored is None:
        raise Shredded("This was erased: its key no longer exists.")
    return _unwrap(stored)


async def keys_of(kind: str, owners: Sequence[str]) -> dict[str, Key]:
    """The keys of many owners; an owner whose key was shredded is missing."""
    found: dict[str, Key] = {}
    for start in range(0, len(owners), AT_ONCE):
        part = owners[start : start + AT_ONCE]
        sql = f"SELECT id, owner, wrapped, master FROM data_key WHERE kind = ? AND owner IN ({', '.join('?' * len(part))})"
        found |= {owner: Key(key, unwrap(wrapped, key, master)) for key, owner, wrapped, master in await tuples(sql, kind, *part)}
    return found


async def shred(kind: str, owner: str) -> bool:
    """Destroy a key and the blobs under it; inside `writing()`. Says whether there was one."""
    stored = await row("SELECT id FROM data_key WHERE kind = ? AND owner = ?", kind, owner)
    if stored is None:
        return False
    await run("DELETE FROM blob WHERE key_id = ?", stored["id"])
    await run("DELETE FROM data_key WHERE id = ?", stored["id"])
    return True


async def end_at(kind: str, owners: Sequence[str], at: datetime) -> int:
    """Let these keys end on a day, unless they end earlier; inside `writing()`. Answers how many."""
    until, marks = clock.micros(at), ", ".join("?" * len(owners))
    sql = f"UPDATE data_key SET ends_at = ? WHERE kind = ? AND owner IN ({marks}) AND (ends_at IS NULL OR ends_at > ?)"
    return await run(sql, until, kind, *owners, until)


async def ends_of(kind: str, owner: str) -> datetime | None:
    """When this key ends; None when it has no end, or is gone already."""
    stored = await row("SELECT ends_at FROM data_key WHERE kind = ? AND owner = ?", kind, owner)
    return None if stored is None or stored["ends_at"] is None else clock.from_micros(stored["ends_at"])


async def ended(kind: str, limit: int) -> list[str]:
    """The owners of keys whose end has come, those that waited longest first."""
    by = through("data_key_ends_at")
    sql = f"SELECT owner FROM data_key {by} WHERE kind = ? AND ends_at <= ? ORDER BY ends_at LIMIT ?"
    return [each["owner"] for each in await rows(sql, kind, clock.micros(clock.now()), limit)]


def _unwrap(stored: dict[str, Any]) -> Key:
    return Key(stored["id"], unwrap(bytes(stored["wrapped"]), stored["id"], stored["master"]))
