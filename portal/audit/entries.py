"""Recording: a row in the outbox, in the same transaction as the change. No change without an entry and vice versa.

The contents are sealed under the person's evidence key, the case's record key, or the portal's own, and fall with them.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import vault
from portal.audit import events
from portal.audit.leaves import commitment, leaf_bytes, particulars, precise, require_leaf, statement, tombstone
from portal.audit.vocabulary import Event
from portal.db import after_commit, in_writing, many, rows, run
from portal.lib import clock, ids
from portal.vault import Key, Place

BATCH = 1000
_SALT_TEXT = 64
_SHRED = """UPDATE entry SET id = ?, recorded_at = NULL, actor = '', subject = NULL, case_id = NULL, object = '', key_id = NULL,
 sealed = NULL WHERE id = ?"""
_woken: set[Callable[[], None]] = set()


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to record; see `record`."""

    event: Event
    actor: str
    subject: str | None = None
    case: str | None = None
    object: str = ""
    payload: dict[str, Any] | None = None
    count: int | None = None
    digest: str | bytes | None = None


async def record(
    event: Event,
    *,
    actor: str,
    subject: str | None = None,
    case: str | None = None,
    object: str = "",
    payload: dict[str, Any] | None = None,
    count: int | None = None,
    digest: str | bytes | None = None,
) -> str:
    """Record that something happened; inside `writing()`. Answers the entry's id.

    `payload` may name personal facts sparingly (a cell, a masked address, the hash of a text), never free text.
    `count` and `digest` (of something public) stay readable for everybody and for ever.
    """
    return (await record_many([Note(event, actor, subject, case, object, payload, count, digest)]))[0]


async def record_many(notes: Sequence[Note]) -> list[str]:
    """Record many things in the order given, with the same few statements; inside `writing()`."""
    if not in_writing():
        raise RuntimeError("Recording belongs inside the writing() of what is recorded.")
    if not notes:
        return []
    keys: dict[tuple[str, str], Key] = {}
    for kind in {_owner(note)[0] for note in notes}:
        of_kind = await vault.keys_for(kind, {_owner(note)[1] for note in notes if _owner(note)[0] == kind})
        keys |= {(kind, owner): key for owner, key in of_kind.items()}
    now = _Now(clock.now())
    written = [_row(note, keys[_owner(note)], now) for note in notes]
    await many(
        "INSERT INTO entry (id, event, recorded_at, actor, subject, case_id, object, key_id, sealed, commitment, n, d)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        written,
    )
    after_commit(_wake)
    return [str(each[0]) for each in written]


async def shred_payloads(*, subject: str | None = None, case: str | None = None, actor: str = "system") -> int:
    """Erase the contents of a person's entries (those under the evidence key) or of a case's; inside `writing()`.

    Whoever shreds that key calls this in the same transaction. What stays is the place in the log. Answers how many.
    """
    if (subject is None) == (case is None):
        raise ValueError("Shred either a subject's or a case's payloads.")
    condition = "case_id = ?" if case else "subject = ? AND case_id IS NULL"
    found = await rows(f"SELECT id, commitment FROM entry WHERE {condition} AND sealed IS NOT NULL ORDER BY id", case or subject)
    total = 0
    for at in range(0, len(found), BATCH):
        # Counted one by one: a row that somebody else shredded meanwhile is in their count.
        count = sum([await run(_SHRED, tombstone(bytes(each["commitment"])), each["id"]) for each in found[at : at + BATCH]])
        if count:
            # The count is clear and the names are not written anywhere: the verifier adds up, nobody learns who.
            await record(events.SHREDDED, actor=actor, count=count)
        total += count
    return total


def unsealed(key: Key, entry: str, sealed: bytes) -> tuple[bytes, str]:
    """Salt and statement of an entry; raises Tampered when it was changed or moved."""
    text = key.open(_place(entry), sealed)
    try:
        return bytes.fromhex(text[:_SALT_TEXT]), text[_SALT_TEXT:]
    except ValueError as problem:
        raise vault.Tampered(f"Entry {entry} holds no salt.") from problem


def wake_on_record(wake: Callable[[], None]) -> Callable[[], None]:
    """Call `wake` after each commit that recorded something; answers how to stop that."""
    _woken.add(wake)
    return lambda: _woken.discard(wake)


def _wake() -> None:
    for wake in list(_woken):
        wake()


def _owner(note: Note) -> tuple[str, str]:
    """Kind and owner of the key that the contents fall with."""
    if note.case:
        return "record", note.case
    return ("evidence", note.subject) if note.subject else ("portal", "")


class _Now:
    """One moment in the three ways an entry says it."""

    def __init__(self, at: datetime) -> None:
        self.micros, self.precise, self.seconds = clock.micros(at), precise(at), clock.rfc3339(at)


def _row(note: Note, key: Key, now: _Now) -> tuple[Any, ...]:
    entry, event = ids.new(), note.event.name
    named = particulars(
        id=entry, event=event, at=now.precise, actor=note.actor, subject=note.subject, case=note.case, object=note.object
    )
    text = statement(named, note.payload or {})
    clear = note.digest.hex() if isinstance(note.digest, bytes) else note.digest
    salt = os.urandom(32)
    committed = commitment(salt, text)
    require_leaf(leaf_bytes(committed, event, now.seconds, note.count, clear))
    return (
        *(entry, event, now.micros, note.actor, note.subject or None, note.case or None, note.object, key.id),
        *(key.seal(_place(entry), salt.hex() + text), committed, note.count, clear),
    )


def _place(entry: str) -> Place:
    return Place("entry", "sealed", entry)
