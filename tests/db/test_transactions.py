"""Writes happen in `writing()` or not at all."""

import asyncio
from datetime import timedelta

import pytest

from portal import db
from portal.lib.errors import TooMany
from tests.conftest import House

INSERT = "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, ?, ?)"


async def count() -> int:
    found = await db.row("SELECT count(*) AS n FROM reply")
    assert found is not None
    return int(found["n"])


async def test_nothing_can_be_written_outside_writing(house: House) -> None:
    with pytest.raises(Exception, match="(?i)read.?only"):
        await db.run(INSERT, "a", b"h", "x", 1)
    assert await count() == 0


async def test_raising_rolls_everything_back_and_calls_nobody(house: House) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await db.run(INSERT, "a", b"h", "x", 1)
            db.after_commit(lambda: called.append("yes"))
            raise ZeroDivisionError
    assert await count() == 0 and called == []


async def test_an_inner_transaction_joins_the_outer_one(house: House) -> None:
    called: list[int] = []
    async with db.writing():
        async with db.writing():
            assert await db.run(INSERT, "a", b"h", "x", 1) == 1
            db.after_commit(lambda: called.append(1))
        assert called == []
    assert await count() == 1 and called == [1]


async def test_a_savepoint_undoes_only_its_own_block(house: House) -> None:
    async with db.writing():
        await db.run(INSERT, "a", b"h", "x", 1)
        with pytest.raises(ZeroDivisionError):
            async with db.savepoint():
                await db.run(INSERT, "b", b"h", "x", 1)
                raise ZeroDivisionError
    assert await count() == 1


async def test_a_task_started_inside_a_transaction_may_not_write(house: House) -> None:
    async def write() -> None:
        async with db.writing():
            await db.run(INSERT, "a", b"h", "x", 1)

    async with db.writing():
        task = asyncio.create_task(write())
        with pytest.raises(RuntimeError, match="started inside a write transaction"):
            await task


async def test_many_writers_at_once_all_get_their_turn(house: House) -> None:
    async def read_then_write(number: int) -> None:
        async with db.writing():
            before = await count()
            await db.run(INSERT, f"k{number}", b"h", str(before), 1)

    await asyncio.gather(*(read_then_write(number) for number in range(50)))
    assert await count() == 50


async def test_reading_sees_one_moment(house: House) -> None:
    async with db.reading():
        assert await count() == 0
        await asyncio.create_task(_insert_elsewhere())
        assert await count() == 0
    assert await count() == 1


async def test_a_view_inside_a_view_is_the_same_view(house: House) -> None:
    async with db.reading(), db.reading():
        assert await count() == 0


async def test_a_task_cancelled_at_any_point_of_its_transaction_stops_nobody_else(house: House) -> None:
    """Also while BEGIN or COMMIT is on its way: the next one writes, and nothing of the cancelled one is half there."""

    async def write(number: int) -> None:
        async with db.writing():
            await db.run(INSERT, f"c{number}", b"h", "x", 1)
            await db.run(INSERT, f"d{number}", b"h", "x", 1)

    for number in range(60):
        task = asyncio.create_task(write(number))
        for _ in range(number % 20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(10), db.writing():
        await db.run(INSERT, "after", b"h", "x", 1)
    assert await count() % 2 == 1


async def test_after_a_failed_begin_a_task_reads_on(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            raise ZeroDivisionError
    with pytest.raises(Exception, match="(?i)read.?only"):
        await db.run(INSERT, "a", b"h", "x", 1)
    assert await count() == 0


async def _insert_elsewhere() -> None:
    async with db.writing():
        await db.run(INSERT, "a", b"h", "x", 1)


async def test_a_throttle_counts_across_calls_and_says_when_to_come_back(house: House) -> None:
    for left in (2, 1, 0):
        assert await db.throttle("codes:x", limit=3, per=timedelta(hours=1), sentence="Too many.") == left
    with pytest.raises(TooMany) as refused:
        await db.throttle("codes:x", limit=3, per=timedelta(hours=1), sentence="Too many.")
    assert 3590 <= refused.value.retry_after <= 3600
