"""Recording: a row in the outbox, in the same transaction as the change. No change without an entry and vice versa.

The contents are sealed under the person's evidence key, the case's record key, or the portal's own, and fall with them.
"""

import os
from collections.abc import Callable
from typing import Any

from portal import vault
from portal.audit import events
from portal.audit.leaves import commitment, leaf_bytes, particulars, read_leaf, statement, tombstone
from portal.audit.vocabulary import Event
from portal.db import after_commit, in_writing, rows, run
from portal.lib import clock, ids
from portal.vault import Key, Place

BATCH = 1000
_SALT_TEXT = 64
_SHRED = """UPDATE entry SET id = ?, recorded_at = NULL, actor = '', subject = NULL, case_id = NULL, object = '', key_id = NULL,
 sealed = NULL WHERE id = ?"""
_woken: set[Callable[[], None]] = set()


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
    if not in_writing():
        raise RuntimeError("record() belongs inside the writing() of what it records.")
    entry, now = ids.new(), clock.now()
    said = particulars(id=entry, event=event.name, at=now, actor=actor, subject=subject, case=case, object=object)
    text = statement(said, payload or {})
    clear = digest.hex() if isinstance(digest, bytes) else digest
    salt = os.urandom(32)
    key = await _key(subject, case)
    committed = commitment(salt, text)
    read_leaf(leaf_bytes(committed, event.name, clock.rfc3339(now), count, clear))  # whatever cannot be a leaf fails here
    await run(
        "INSERT INTO entry (id, event, recorded_at, actor, subject, case_id, object, key_id, sealed, commitment, n, d)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        entry,
        event.name,
        clock.micros(now),
        actor,
        subject or None,
        case or None,
        object,
        key.id,
        key.seal(_place(entry), salt.hex() + text),
        committed,
        count,
        clear,
    )
    after_commit(_wake)
    return entry


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


async def _key(subject: str | None, case: str | None) -> Key:
    if case:
        return await vault.key_for("record", case)
    return await vault.key_for("evidence", subject) if subject else await vault.key_for("portal")


def _place(entry: str) -> Place:
    return Place("entry", "sealed", entry)
