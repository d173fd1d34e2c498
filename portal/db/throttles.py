"""How often something may happen, counted in the database so that a restart forgives nothing."""

from datetime import timedelta

from portal.db.statements import row
from portal.db.transactions import writing
from portal.lib import clock
from portal.lib.errors import TooMany


async def throttle(name: str, *, limit: int, per: timedelta, sentence: str) -> int:
    """Count one more `name` (a purpose and a blind key, never an address in clear) in the window that runs now.

    Answers how many are left; raises TooMany with `sentence` beyond `limit`. The count stays when the caller's own
    work fails afterwards, because it is committed first.
    """
    window = per // timedelta(microseconds=1)
    now = clock.micros(clock.now())
    async with writing():
        counted = await row(
            "INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, ?, ?, 1) ON CONFLICT (name) DO UPDATE SET"
            " count = CASE WHEN throttle.ends_at <= excluded.started_at THEN 1 ELSE throttle.count + 1 END,"
            " ends_at = CASE WHEN throttle.ends_at <= excluded.started_at THEN excluded.ends_at ELSE throttle.ends_at END"
            " RETURNING count, ends_at",
            name,
            now,
            now + window,
        )
    assert counted is not None
    if counted["count"] > limit:
        raise TooMany(sentence, retry_after=max(1, (counted["ends_at"] - now) // 1_000_000))
    return int(limit - counted["count"])
