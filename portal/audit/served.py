"""Single tiles and bundles of entries, as whoever watches a log asks for them (c2sp.org/tlog-tiles).

Only what the newest checkpoint covers, and only under the one spelling that a path has. What was served once never changes.
"""

import re

from portal.audit import tiles
from portal.audit.export import ENTRIES, path
from portal.audit.head import checkpoint
from portal.audit.tiles import WIDTH
from portal.db import rows

_SPELLED = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


async def served(spelled: str) -> bytes | None:
    """The bytes at a path like tile/0/x001/234 or tile/entries/067.p/12; None where the log has none."""
    found, signed = _SPELLED.fullmatch(spelled), await checkpoint()
    if found is None or signed is None:
        return None
    level = ENTRIES if found[1] == ENTRIES else int(found[1])
    number, width = int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH)
    covered = signed.size >> (0 if level == ENTRIES else 8 * int(level))
    if path(level, number, width) != spelled or not 0 < width <= covered - number * WIDTH:
        return None
    if level == ENTRIES:
        return await _entries(number * WIDTH, width)
    place = (int(level), number)
    stored = (await tiles.load([place])).get(place, b"")
    return stored[: 32 * width] if len(stored) >= 32 * width else None


async def _entries(first: int, width: int) -> bytes | None:
    sql = "SELECT bytes FROM leaf WHERE log_index >= ? AND log_index < ? ORDER BY log_index"
    leaves = [bytes(each["bytes"]) for each in await rows(sql, first, first + width)]
    return b"".join(len(each).to_bytes(2) + each for each in leaves) if len(leaves) == width else None
