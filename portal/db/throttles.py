"""How often something may happen, counted in the database so that a restart forgives nothing."""

from collections.abc import Mapping
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
    now = clock.micros(clock.now())
    async with writing():
        count, ends_at = await _add(name, 1, per, now)
    if count > limit:
        raise TooMany(sentence, retry_after=max(1, (ends_at - now) // 1_000_000))
    return limit - count


async def count_many(counts: Mapping[str, int], *, per: timedelta) -> dict[str, tuple[int, int]]:
    """Add what was counted elsewhere, by name; inside `writing()`. Answers each count and when its window ends."""
    now = clock.micros(clock.now())
    return {name: await _add(name, number, per, now) for name, number in sorted(counts.items())}


async def counted(name: str) -> tuple[int, int]:
    """How often it was counted in its latest window, and when that ends or ended; (0, 0) when never."""
    found = await row("SELECT count, ends_at FROM throttle WHERE name = ?", name)
    return (0, 0) if found is None else (found["count"], found["ends_at"])


async def _add(name: str, number: int, per: timedelta, now: int) -> tuple[int, int]:
    added = await row(
        "INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
        " count = CASE WHEN throttle.ends_at <= excluded.started_at THEN excluded.count"
        " ELSE throttle.count + excluded.count END,"
        " ends_at = CASE WHEN throttle.ends_at <= excluded.started_at THEN excluded.ends_at ELSE throttle.ends_at END"
        " RETURNING count, ends_at",
        *(name, now, now + per // timedelta(microseconds=1), number),
    )
    assert added is not None
    return added["count"], added["ends_at"]
