"""The same request twice has one effect: the first reply is kept and given again (Idempotency-Key).

Replies are kept in the transaction of what they answer. Where another process was faster by a moment, the key is taken,
the transaction fails as a whole, and whoever asks again finds the first reply.
"""

from collections.abc import Collection
from datetime import timedelta

from portal.db.statements import many, rows
from portal.lib import clock

REPLIES_KEPT = timedelta(days=2)
AT_ONCE = 500


async def kept_replies(keys: Collection[str]) -> dict[str, tuple[bytes, str]]:
    """Hash of the request and reply by key, for those that were answered before."""
    wanted, found = sorted(keys), dict[str, tuple[bytes, str]]()
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        kept = await rows(f"SELECT key, request_hash, body FROM reply WHERE key IN ({', '.join('?' * len(part))})", *part)
        found |= {each["key"]: (bytes(each["request_hash"]), each["body"]) for each in kept}
    return found


async def keep_replies(replies: list[tuple[str, bytes, str]], kept: timedelta = REPLIES_KEPT) -> None:
    """Inside the `writing()` of what they answer: key, hash of the request, reply."""
    until = clock.micros(clock.now() + kept)
    await many(
        "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, ?, ?)", [(*each, until) for each in replies]
    )
