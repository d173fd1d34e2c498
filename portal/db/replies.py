"""The same request twice has one effect: the first reply is kept and given again (Idempotency-Key)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from portal.db.statements import row, run
from portal.db.transactions import writing
from portal.lib import clock
from portal.lib.errors import Conflict

KEPT = timedelta(days=2)


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
