"""Sealed bulk: findings, packages, uploads. Written and read in chunks of 64 KiB, so size never meets memory.

Each chunk is bound to its blob, its number and whether it is the last one: reordering, cutting or mixing shows.
What is large is stored ahead of the transaction that it belongs to, which only claims it: others want to write meanwhile.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from portal.db import many, row, rows, run, writing
from portal.lib import clock, ids
from portal.vault.fields import Place, Tampered, seal, unseal
from portal.vault.keys import Key, Shredded, key_by_id

CHUNK = 64 * 1024
CHUNKS_AT_ONCE = 8
UNCLAIMED = timedelta(days=1)  # how long what was stored ahead outlives a process that was killed


async def store_blob(key: Key, content: bytes | AsyncIterator[bytes], keep_until: datetime | None = None) -> str:
    """Seal `content` under `key`; inside `writing()`. Answers the blob's id."""
    blob_id = await _begin(key, clock.now(), keep_until)
    number = 0
    async for plain, last in _chunks(content):
        await _store(blob_id, [(number, _sealed(key, blob_id, number, plain, last=last))], len(plain))
        number += 1
    return blob_id


async def store_ahead(key: Key, content: bytes | AsyncIterator[bytes]) -> str:
    """The same in short transactions of its own, for one that will `claim_blob` it; whoever called it says `drop_unclaimed`
    in the end. Raises Shredded when the key falls meanwhile."""
    now = clock.now()
    async with writing():
        blob_id = await _begin(key, now, now + UNCLAIMED)
    waiting, size, number = list[tuple[int, bytes]](), 0, 0
    async for plain, last in _chunks(content):
        waiting.append((number, _sealed(key, blob_id, number, plain, last=last)))
        size, number = size + len(plain), number + 1
        if last or len(waiting) == CHUNKS_AT_ONCE:
            async with writing():
                await _store(blob_id, waiting, size)
            waiting, size = [], 0
    return blob_id


async def claim_blob(blob_id: str, keep_until: datetime | None = None) -> None:
    """Inside `writing()`: what was stored ahead belongs to something now. Raises Shredded when it is gone."""
    until = None if keep_until is None else clock.micros(keep_until)
    if not await run("UPDATE blob SET keep_until = ? WHERE id = ?", until, blob_id):
        raise Shredded("This was erased before it was needed.")


async def drop_unclaimed(blob_ids: Sequence[str]) -> None:
    """Delete those of them that nobody claimed."""
    if not blob_ids:
        return
    async with writing():
        marks = ", ".join("?" * len(blob_ids))
        await run(
            f"DELETE FROM blob WHERE id IN ({marks}) AND keep_until = created_at + ?",
            *blob_ids,
            UNCLAIMED // timedelta(microseconds=1),
        )


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


async def _begin(key: Key, created: datetime, keep_until: datetime | None) -> str:
    blob_id, until = ids.new(), None if keep_until is None else clock.micros(keep_until)
    sql = "INSERT INTO blob (id, key_id, size, created_at, keep_until) VALUES (?, ?, 0, ?, ?)"
    await run(sql, blob_id, key.id, clock.micros(created), until)
    return blob_id


async def _store(blob_id: str, chunks: Sequence[tuple[int, bytes]], size: int) -> None:
    if not await run("UPDATE blob SET size = size + ? WHERE id = ?", size, blob_id):
        raise Shredded("This was erased while it was written.")
    await many("INSERT INTO blob_chunk (blob_id, number, sealed) VALUES (?, ?, ?)", [(blob_id, *each) for each in chunks])


async def _chunks(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[tuple[bytes, bool]]:
    """CHUNK bytes at a time, and whether they are the last ones, which may be fewer or none."""
    pending = b""
    async for piece in _pieces(content):
        pending, at = pending + piece, 0
        while len(pending) - at > CHUNK:
            yield pending[at : at + CHUNK], False
            at += CHUNK
        pending = pending[at:]
    yield pending, True


async def _pieces(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _sealed(key: Key, blob_id: str, number: int, plain: bytes, *, last: bool) -> bytes:
    return seal(key.secret, _place(blob_id, number, last=last), plain)


def _place(blob_id: str, number: int, *, last: bool) -> Place:
    return Place("blob_chunk", "last" if last else "more", f"{blob_id}/{number}")
