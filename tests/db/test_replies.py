"""A request sent twice has one effect and one answer, also when both arrive at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from portal import db
from portal.lib.errors import Conflict
from tests.conftest import House

HASH, OTHER_HASH = b"h" * 32, b"o" * 32


def _work(pause: float = 0.1) -> Callable[[], Awaitable[str]]:
    """An effect that can be counted (a throttle's row), and time enough for others to come in between."""

    async def work() -> str:
        await db.run("INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, 0, 0, 0)", f"effect {await _effects()}")
        await asyncio.sleep(pause)
        return f"answer {await _effects()}"

    return work


async def test_two_first_requests_at_once_have_one_effect_and_one_answer(house: House) -> None:
    answers = await asyncio.gather(*(db.reply_once("key", HASH, _work()) for _number in range(3)))
    assert answers == ["answer 1"] * 3 and await _effects() == 1
    assert await db.reply_once("key", HASH, _work()) == "answer 1" and await _effects() == 1


async def test_a_key_used_at_once_for_two_different_requests_serves_one_of_them(house: House) -> None:
    hashes = (HASH, OTHER_HASH)
    results = await asyncio.gather(*(db.reply_once("key", each, _work()) for each in hashes), return_exceptions=True)
    assert results.count("answer 1") == 1 and await _effects() == 1
    assert sum(isinstance(each, Conflict) and "different request" in each.sentence for each in results) == 1


async def test_when_the_first_fails_the_second_does_the_work(house: House) -> None:
    async def fail() -> str:
        await _work()()
        raise ZeroDivisionError

    first = asyncio.create_task(db.reply_once("key", HASH, fail))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(db.reply_once("key", HASH, _work()))
    with pytest.raises(ZeroDivisionError):
        await first
    assert await second == "answer 1" and await _effects() == 1


async def test_different_keys_do_not_wait_for_each_other_to_be_right(house: House) -> None:
    answers = await asyncio.gather(*(db.reply_once(f"key {number}", HASH, _said(number)) for number in range(20)))
    assert answers == [f"answer to {number}" for number in range(20)]


async def test_whoever_asks_again_while_the_first_takes_long_is_told_so_or_waits(house: House) -> None:
    go_on = asyncio.Event()

    async def slow() -> str:
        await go_on.wait()
        return "late"

    first = asyncio.create_task(db.reply_once("key", HASH, slow))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(db.reply_once("key", HASH, _work()))
    # SQLite's second writer waits for its turn; PostgreSQL's gives up after the time that any statement has.
    await asyncio.wait({second}, timeout=0.2 if house.settings.is_sqlite else 8)
    go_on.set()
    assert await first == "late"
    if house.settings.is_sqlite:
        assert await second == "late"
    else:
        with pytest.raises(Conflict, match="still being answered"):
            await second
    assert await db.reply_once("key", HASH, _work()) == "late" and await _effects() == 0


def _said(number: int) -> Callable[[], Awaitable[str]]:
    async def work() -> str:
        return f"answer to {number}"

    return work


async def _effects() -> int:
    found = await db.row("SELECT count(*) AS n FROM throttle WHERE name LIKE 'effect %'")
    assert found is not None
    return int(found["n"])
