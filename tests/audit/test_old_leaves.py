"""A bit that flips in something old is never signed over for long: signing stops, and goes on once it is right again."""

import pytest

from portal import audit, db
from portal.audit.tiles import WIDTH
from portal.audit.tree import leaf_hash
from tests.audit.acts import require_whole, say, without_triggers
from tests.conftest import House

LEAVES = 2 * WIDTH + 40
TILES = 3


async def _sign_often() -> int:
    """One entry a turn, so often that each tile is looked at: how many were signed."""
    for turn in range(TILES + 1):
        await say()
        try:
            await audit.sequence_all()
        except audit.LogBroken as problem:
            assert "Nothing more is signed" in str(problem)
            return turn
    return TILES + 1


@pytest.mark.parametrize("index", [3, WIDTH, LEAVES - 1])
async def test_signing_stops_at_a_changed_old_entry_until_it_is_right_again(house: House, index: int) -> None:
    await say(times=LEAVES)
    await audit.sequence_all()
    await without_triggers()
    leaf = await _leaf(index)
    await _put(index, leaf.replace(b"test.said", b"test.sahd"))
    assert await _sign_often() <= TILES
    size = (await audit.verify_log()).size
    assert await _sign_often() == 0, "the next turn signed all the same"
    await _put(index, leaf)
    await audit.sequence_all()
    assert (await require_whole()).size > size


async def test_signing_stops_where_an_entry_and_its_tile_were_changed_together(sqlite_house: House) -> None:
    await say(times=LEAVES)
    await audit.sequence_all()
    await without_triggers()
    leaf = (await _leaf(3)).replace(b"test.said", b"test.sahd")
    await _put(3, leaf)
    async with db.writing():
        tile = await db.row("SELECT hashes FROM tile WHERE level = 0 AND number = 0")
        assert tile is not None
        hashes = tile["hashes"][: 3 * 32] + leaf_hash(leaf) + tile["hashes"][4 * 32 :]
        await db.run("UPDATE tile SET hashes = ? WHERE level = 0 AND number = 0", hashes)
    assert await _sign_often() <= TILES


async def test_a_whole_log_is_signed_on(sqlite_house: House) -> None:
    await say(times=LEAVES)
    await audit.sequence_all()
    assert await _sign_often() == TILES + 1
    await require_whole()


async def _leaf(index: int) -> bytes:
    found = await db.row("SELECT bytes FROM leaf WHERE log_index = ?", index)
    assert found is not None
    return bytes(found["bytes"])


async def _put(index: int, leaf: bytes) -> None:
    async with db.writing():
        assert await db.run("UPDATE leaf SET bytes = ? WHERE log_index = ?", leaf, index) == 1
