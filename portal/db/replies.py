"""The same request twice has one effect: the first reply is kept and given again (Idempotency-Key, a double click)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from portal.db.statements import row, run
from portal.db.transactions import writing
from portal.lib import clock
from portal.lib.errors import Conflict

KEPT = timedelta(days=2)


async def reply_once(key: str, request_hash: bytes, work: Callable[[], Awaitable[str]]) -> str:
    """Do `work` once per `key`, in the transaction that keeps its reply; the same key with another body is a Conflict.

    Whoever comes while the first is being answered waits for that answer; a Conflict when it takes seconds.
    """
    async with writing():
        if await _is_first(key, request_hash):
            body = await work()
            await run("UPDATE reply SET body = ? WHERE key = ?", body, key)
            return body
        kept = await row("SELECT request_hash, body FROM reply WHERE key = ?", key)
    if kept is None:  # tidied away between the two statements
        raise Conflict("This Idempotency-Key has just expired. Use a new key.")
    if bytes(kept["request_hash"]) != request_hash:
        raise Conflict("This Idempotency-Key was used for a different request. Use a new key for a new request.")
    return str(kept["body"])


async def _is_first(key: str, request_hash: bytes) -> bool:
    """Take the key before anything is done. Nobody sees the empty body: the row is committed together with the reply.

    On PostgreSQL an insert of the same key waits here until the first is committed (then it is not the first) or has
    failed (then it is). SQLite has one writer, which waits in `writing()`.
    """
    until = clock.micros(clock.now() + KEPT)
    try:
        taken = await run(
            "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, '', ?) ON CONFLICT (key) DO NOTHING",
            *(key, request_hash, until),
        )
    except TimeoutError as problem:
        raise Conflict("The first request with this Idempotency-Key is still being answered. Ask again in a while.") from problem
    return taken == 1
