"""Hashed lists while the key or the form of addresses changes: whoever is on one is found at each step."""

import hashlib

import pytest

from portal import db, subjects
from portal.subjects import arrivals, hashes, places, reindexing
from tests.conftest import House
from tests.subjects import next_form

DOTTED, PLAIN = "an.a@gmail.com", "ana@gmail.com"
PHONE = "+40722000001"


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


async def _take(name: str, *values: str, kind: str = "email") -> None:
    async with db.writing():
        await hashes.add(kind, [_hash(each) for each in values], to=name, basis=hashes.BASIS)


def _change_the_key(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    monkeypatch.setattr(places, "BLIND_KEYS", keys)
    for module in (places, arrivals):
        monkeypatch.setattr(module, "BLIND_KEY", keys[-1])


async def _closed(*values: str, kind: str = "email") -> set[str]:
    found = await subjects.suppressed([(kind, each) for each in values])
    assert set(await subjects.listed(kind, values)) == {value for _kind, value in found}
    return {value for _kind, value in found}


async def test_a_hash_under_the_key_from_before_closes_at_each_step(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = [f"p{number}@example.com" for number in range(6)]
    await _take("old", *everybody[:4])
    await _take("old", PHONE.removeprefix("+"), kind="phone")
    _change_the_key(monkeypatch, "1", "2")
    assert await _closed(*everybody) == set(everybody[:4])
    assert await _closed(PHONE, kind="phone") == {PHONE}
    await _take("new", *everybody[2:5])  # two are there under the key from before, one is new
    assert len(await db.rows("SELECT id FROM suppression")) == 6
    assert await hashes.known("email", [_hash(each) for each in everybody]) == {_hash(each) for each in everybody[:5]}
    await reindexing._wrap(2)
    assert 0 < (await reindexing.behind())[1] < 5
    assert await _closed(*everybody) == set(everybody[:5]) and await _closed(PHONE, kind="phone") == {PHONE}
    async with db.writing():
        assert await subjects.ensure_many([subjects.Arrival("email", each, "import:1") for each in everybody[:5]]) == [None] * 5
    await reindexing.reindex()
    _change_the_key(monkeypatch, "1", "2", "3")
    assert await _closed(*everybody) == set(everybody[:5])
    async with db.writing():
        assert await hashes.drop("old") == 5
    assert await _closed(*everybody) == set(everybody[2:5])


async def test_an_address_is_on_a_list_in_the_form_of_today_and_in_that_from_before(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _take("list", DOTTED)
    next_form.come_into_force(monkeypatch.setattr)
    assert await _closed(DOTTED, PLAIN) == {DOTTED}
    async with db.writing():
        assert await subjects.ensure_many([subjects.Arrival("email", DOTTED, "import:1")]) == [None]
    await _take("list", PLAIN)
    assert await _closed("an.a+shop@gmail.com", PLAIN) == {"an.a+shop@gmail.com", PLAIN}
