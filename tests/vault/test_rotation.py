"""A new master key: every data key is wrapped anew, whoever was found is found still, and the old key opens nothing."""

import argparse
import hmac
import time
from collections.abc import Callable

import pytest

from portal import audit, db, jobs, settings, subjects, vault
from portal.lib.errors import Unavailable
from portal.settings import SettingsError
from portal.subjects.key_commands import run_rotate
from portal.vault import Place
from tests.conftest import MASTER_KEY, House
from tests.people import ANA
from tests.vault.keys import NEW_KEY, derived, opened_by, started_with, stored_keys

PLACE = Place("identifier", "value", "1")


class Killed(BaseException):
    """As if the process were gone."""


async def nothing(count: int) -> None:
    """For whoever records nothing."""


def dies_after(portions: int) -> Callable[[int, int], None]:
    left = iter(range(portions))

    def progress(_seen: int, _total: int) -> None:
        if next(left, None) is None:
            raise Killed

    return progress


async def with_keys(count: int) -> list[vault.Key]:
    async with db.writing():
        return list((await vault.make_keys([("life", f"person {number}") for number in range(count)])).values())


async def test_after_a_rotation_the_old_key_opens_nothing_and_all_is_found(house: House) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="system")
    [key] = await with_keys(1)
    sealed, link, code = key.seal(PLACE, ANA), vault.seal_link("undo", b"1"), vault.one_time_code_hash("1", "123456")
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        assert await vault.rotating()
        wrapped = await stored_keys()
        assert await run_rotate(_asked_by("officer:olga")) == 0
        assert not await vault.rotating()
        assert await run_rotate(_asked_by("officer:olga")) == 0
    with started_with(NEW_KEY):
        await vault.check_master_key()
        found = await subjects.find("email", ANA)
        assert found is not None and found.id == ana.id and await subjects.value_of(found) == ANA
        assert (await vault.key_by_id(key.id)).open(PLACE, sealed) == ANA
        assert vault.open_link("undo", link) == b"1" and vault.one_time_code_hash("1", "123456") == code
        assert await opened_by(NEW_KEY) == await stored_keys() and await opened_by(MASTER_KEY) == 0
        await jobs.run_due()
        [told] = [each for each in await audit.search(limit=50) if each.event == "vault.rotated"]
        assert (told.actor, told.count) == ("officer:olga", wrapped)
    with pytest.raises(SettingsError, match="not the key of this database"):
        await vault.check_master_key()


async def test_a_rotation_that_was_killed_goes_on_and_everything_opens_meanwhile(house: House) -> None:
    keys = await with_keys(25)
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        for portions in (0, 1, 2):
            with pytest.raises(Killed):
                await vault.rotate(nothing, dies_after(portions), at_once=5)
            assert await opened_by(NEW_KEY) + await opened_by(MASTER_KEY) == await stored_keys()
            assert await vault.keys_of("life", [f"person {number}" for number in range(25)])
        assert 0 < await opened_by(MASTER_KEY) < await stored_keys()
        await vault.check_master_key()
        assert await vault.rotate(nothing, at_once=5) == await stored_keys()
        assert [(await vault.key_by_id(each.id)).secret for each in keys] == [each.secret for each in keys]
    assert await opened_by(MASTER_KEY) == 0


async def test_a_shred_during_the_rotation_stays_one(house: House) -> None:
    [first, *_others] = await with_keys(10)
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        with pytest.raises(Killed):
            await vault.rotate(nothing, dies_after(0), at_once=4)
        async with db.writing():
            await vault.shred("life", "person 0")
            await vault.shred("life", "person 9")
        await vault.rotate(nothing)
        with pytest.raises(vault.Shredded):
            await vault.key_by_id(first.id)
        assert sorted(await vault.keys_of("life", ["person 0", "person 1", "person 9"])) == ["person 1"]


async def test_a_process_that_knows_only_the_old_key_neither_reads_nor_stores_under_it(house: House) -> None:
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        async with db.writing():
            new = await vault.key_for("life", "ben")
    before = await stored_keys()
    with pytest.raises(Unavailable, match="changing our keys"):
        await vault.key_by_id(new.id)
    with pytest.raises(Unavailable, match="changing our keys"):
        async with db.writing():
            await vault.key_for("life", "mallory")
    assert await stored_keys() == before


async def test_while_keys_want_the_former_one_the_portal_does_not_start_without_it(house: House) -> None:
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
    with started_with(NEW_KEY), pytest.raises(SettingsError, match="PORTAL_FORMER_MASTER_KEY"):
        await vault.check_master_key()
    third = vault.new_secret()
    with started_with(third, NEW_KEY), pytest.raises(SettingsError, match="not the key of this database"):
        await vault.check_master_key()
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        await vault.rotate(nothing)
    with started_with(third, NEW_KEY):
        await vault.check_master_key()
        assert await vault.rotate(nothing)
        assert await opened_by(third) == await stored_keys()


async def test_two_keys_in_each_others_place_change_nothing(house: House) -> None:
    with started_with(MASTER_KEY, NEW_KEY):
        await vault.check_master_key()
        assert not await vault.rotating()
        assert await vault.rotate(nothing) == 0
    assert await opened_by(MASTER_KEY) == await stored_keys()


async def test_a_portal_of_an_earlier_version_keeps_the_secrets_that_it_derived(house: House) -> None:
    async with db.writing():
        await db.run("DELETE FROM data_key WHERE kind = 'lasting'")
    with started_with(NEW_KEY, MASTER_KEY):  # updated and given a new key in one go
        await vault.check_master_key()
        await vault.rotate(nothing)
    with started_with(NEW_KEY):
        await vault.check_master_key()
        expected = hmac.digest(derived(MASTER_KEY, "blind index"), f"email\0{ANA}".encode(), "sha256")[:16]
        assert vault.blind("email", ANA) == expected


async def test_the_blind_index_of_a_new_portal_cannot_be_computed_from_its_master_key(house: House) -> None:
    guess = hmac.digest(derived(MASTER_KEY, "blind index"), f"email\0{ANA}".encode(), "sha256")[:16]
    assert vault.blind("email", ANA) != guess


@pytest.mark.deep
@pytest.mark.timeout(300)
async def test_a_hundred_thousand_keys_are_wrapped_anew_within_a_minute(house: House) -> None:
    for _part in range(100):
        async with db.writing():
            await vault.make_keys([("life", vault.new_secret()) for _key in range(1_000)])
    with started_with(NEW_KEY, MASTER_KEY):
        await vault.check_master_key()
        started = time.monotonic()
        count = await vault.rotate(nothing)
        seconds = time.monotonic() - started
        which = "SQLite" if settings.get().is_sqlite else "PostgreSQL"
        print(f"{count:,} keys wrapped anew in {seconds:.1f} s on {which} ({count / seconds:,.0f} a second)")
        assert count > 100_000 and seconds <= 60
    assert await opened_by(MASTER_KEY) == 0


def _asked_by(actor: str) -> argparse.Namespace:
    return argparse.Namespace(by=actor)
