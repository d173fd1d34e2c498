"""Sealed fields: they open in their own place alone, nothing of their making repeats, and nothing opens in clear."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal import db, subjects, vault
from portal.vault import Place, Tampered
from portal.vault.fields import seal, unseal
from portal.vault.master import wrap
from tests.conftest import House
from tests.people import ANA, BEN

SECRET = b"k" * 32
NAMES = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)
PLACES = st.builds(Place, NAMES, NAMES, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))


@given(PLACES, PLACES, st.binary())
def test_a_value_opens_in_its_own_place_alone(mine: Place, other: Place, plain: bytes) -> None:
    assume(mine != other)
    sealed = seal(SECRET, mine, plain)
    assert unseal(SECRET, mine, sealed) == plain
    with pytest.raises(Tampered):
        unseal(SECRET, other, sealed)


@given(st.binary(min_size=32, max_size=32), st.binary())
def test_another_key_opens_nothing(other: bytes, plain: bytes) -> None:
    assume(other != SECRET)
    with pytest.raises(Tampered):
        unseal(other, Place("a", "b", "c"), seal(SECRET, Place("a", "b", "c"), plain))


@given(st.binary(max_size=200))
def test_what_was_never_sealed_does_not_open(plain: bytes) -> None:
    for each in (plain, b"\x01" + plain, b"\x00" + plain):
        with pytest.raises(Tampered):
            unseal(SECRET, Place("a", "b", "c"), each)


async def test_no_nonce_and_no_ciphertext_repeats_in_ten_thousand(sqlite_house: House) -> None:
    place = Place("identifier", "value", "1")
    sealed = [seal(SECRET, place, b"the same") for _time in range(10_000)]
    assert len({each[1:13] for each in sealed}) == len({each[13:] for each in sealed}) == 10_000
    wrapped = [wrap(SECRET, "1") for _time in range(10_000)]
    assert len({each[:12] for each in wrapped}) == 10_000


async def test_values_swapped_between_two_people_do_not_open(house: House) -> None:
    async with db.writing():
        ana, ben = [await subjects.ensure("email", each, by="import") for each in (ANA, BEN)]
        both = await subjects.ensure("email", "second@example.com", by="import", subject=ana.subject)
    for one, other in ((ana, ben), (ana, both)):  # under another key, and under the same one
        await _swap("identifier", "value", one.id, other.id)
        for each in (one, other):
            with pytest.raises(Tampered):
                await subjects.value_of(await subjects.get(each.id))
        await _swap("identifier", "value", one.id, other.id)
    assert await subjects.value_of(await subjects.get(ana.id)) == ANA


async def test_a_wrapped_key_put_in_place_of_another_does_not_open(house: House) -> None:
    async with db.writing():
        keys = await vault.keys_for("life", ["ana", "ben"])
    await _swap("data_key", "wrapped", keys["ana"].id, keys["ben"].id)
    with pytest.raises(Tampered):
        await vault.find_key("life", "ana")


async def _swap(table: str, column: str, one: str, other: str) -> None:
    async with db.writing():
        found = await db.rows(f"SELECT id, {column} AS held FROM {table} WHERE id IN (?, ?)", one, other)
        held = {each["id"]: bytes(each["held"]) for each in found}
        await db.many(f"UPDATE {table} SET {column} = ? WHERE id = ?", [(held[one], other), (held[other], one)])
