"""What is sealed opens only where it was sealed, and never again once its key is shredded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import db, vault
from portal.vault import Place, Shredded, Tampered
from portal.vault.blobs import CHUNK
from portal.vault.fields import seal, unseal
from tests.conftest import House

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
