"""The tree as C2SP tiles (c2sp.org/tlog-tiles): up to 256 hashes each, eight levels of the tree apart.

What is read from here is the second path by which a root is computed before it is signed, and every proof.
"""

from collections.abc import Callable, Iterable

from portal.audit.tree import (
    Range,
    complete_subtrees,
    consistency_ranges,
    folded,
    inclusion_ranges,
    subtree_root,
)
from portal.db import many, rows

WIDTH = 256
Place = tuple[int, int]


class MissingTile(Exception):
    """The log lacks hashes that a tree of its size has."""


def added(hashes: list[bytes], size: int, stored: dict[Place, bytes]) -> dict[Place, bytes]:
    """The tiles that change when leaf `hashes` are appended to a tree of `size`; `stored` holds its partial tiles."""
    changed: dict[Place, bytes] = {}
    level = 0
    while hashes:
        number, width = divmod(size, WIDTH)
        waiting = (stored[level, number] if width else b"") + b"".join(hashes)
        hashes = []
        for at in range(0, len(waiting), 32 * WIDTH):
            tile = waiting[at : at + 32 * WIDTH]
            changed[level, number] = tile
            number += 1
            if len(tile) == 32 * WIDTH:
                hashes.append(subtree_root(hashes_of(tile)))
        level, size = level + 1, size // WIDTH
    return changed


def hashes_of(tile: bytes) -> list[bytes]:
    return [tile[at : at + 32] for at in range(0, len(tile), 32)]


def right_edge(size: int) -> list[Place]:
    """The partial tiles of a tree of `size`."""
    places, level = [], 0
    while size:
        if size % WIDTH:
            places.append((level, size // WIDTH))
        level, size = level + 1, size // WIDTH
    return places


async def load(places: Iterable[Place]) -> dict[Place, bytes]:
    wanted = sorted(set(places))
    if not wanted:
        return {}
    condition = " OR ".join(["(level = ? AND number = ?)"] * len(wanted))
    values = [value for place in wanted for value in place]
    found = await rows(f"SELECT level, number, hashes FROM tile WHERE {condition}", *values)
    return {(each["level"], each["number"]): bytes(each["hashes"]) for each in found}


async def store(tiles: dict[Place, bytes]) -> None:
    """Insert new tiles and let the partial ones grow; inside `writing()`."""
    await many(
        "INSERT INTO tile (level, number, hashes) VALUES (?, ?, ?)"
        " ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes",
        [(level, number, hashes) for (level, number), hashes in sorted(tiles.items())],
    )


async def root(size: int) -> bytes:
    """The root of the first `size` leaves, from the stored tiles."""
    return (await _roots([(0, size)]))[0]


async def inclusion_proof(index: int, size: int) -> list[bytes]:
    return await _roots(inclusion_ranges(index, size))


async def consistency_proof(old: int, size: int) -> list[bytes]:
    return await _roots(consistency_ranges(old, size))


async def _roots(ranges: list[Range]) -> list[bytes]:
    subtrees = [list(complete_subtrees(low, high)) for low, high in ranges]
    tiles = await load(_tile_of(height, number)[0] for group in subtrees for height, number in group)
    root_of = _reader(tiles)
    return [folded([root_of(height, number) for height, number in group]) for group in subtrees]


def _tile_of(height: int, number: int) -> tuple[Place, int, int]:
    """Where a complete subtree lies: its tile, and the first and number of its hashes in there."""
    level, above = divmod(height, 8)
    first = number << above
    return (level, first // WIDTH), first % WIDTH, 1 << above


def _reader(tiles: dict[Place, bytes]) -> Callable[[int, int], bytes]:
    def root_of(height: int, number: int) -> bytes:
        place, first, count = _tile_of(height, number)
        part = tiles.get(place, b"")[32 * first : 32 * (first + count)]
        if len(part) != 32 * count:
            raise MissingTile(f"Tile {place[1]} of level {place[0]} is missing or too short.")
        return subtree_root(hashes_of(part))

    return root_of
