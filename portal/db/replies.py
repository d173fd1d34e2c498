"""The same request twice has one effect: the first reply is kept and given again (Idempotency-Key)."""

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

from portal.db.statements import many, row, rows, run
from portal.db.transactions import writing
from portal.lib import clock
from portal.lib.errors import Conflict

KEPT = timedelta(days=2)
AT_ONCE = 500


async def reply_once(key: str, request_hash: bytes, work: Callable[[], Awaitable[str]]) -> str:
    """Do `work` once per `key`, in the transaction that keeps its reply; the same key with another body is a Conflict."""
    async with writing():
        kept = await row("SELECT request_hash, body FROM reply WHERE key = ?", key)
        if kept is None:
            body = await work()
            until = clock.micros(clock.now() + KEPT)
            await run(
                "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, ?, ?)", key, request_hash, body, until
            )
            return body
    if bytes(kept["request_hash"]) != request_hash:
        raise Conflict("This Idempotency-Key was used for a different request. Use a new key for a new request.")
    return str(kept["body"])


async def kept_replies(keys: Collection[str]) -> dict[str, tuple[bytes, str]]:
    """Hash of the request and reply by key, for those that were answered before."""
    found: dict[str, tuple[bytes, str]] = {}
    for start in range(0, len(keys), AT_ONCE):
        part = sorted(keys)[start : start + AT_ONCE]
        kept = await rows(f"SELECT key, request_hash, body FROM reply WHERE key IN ({', '.join('?' * len(part))})", *part)
        found |= {each["key"]: (bytes(each["request_hash"]), each["body"]) for each in kept}
    return found


async def keep_replies(replies: list[tuple[str, bytes, str]]) -> None:
    """Inside the `writing()` of what they answer: key, hash of the request, reply."""
    until = clock.micros(clock.now() + KEPT)
    await many(
        "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, ?, ?)", [(*each, until) for each in replies]
    )
