"""What is sealed opens only where it was sealed, and never again once its key is shredded."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import db, vault
from portal.lib import clock
from portal.vault import Place, Shredded, Tampered
from portal.vault.blobs import CHUNK
from portal.vault.fields import seal, unseal
from tests.conftest import House, on_both

PLACE = Place("identifier", "value", "1")


@given(st.binary(), st.integers(min_value=0))
def test_any_flipped_bit_is_noticed(plain: bytes, position: int) -> None:
    sealed = bytearray(seal(b"k" * 32, PLACE, plain))
    assert unseal(b"k" * 32, PLACE, bytes(sealed)) == plain
    sealed[position // 8 % len(sealed)] ^= 1 << position % 8
    with pytest.raises(Tampered):
        unseal(b"k" * 32, PLACE, bytes(sealed))


def test_a_ciphertext_moved_to_another_row_does_not_open() -> None:
    sealed = seal(b"k" * 32, PLACE, b"ana@example.com")
    for elsewhere in (Place("identifier", "value", "2"), Place("identifier", "given", "1"), Place("message", "value", "1")):
        with pytest.raises(Tampered):
            unseal(b"k" * 32, elsewhere, sealed)


async def test_shredding_a_key_takes_fields_and_blobs_with_it(house: House) -> None:
    async with db.writing():
        key = await vault.key_for("life", "ana")
        assert await vault.key_for("life", "ana") == key
        blob = await vault.store_blob(key, b"x" * (3 * CHUNK + 1))
    assert b"".join([part async for part in vault.read_blob(blob)]) == b"x" * (3 * CHUNK + 1)
    async with db.writing():
        assert await vault.shred("life", "ana")
        assert not await vault.shred("life", "ana")
    with pytest.raises(Shredded):
        await vault.key_by_id(key.id)
    with pytest.raises(Shredded):
        _ = [part async for part in vault.read_blob(blob)]
    assert await db.row("SELECT 1 AS one FROM blob_chunk") is None


async def test_a_blob_that_lost_its_end_does_not_open(house: House) -> None:
    async with db.writing():
        blob = await vault.store_blob(await vault.key_for("life", "ana"), b"x" * (2 * CHUNK + 1))
        await db.run("DELETE FROM blob_chunk WHERE number = 2")
    with pytest.raises(Tampered):
        _ = [part async for part in vault.read_blob(blob)]


async def read(blob: str) -> bytes:
    return b"".join([part async for part in vault.read_blob(blob)])


@on_both
@pytest.mark.parametrize("size", [0, 1, CHUNK, 20 * CHUNK, 20 * CHUNK + 1])
async def test_what_was_stored_ahead_stays_once_it_is_claimed(house: House, size: int) -> None:
    async with db.writing():
        key = await vault.key_for("life", "ana")
    blob, another = await vault.store_ahead(key, b"x" * size), await vault.store_ahead(key, b"y" * size)
    async with db.writing():
        await vault.claim_blob(blob)
    await vault.drop_unclaimed([blob, another])
    assert await read(blob) == b"x" * size
    with pytest.raises(Shredded):
        await read(another)
    assert (await db.rows("SELECT size FROM blob")) == [{"size": size}]


async def test_a_claim_that_is_taken_back_is_none(house: House) -> None:
    async with db.writing():
        key = await vault.key_for("life", "ana")
    blob = await vault.store_ahead(key, b"x")
    with pytest.raises(LookupError):
        async with db.writing():
            await vault.claim_blob(blob)
            raise LookupError
    await vault.drop_unclaimed([blob])
    async with db.writing():
        with pytest.raises(Shredded):
            await vault.claim_blob(blob)


async def test_what_a_killed_process_stored_ahead_goes_after_a_day(house: House) -> None:
    async with db.writing():
        key = await vault.key_for("life", "ana")
    await vault.store_ahead(key, b"x")
    async with db.writing():
        assert await vault.drop_expired_blobs() == 0
    with clock.at(clock.now() + timedelta(days=1, seconds=1)):
        async with db.writing():
            assert await vault.drop_expired_blobs()
    assert await db.rows("SELECT 1 AS one FROM blob") == []


@on_both
async def test_who_is_erased_while_it_is_stored_ahead_leaves_nothing(house: House) -> None:
    async def erasing() -> AsyncIterator[bytes]:
        yield b"x" * (10 * CHUNK)
        async with db.writing():
            await vault.shred("life", "ana")
        yield b"x"

    async with db.writing():
        key = await vault.key_for("life", "ana")
    with pytest.raises(Shredded):
        await vault.store_ahead(key, erasing())
    assert await db.rows("SELECT 1 AS one FROM blob_chunk") == [] and await db.rows("SELECT 1 AS one FROM blob") == []
