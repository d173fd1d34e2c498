"""Work in one trip is the same work: the same transaction, the same context, and nothing it leaves behind when it fails."""

import asyncio
import fcntl
import time
from functools import partial
from pathlib import Path

import pytest

from portal import db
from portal.db import disk
from portal.db.connections import writer
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


async def test_a_trip_may_be_a_transaction_of_its_own(house: House) -> None:
    called: list[str] = []

    async def two(then: str) -> int:
        assert db.in_writing()
        await db.run(INSERT, "a" + then, b"h", "x", 1)
        async with db.writing():
            await db.run(INSERT, "b" + then, b"h", "x", 1)
            db.after_commit(lambda: called.append(then))
        assert called == []
        return 1 // (then == "kept")

    assert await db.write_in_one_trip(partial(two, "kept")) == 1
    assert await count() == 2 and called.pop() == "kept" and not db.in_writing()
    with pytest.raises(ZeroDivisionError):
        await db.write_in_one_trip(partial(two, "lost"))
    assert await count() == 2 and called == []
    async with db.writing():
        await db.write_in_one_trip(partial(db.run, INSERT, "joined", b"h", "x", 1))
        assert await count() == 3
    assert await count() == 3


async def test_a_trip_that_writes_waits_for_another_process_and_nobody_else_waits_with_it(sqlite_house: House) -> None:
    with Path(sqlite_house.settings.var / "portal.write-lock").open("a") as held:  # as another process holds it
        fcntl.flock(held, fcntl.LOCK_EX)
        trip = asyncio.create_task(db.write_in_one_trip(partial(db.run, INSERT, "a", b"h", "x", 1)))
        for _look in range(20):
            assert await count() == 0 and not trip.done()
    assert await trip == 1 == await count()


async def test_who_stops_waiting_for_a_trip_that_writes_does_not_end_its_turn(sqlite_house: House) -> None:
    """Or else the next writer holds the lock file, and waits in the database's thread for a trip that waits for that file."""
    await _insert("a")  # which opens the connection
    busy = asyncio.create_task(writer()._connection._execute(time.sleep, 0.3))
    await asyncio.sleep(0)
    trip = asyncio.create_task(db.write_in_one_trip(partial(db.run, INSERT, "b", b"h", "x", 1)))
    await asyncio.sleep(0.05)  # it has its turn, and waits for the thread
    trip.cancel()
    async with asyncio.timeout(10):
        await _insert("c")
    await busy
    assert trip.cancelled() and await count() == 3


async def _insert(name: str) -> None:
    async with db.writing():
        await db.run(INSERT, name, b"h", "x", 1)


async def test_a_trip_that_finds_no_room_changes_nothing_and_is_told_as_such(sqlite_house: House) -> None:
    async def too_much() -> None:
        await db.rows("PRAGMA max_page_count = 1")
        await db.run(INSERT, "a" * 200_000, b"h", "x", 1)

    try:
        with pytest.raises(db.NoRoom, match="takes nothing more"):
            await db.write_in_one_trip(too_much)
        with pytest.raises(db.NoRoom, match="a moment ago"):
            await db.write_in_one_trip(count)
    finally:
        disk.remember(full=False)
    assert await db.write_in_one_trip(partial(db.run, INSERT, "b", b"h", "x", 1)) == 1 == await count()
