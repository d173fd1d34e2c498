"""Forgetting a person (GDPR Art. 17), and the coded note that keeps others from adding them again.

Destroying the life keys makes everything sealed under them unreadable, also in backups, which carry no keys.
"""

from dataclasses import dataclass
from datetime import datetime

from portal import audit, db, vault
from portal.lib import clock, ids
from portal.subjects import events
from portal.subjects.canonical import canonical
from portal.subjects.identifiers import BLIND_KEY
from portal.subjects.links import whole

CONTACT_KINDS = ("email", "phone", "post")


@dataclass(frozen=True)
class Forgotten:
    """What was destroyed, in figures for the certificate."""

    subjects: list[str]
    identifiers: int
    keys: int
    notes: int


async def forget(subject_id: str, *, by: str, case: str | None = None, keep_note: bool = False) -> Forgotten:
    """Erase the whole person: life keys, values and blind indexes; inside `writing()`. Doing it again changes nothing.

    With `keep_note` (the person asked for it) the keyed hashes of their addresses stay in `suppression`.
    """
    person = await whole(subject_id)
    living = [each for each in person.identifiers if each.erased_at is None]
    now = clock.micros(clock.now())
    notes = 0
    for each in living:
        if keep_note and each.kind in CONTACT_KINDS:
            notes += await _note(each.kind, each.blind, "asked when erased", by, None)
        # A hash of the row's own id takes the place of the blind index: the address may come back as somebody new.
        free = vault.blind("erased", each.id)
        await db.run("UPDATE identifier SET value = NULL, blind = ?, erased_at = ? WHERE id = ?", free, now, each.id)
    keys = [await vault.shred("life", each) for each in person.subjects]
    marks = ", ".join("?" * len(person.subjects))
    erased = await db.run(f"UPDATE subject SET erased_at = ? WHERE erased_at IS NULL AND id IN ({marks})", now, *person.subjects)
    if erased:
        await audit.record(events.ERASED, actor=by, subject=person.subjects[0], case=case, count=sum(keys))
    return Forgotten(person.subjects, len(living), sum(keys), notes)


async def suppress(kind: str, value: str, *, basis: str, by: str, ends_at: datetime | None = None) -> bool:
    """Keep the coded note that this address must not be added again; inside `writing()`. False: it was there already."""
    return await _note(kind, vault.blind(kind, canonical(kind, value)), basis, by, ends_at)


async def is_suppressed(kind: str, value: str) -> bool:
    found = await db.row(
        "SELECT 1 AS one FROM suppression WHERE kind = ? AND hash = ? AND (ends_at IS NULL OR ends_at > ?)",
        *(kind, vault.blind(kind, canonical(kind, value)), clock.micros(clock.now())),
    )
    return found is not None


async def _note(kind: str, hashed: bytes, basis: str, by: str, ends_at: datetime | None) -> bool:
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
