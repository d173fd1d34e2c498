"""The clock steps while jobs are under a lease: nothing is taken twice, nothing is stuck longer than lease and step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from portal import db, jobs
from portal.jobs import leases, work
from portal.lib import clock
from tests.conftest import House

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, SLACK = timedelta(hours=1), timedelta(seconds=20)  # a busy machine needs some

pytestmark = pytest.mark.usefixtures("no_verbs")


async def test_when_the_clock_steps_back_a_dead_workers_job_waits_for_its_lease_and_the_step_and_no_longer(house: House) -> None:
    with clock.at(NOON):
        async with db.writing():
            await jobs.later("test.orphan", {})
        dead = await leases.claim()
        assert dead is not None and dead.tries == 1
    for moment in (NOON - HOUR, NOON, NOON + leases.LEASE - SLACK):
        with clock.at(moment):
            assert await leases.claim() is None
    with clock.at(NOON + leases.LEASE + SLACK):
        taken = await leases.claim()
        assert taken is not None and (taken.id, taken.tries) == (dead.id, 2)
        with pytest.raises(jobs.LeaseLost):
            await leases.done(dead)


async def test_when_the_clock_steps_back_a_living_worker_renews_on_the_new_time(house: House) -> None:
    with clock.at(NOON):
        async with db.writing():
            await jobs.later("test.long", {})
        job = await leases.claim()
        assert job is not None
    with clock.at(NOON - HOUR):
        await leases.renew(job, leases.LEASE)
        assert await leases.claim() is None
    with clock.at(NOON - HOUR + leases.LEASE + SLACK):  # it dies now, and the step is forgotten
        taken = await leases.claim()
        assert taken is not None and taken.id == job.id


async def test_when_the_clock_is_put_right_again_a_worker_does_not_take_what_it_has_in_hand(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LOOK_EACH", 0.02)
    begun, may_end = list[int](), asyncio.Event()

    @jobs.verb("test.long")
    async def long(job: jobs.Job) -> None:
        begun.append(job.tries)
        await may_end.wait()

    with clock.at(NOON - HOUR):
        async with _working():
            async with db.writing():
                await jobs.later("test.long", {})
            await _until(lambda: begun == [1])
            with clock.at(NOON):  # its lease seems to have ended long ago
                async with db.writing():
                    await jobs.later("test.quick", {})
                await _until_done("test.quick")
                await asyncio.sleep(0.3)  # the three other hands look fifteen times each
                assert begun == [1]
                may_end.set()
                await _until_done("test.long")
    assert begun == [1]


@asynccontextmanager
async def _working() -> AsyncIterator[None]:
    @jobs.verb("test.quick")
    async def quick(job: jobs.Job) -> None: ...

    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop))
    try:
        yield
    finally:
        stop.set()
        await worker


async def _until_done(verb: str) -> None:
    async with asyncio.timeout(15):
        while await db.rows("SELECT state, tries FROM job WHERE verb = ?", verb) != [{"state": "done", "tries": 1}]:
            await asyncio.sleep(0.02)


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)
