"""Reading a stretch of the log for its check: rows as plain tuples, many at a time.

Text that is no text any more lets SQLite's whole statement fail; the one row that it is in is found and named.
"""

from collections.abc import Callable, Sequence
from typing import Any

from tortoise.exceptions import OperationalError

from portal.db import tuples
from portal.paper import _

Found = Callable[[str, int | None], None]


async def stretch(sql: str, low: int, high: int, found: Found) -> list[Sequence[Any]]:
    """The rows with an index from `low` up to, but without, `high`; one that cannot be read is told to `found`."""
    try:
        return list(await tuples(sql, low, high))
    except OperationalError as problem:
        if high - low == 1:
            found(_("Entry %(index)s cannot be read: %(problem)s") % {"index": low, "problem": problem}, low)
            return []
        middle = (low + high) // 2
        return await stretch(sql, low, middle, found) + await stretch(sql, middle, high, found)
