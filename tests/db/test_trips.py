"""Work in one trip is the same work: the same transaction, the same context, and nothing it leaves behind when it fails."""

import asyncio
from functools import partial

import pytest

from portal import db
from portal.paper import in_language, language
from portal.subjects import Arrival
from portal.subjects.arrivals import ensure_many
from portal.subjects.models import Identifier
from tests.conftest import House
from tests.db.test_transactions import INSERT, count


async def test_it_is_part_of_the_transaction_it_was_called_in(house: House) -> None:
    called: list[str] = []

    async def two() -> int:
        await db.run(INSERT, "a", b"h", "x", 1)
        async with db.writing():
            await db.many(INSERT, [("b", b"h", "x", 1)])
            db.after_commit(lambda: called.append("once"))
        assert db.in_writing()
        return await count()

    async with db.writing():
        assert await db.in_one_trip(two) == 2
        assert called == []
    assert await count() == 2 and called == ["once"]


async def test_what_raises_there_rolls_everything_back(house: House) -> None:
    async def fail() -> None:
        await db.run(INSERT, "a", b"h", "x", 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await db.run(INSERT, "b", b"h", "x", 1)
            await db.in_one_trip(fail)
    assert await count() == 0


async def test_a_savepoint_there_undoes_only_its_own_block(house: House) -> None:
    async def half() -> None:
        await db.run(INSERT, "a", b"h", "x", 1)
        with pytest.raises(ZeroDivisionError):
            async with db.savepoint():
                await db.run(INSERT, "b", b"h", "x", 1)
                raise ZeroDivisionError

    async with db.writing():
        await db.in_one_trip(half)
    assert await count() == 1


async def test_reads_beside_a_transaction_cannot_write(house: House) -> None:
    with pytest.raises(Exception, match="(?i)read.?only"):
        await db.in_one_trip(partial(db.run, INSERT, "a", b"h", "x", 1))
    assert await db.in_one_trip(count) == 0


async def test_it_speaks_the_language_of_who_asked(house: House) -> None:
    async def spoken() -> str:
        return language()

    with in_language("ro"):
        assert await db.in_one_trip(spoken) == "ro"


async def test_models_and_verbs_of_rooms_work_there(house: House) -> None:
    async def record() -> str:
        [found] = await ensure_many([Arrival("email", "ana@example.com", "key:shop")])
        assert found is not None and (await Identifier.get(id=found)).kind == "email"
        return found

    async with db.writing():
        ana = await db.in_one_trip(record)
    assert await Identifier.filter(id=ana).count() == 1


async def test_waiting_for_anything_else_is_refused_and_leaves_nothing_behind(sqlite_house: House) -> None:
    async def dawdle() -> None:
        await db.run(INSERT, "a", b"h", "x", 1)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="the database alone"):
        async with db.writing():
            await db.in_one_trip(dawdle)
    assert await count() == 0
    async with db.writing():
        await db.in_one_trip(partial(db.run, INSERT, "b", b"h", "x", 1))
    assert await count() == 1


async def test_who_stops_waiting_for_it_leaves_nothing_behind(sqlite_house: House) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow() -> None:
        await db.run(INSERT, "a", b"h", "x", 1)
        loop.call_soon_threadsafe(begun.set)
        await db.rows("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT max(i) FROM n")

    async def write() -> None:
        async with db.writing():
            await db.in_one_trip(slow)

    task = asyncio.create_task(write())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count() == 0
    async with db.writing():
        await db.run(INSERT, "b", b"h", "x", 1)
    assert await count() == 1
