"""Passwords of officers: good ones, wrong ones, and how few of them are looked at."""

import asyncio
import time

import pytest

from portal import db, identity
from portal.identity import passwords
from portal.lib.errors import Conflict, Invalid, NotAllowed, TooMany, Unavailable
from tests.conftest import House, passwords_hashed_by
from tests.identity.people import (
    HERS,
    OLGA,
    OTHER,
    PASSWORD,
    PETRA,
    all_at_once,
    half_session,
    next_code,
    officer,
    recorded,
)

AS_SERVED = passwords._hasher  # the tests hash by a quicker one


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "olga in the city",
        "passwordpassword",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "Qwertyuiop123",
        "x" * 300,
    ],
)
async def test_a_password_that_is_easy_to_guess_is_refused_with_a_reason(sqlite_house: House, password: str) -> None:
    link = (await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)).link
    with pytest.raises(Invalid) as refused:
        await identity.accept(link.rpartition("/")[2], password)
    assert refused.value.fields["password"]
    assert await identity.invited(link.rpartition("/")[2])


@pytest.mark.parametrize("password", ["correct horse battery", "πολύ μακρύς κωδικός", "ใครขายไข่ไก่ ในเมือง", "9f3k-x7qp-mm2z"])
def test_any_long_and_unusual_password_will_do(password: str) -> None:
    passwords.check(password, email=OLGA, name="Olga Ivanova")


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(house: House) -> None:
    await officer(OLGA, "owner")
    sentences = set()
    for email, password in ((OLGA, PASSWORD + "!"), (PETRA, PASSWORD), ("no address", PASSWORD), (OLGA, "")):
        with pytest.raises(NotAllowed) as refused:
            await identity.sign_in(email, password)
        sentences.add(refused.value.sentence)
    assert len(sentences) == 1


async def test_an_address_is_the_same_however_it_is_written(house: House) -> None:
    await officer("Olga@Example.com", "owner")
    assert await identity.sign_in(" OLGA@example.COM ", PASSWORD)
    with pytest.raises(Conflict, match="works here already"):
        await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)


async def test_ten_wrong_passwords_an_hour_end_guessing_even_for_a_right_one_and_after_a_restart(house: House) -> None:
    olga = await officer(OLGA, "owner")
    await identity.second_factor(await half_session(olga), await next_code(OLGA), browser=HERS)
    refused = await all_at_once(identity.sign_in(OLGA, "not her password", browser=OTHER) for _number in range(12))
    assert sum(isinstance(each, NotAllowed) for each in refused) == 10
    assert sum(isinstance(each, TooMany) for each in refused) == 2
    await db.close()
    await db.open_database(house.settings)
    with pytest.raises(TooMany):
        await identity.sign_in(OLGA, PASSWORD, browser=OTHER)
    # The browser she signed in with before has an allowance of its own.
    assert await identity.sign_in(OLGA, PASSWORD, browser=HERS)


async def test_hashing_a_password_keeps_nobody_else_waiting(sqlite_house: House) -> None:
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    started = time.monotonic()
    with passwords_hashed_by(AS_SERVED):
        hashed = await asyncio.gather(*(passwords.hash_of(PASSWORD) for _number in range(6)))
    taken = time.monotonic() - started
    done.set()
    await watching
    assert all(each.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for each in hashed)
    assert longest < taken / 2


@pytest.mark.usefixtures("slow_passwords")
async def test_a_flood_of_passwords_is_sent_away_at_once_and_counts_for_nobody(sqlite_house: House) -> None:
    await officer(OLGA, "owner")
    started = time.monotonic()
    refused_after: list[float] = []

    async def attempt() -> None:
        try:
            await passwords.matches(None, PASSWORD)
        except Unavailable:
            refused_after.append(time.monotonic() - started)
            raise

    flood = asyncio.gather(*(attempt() for _number in range(200)), return_exceptions=True)
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="try again in a minute"):
        await identity.sign_in(OLGA, "not her password")
    results = await flood
    taken = time.monotonic() - started
    served = passwords.RUNNING + passwords.WAITING
    assert served <= 20 and results.count(None) == served and len(refused_after) == 200 - served
    assert max(refused_after) < taken / 2
    assert await recorded("officer.refused") == 0 and await db.rows("SELECT * FROM throttle") == []
    assert await identity.sign_in(OLGA, PASSWORD)


@pytest.mark.usefixtures("slow_passwords")
async def test_who_goes_away_while_waiting_leaves_the_place_to_others(sqlite_house: House) -> None:
    for _round in range(3):
        waiting = [asyncio.create_task(passwords.hash_of(PASSWORD)) for _number in range(passwords.WAITING)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    # At most the two that had begun still take up a place.
    others = await asyncio.gather(*(passwords.hash_of(PASSWORD) for _number in range(passwords.WAITING)))
    assert len(others) == passwords.WAITING
