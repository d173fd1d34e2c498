"""The coded note that keeps others from adding an address again: its keyed hash alone (GDPR Art. 17, 21(3))."""

from datetime import datetime

from portal import audit, db, vault
from portal.lib import clock, ids
from portal.subjects import events
from portal.subjects.canonical import BLIND_KEY, canonical


async def suppress(kind: str, value: str, *, basis: str, by: str, ends_at: datetime | None = None) -> bool:
    """Keep the coded note that this address must not be added again; inside `writing()`. False: it was there already."""
    return await note(kind, vault.blind(kind, canonical(kind, value)), basis, by, ends_at)


async def is_suppressed(kind: str, value: str) -> bool:
    return await is_noted(kind, vault.blind(kind, canonical(kind, value)))


async def is_noted(kind: str, blind: bytes) -> bool:
    found = await db.row(
        "SELECT 1 AS one FROM suppression WHERE kind = ? AND hash = ? AND (ends_at IS NULL OR ends_at > ?)",
        *(kind, blind, clock.micros(clock.now())),
    )
    return found is not None


async def note(kind: str, hashed: bytes, basis: str, by: str, ends_at: datetime | None) -> bool:
    note_id = ids.new()
    until = None if ends_at is None else clock.micros(ends_at)
    added = await db.run(
        "INSERT INTO suppression (id, kind, hash, hash_key, basis, since, ends_at, by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, hash) DO NOTHING",
        *(note_id, kind, hashed, BLIND_KEY, basis, clock.micros(clock.now()), until, by),
    )
    if added:
        await audit.record(events.SUPPRESSED, actor=by, object=note_id, payload={"basis": basis})
    return bool(added)
