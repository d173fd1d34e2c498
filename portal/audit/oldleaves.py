"""Before anything more is signed, old entries are recomputed too: one tile each turn of the sequencer, all of them by turns.

A bit that flips in an entry of last year changes no root that is computed from tiles, so signing would go on above it. This
stops it, and it stays stopped until that tile is right again (the newest backup, restored): what a log signs, it has to be
able to show. One flipped bit ended the CT log Yeti 2022.
"""

import secrets

from portal.audit.lockfile import LogBroken
from portal.audit.tiles import WIDTH, hashes_of, load
from portal.audit.tree import leaf_hash, subtree_root
from portal.db import tuples

# A portal that is often started again gets to every tile as well.
_next = secrets.randbelow(1 << 30)


async def recompute_some(size: int) -> None:
    """The leaves of one tile of a log of that size, hashed again up to the tiles above. Raises LogBroken."""
    global _next
    if not size:
        return
    number = _next % -(-size // WIDTH)
    low, high = number * WIDTH, min((number + 1) * WIDTH, size)
    stored = await tuples("SELECT log_index, bytes FROM leaf WHERE log_index >= ? AND log_index < ?", low, high)
    leaves = {index: leaf_hash(leaf) for index, leaf in stored if isinstance(leaf, bytes)}
    tile = (await load([(0, number)])).get((0, number), b"")
    for index, hashed in zip(range(low, high), hashes_of(tile), strict=False):
        if leaves.get(index) != hashed:
            raise _broken(f"Entry {index} of the log is not the one that was signed.")
    if len(tile) < 32 * (high - low):
        raise _broken(f"Tile {number} of level 0 is missing or too short.")
    if high - low == WIDTH:
        await _recompute_above(number, subtree_root(hashes_of(tile)))
    _next = number + 1


async def _recompute_above(number: int, root: bytes) -> None:
    level, at = 0, WIDTH - 1
    while at == WIDTH - 1:  # the last one of a tile answers for that tile's root as well
        level, (number, at) = level + 1, divmod(number, WIDTH)
        tile = (await load([(level, number)])).get((level, number), b"")
        if tile[32 * at : 32 * at + 32] != root:
            raise _broken(f"Tile {number} of level {level} does not fit the entries below it.")
        if at == WIDTH - 1:
            root = subtree_root(hashes_of(tile))


def _broken(what: str) -> LogBroken:
    return LogBroken(f"{what} Nothing more is signed. Run `portal audit verify`, then restore the newest backup.")
