"""Sealed bulk: findings, packages, uploads. Written and read in chunks of 64 KiB, so size never meets memory.

Each chunk is bound to its blob, its number and whether it is the last one: reordering, cutting or mixing shows.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from portal.db import row, rows, run
from portal.lib import clock, ids
from portal.vault.fields import Place, Tampered, seal, unseal
from portal.vault.keys import Key, key_by_id

CHUNK = 64 * 1024


async def store_blob(key: Key, content: bytes | AsyncIterator[bytes], keep_until: datetime | None = None) -> str:
    """Seal `content` under `key`; inside `writing()`. Answers the blob's id."""
    blob_id = ids.new()
    until = None if keep_until is None else clock.micros(keep_until)
    created = clock.micros(clock.now())
    await run(
        "INSERT INTO blob (id, key_id, size, created_at, keep_until) VALUES (?, ?, 0, ?, ?)", blob_id, key.id, created, until
    )
    number = size = 0
    pending = b""
    async for piece in _pieces(content):
        pending, at = pending + piece, 0
        while len(pending) - at > CHUNK:
            await _store_chunk(key, blob_id, number, pending[at : at + CHUNK], last=False)
            at, number = at + CHUNK, number + 1
        pending, size = pending[at:], size + at
    await _store_chunk(key, blob_id, number, pending, last=True)
    await run("UPDATE blob SET size = ? WHERE id = ?", size + len(pending), blob_id)
    return blob_id


async def read_blob(blob_id: str) -> AsyncIterator[bytes]:
    """The content again, chunk by chunk; raises Shredded, or Tampered when a chunk is missing or changed."""
    stored = await row("SELECT key_id FROM blob WHERE id = ?", blob_id)
    key = await key_by_id(stored["key_id"] if stored else "")
    counted = await row("SELECT count(*) AS chunks FROM blob_chunk WHERE blob_id = ?", blob_id)
    chunks = counted["chunks"] if counted else 0
    if not chunks:
        raise Tampered(f"Blob {blob_id} has lost its content.")
    for number in range(chunks):
        found = await rows("SELECT sealed FROM blob_chunk WHERE blob_id = ? AND number = ?", blob_id, number)
        if not found:
            raise Tampered(f"Blob {blob_id} has lost its part {number}.")
        yield unseal(key.secret, _place(blob_id, number, last=number == chunks - 1), bytes(found[0]["sealed"]))


async def drop_blob(blob_id: str) -> None:
    """Delete a blob; inside `writing()`."""
    await run("DELETE FROM blob WHERE id = ?", blob_id)


async def drop_expired_blobs(limit: int = 100, *, spared: Mapping[str, Sequence[str]] | None = None) -> int:
    """Delete blobs whose time is over, a portion at a time; inside `writing()`. Answers how many.

    `spared`: whose keys (owners by kind) still hold theirs, though their time is over.
    """
    owners = {kind: mine for kind, mine in (spared or {}).items() if mine}
    theirs = " OR ".join(f"(kind = ? AND owner IN ({', '.join('?' * len(mine))}))" for mine in owners.values())
    but = f" AND key_id NOT IN (SELECT id FROM data_key WHERE {theirs})" if owners else ""
    known = [each for kind, mine in owners.items() for each in (kind, *mine)]
    sql = f"DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE keep_until <= ?{but} LIMIT ?)"
    return await run(sql, clock.micros(clock.now()), *known, limit)


async def _store_chunk(key: Key, blob_id: str, number: int, plain: bytes, *, last: bool) -> None:
    sealed = seal(key.secret, _place(blob_id, number, last=last), plain)
    await run("INSERT INTO blob_chunk (blob_id, number, sealed) VALUES (?, ?, ?)", blob_id, number, sealed)


async def _pieces(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _place(blob_id: str, number: int, *, last: bool) -> Place:
    return Place("blob_chunk", "last" if last else "more", f"{blob_id}/{number}")
