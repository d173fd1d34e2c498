"""Workers that race, stall and stop: each job once, and nobody writes for a job that is no longer theirs."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from portal import db, jobs
from portal.jobs import leases, work
from portal.lib import clock
from tests.conftest import House

SHORT = timedelta(seconds=0.6)


pytestmark = pytest.mark.usefixtures("no_verbs")


async def _until(condition: object, *, seconds: float = 15) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():  # a test may look often
            await asyncio.sleep(0.02)


async def _open_jobs() -> int:
    counts = await jobs.counts()
    return counts["waiting"] + counts["running"]


async def test_racing_workers_do_each_of_two_hundred_jobs_exactly_once(house: House) -> None:
    did: Counter[int] = Counter()

    @jobs.verb("test.count")
    async def count(job: jobs.Job) -> None:
        assert await job.begin("count") == "new"
        did[job.arguments["number"]] += 1
        await job.finish("count")

    async with db.writing():
        for number in range(200):
            await jobs.later("test.count", {"number": number})
    stop = asyncio.Event()
    # Two workers of two hands each, as two processes would be: they share nothing but the database.
    workers = [asyncio.create_task(jobs.run_worker(stop, hands=2)) for _worker in range(2)]
    await _until(lambda: len(did) == 200)
    stop.set()
    await asyncio.gather(*workers)
    assert set(did.values()) == {1} and await _open_jobs() == 0


async def test_a_worker_is_woken_at_the_commit_and_does_not_wait_for_its_next_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LOOK_EACH", 60.0)
    did: list[str] = []

    @jobs.verb("test.quick")
    async def quick(job: jobs.Job) -> None:
        did.append(job.id)

    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop))
    await asyncio.sleep(0.2)
    async with db.writing():
        await jobs.later("test.quick", {})
    await _until(lambda: did, seconds=5)
    stop.set()
    await worker


async def test_a_job_longer_than_its_lease_is_kept_by_renewing(house: House) -> None:
    did: list[str] = []

    @jobs.verb("test.slow")
    async def slow(job: jobs.Job) -> None:
        did.append("begun")
        await asyncio.sleep(2.5)
        did.append("ended")

    async with db.writing():
        await jobs.later("test.slow", {})
    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop, lease=timedelta(seconds=1.5)))
    await _until(lambda: "ended" in did)
    stop.set()
    await worker
    assert did == ["begun", "ended"] and await _open_jobs() == 0


async def test_a_worker_that_lost_its_lease_can_write_nothing_more_for_the_job(house: House) -> None:
    @jobs.verb("test.anything")
    async def anything(job: jobs.Job) -> None: ...

    async with db.writing():
        await jobs.later("test.anything", {})
    slow = await leases.claim(SHORT)
    with clock.at(clock.now() + timedelta(minutes=1)):
        thief = await leases.claim(SHORT)
        assert slow is not None and thief is not None and slow.id == thief.id
        for write in (
            slow.begin("step"),
            slow.finish("step"),
            slow.undone("step"),
            leases.renew(slow, SHORT),
            leases.done(slow),
            leases.give_up(slow, "no"),
            leases.try_again(slow, "no"),
        ):
            with pytest.raises(jobs.LeaseLost):
                await write
        assert await thief.begin("step") == "new"
        await leases.done(thief)
    assert await jobs.failed() == [] and await _open_jobs() == 0


async def test_the_call_of_a_worker_that_lost_its_lease_is_cancelled(house: House) -> None:
    ended: list[str] = []

    @jobs.verb("test.hangs")
    async def hangs(job: jobs.Job) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async with db.writing():
        await jobs.later("test.hangs", {})
    job = await leases.claim(SHORT)
    assert job is not None
    call = asyncio.create_task(work.perform(job, SHORT))
    await asyncio.sleep(0.1)
    async with db.writing():
        await db.run("UPDATE job SET token = 'the thief''s' WHERE id = ?", job.id)
    await asyncio.wait_for(call, 5)
    assert ended == ["cancelled"]
    stored = await db.row("SELECT state, token FROM job WHERE id = ?", job.id)
    assert stored == {"state": "running", "token": "the thief's"}


async def test_what_the_verb_wrote_rolls_back_when_its_lease_is_gone(house: House) -> None:
    @jobs.verb("test.writes")
    async def writes(job: jobs.Job) -> None:
        with pytest.raises(jobs.LeaseLost):
            async with db.writing():
                await db.run("INSERT INTO throttle (name, started_at, ends_at, count) VALUES ('effect', 0, 0, 0)")
                await db.run("UPDATE job SET token = 'other' WHERE id = ?", job.id)
                await job.finish("effect")

    async with db.writing():
        await jobs.later("test.writes", {})
    await jobs.run_due()
    assert await db.row("SELECT name FROM throttle") is None


async def test_a_slow_outside_does_not_take_all_hands(house: House) -> None:
    waiting = most = 0
    answered = asyncio.Event()
    quick_done: list[str] = []

    @jobs.verb("test.mail", at_once=2)
    async def mail(job: jobs.Job) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await answered.wait()
        waiting -= 1

    @jobs.verb("test.other")
    async def other(job: jobs.Job) -> None:
        quick_done.append(job.id)

    async with db.writing():
        for _number in range(6):
            await jobs.later("test.mail", {})
        await jobs.later("test.other", {})
    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop))
    await _until(lambda: quick_done)  # although six mails stand before it and none is answered
    answered.set()
    async with asyncio.timeout(15):
        while await _open_jobs():
            await asyncio.sleep(0.02)
    stop.set()
    await worker
    assert most == 2


async def test_a_stopped_worker_puts_its_job_back_without_using_up_a_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "GRACE", 0.1)
    begun = asyncio.Event()

    @jobs.verb("test.long", max_tries=1)
    async def long(job: jobs.Job) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with db.writing():
        await jobs.later("test.long", {})
    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop))
    await asyncio.wait_for(begun.wait(), 5)
    stop.set()
    await worker
    stored = await db.row("SELECT state, tries FROM job")
    assert stored == {"state": "waiting", "tries": 0}


async def test_a_second_try_reads_in_the_journal_how_far_the_first_came(house: House) -> None:
    heard: list[str] = []

    @jobs.verb("test.steps")
    async def steps(job: jobs.Job) -> None:
        heard.append(await job.begin("reserve"))
        await job.finish("reserve", note="R-17")
        heard.append(await job.begin("send"))
        if job.tries == 1:
            raise ConnectionError
        heard.append(str(await job.note("reserve")))
        await job.undone("send")
        heard.append(await job.begin("send"))

    async with db.writing():
        await jobs.later("test.steps", {})
    await jobs.run_due()
    with clock.at(clock.now() + timedelta(minutes=1)):
        await jobs.run_due()
    assert heard == ["new", "new", "done", "about to", "R-17", "new"]
