"""The coded note that keeps others from adding an address again: its keyed hash alone (GDPR Art. 17, 21(3))."""

from collections.abc import Sequence
from datetime import datetime

from portal import audit, db, vault
from portal.lib import clock, ids
from portal.subjects import events
from portal.subjects.canonical import BLIND_KEY, canonical

AT_ONCE = 500


async def suppress(kind: str, value: str, *, basis: str, by: str, ends_at: datetime | None = None) -> bool:
    """Keep the coded note that this address must not be added again; inside `writing()`. False: it was there already."""
    return await note(kind, vault.blind(kind, canonical(kind, value)), basis, by, ends_at)


async def is_suppressed(kind: str, value: str) -> bool:
    return bool(await suppressed([(kind, value)]))


async def suppressed(addresses: Sequence[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
    """Of these addresses (kind and value) those that asked not to be added again, and since when."""
    places = {each: (each[0], vault.blind(each[0], canonical(*each))) for each in addresses}
    found = await noted(sorted(set(places.values())))
    return {each: found[place] for each, place in places.items() if place in found}


async def noted(places: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], datetime]:
    """Of these kinds and blind indexes those that stand under a note now, and since when."""
    found: dict[tuple[str, bytes], datetime] = {}
    now = clock.micros(clock.now())
    for kind in sorted({kind for kind, _blind in places}):
        blinds = sorted({blind for each, blind in places if each == kind})
        for start in range(0, len(blinds), AT_ONCE):
            part = blinds[start : start + AT_ONCE]
            marks = ", ".join("?" * len(part))
            sql = f"SELECT hash, since FROM suppression WHERE kind = ? AND hash IN ({marks}) AND (ends_at IS NULL OR ends_at > ?)"
            found |= {
                (kind, bytes(each["hash"])): clock.from_micros(each["since"]) for each in await db.rows(sql, kind, *part, now)
            }
    return found


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
