"""The worker: takes due jobs, calls their verbs, keeps their leases while they run, writes how it went.

`run_worker` is the loop of a process; `run_due` does in one go what is due now (tests, command lines). A crash at any
point leaves the job running under its lease, and the next worker takes it over when that ends.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

import portal
from portal import db
from portal.jobs import leases
from portal.jobs.journal import Job, LeaseLost
from portal.jobs.todo import recur_registered
from portal.jobs.verbs import GiveUp, TryAgain, registered
from portal.jobs.wake import Alarm

HANDS = 4
LOOK_EACH = 1.0
GRACE = 8.0

log = structlog.get_logger()


async def run_worker(stop: asyncio.Event, *, lease: timedelta = leases.LEASE, hands: int = HANDS) -> None:
    """Work until `stop` is set; jobs under way then have `GRACE` seconds to end, and are put back after that."""
    await _start_recurring(stop)
    shift = _Shift(stop, lease)
    tasks = [asyncio.create_task(shift.work(), name=f"jobs {number}") for number in range(hands)]
    try:
        await stop.wait()
        shift.ring()
        await asyncio.wait(tasks, timeout=GRACE)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_due() -> int:
    """Do everything that is due now, one after the other, also what that puts on the list. Answers how many jobs ran."""
    if db.in_writing():
        raise RuntimeError("run_due() does not belong inside writing().")
    ran = 0
    while (job := await leases.claim()) is not None:
        await perform(job, leases.LEASE)
        ran += 1
    return ran


async def perform(job: Job, lease: timedelta) -> None:
    """Call the job's verb under a lease and write the outcome."""
    verb = registered.get(job.verb)
    if verb is None:
        await _settle(job, leases.give_up(job, "This version of the portal does not know this verb."))
        return
    if job.tries > job.max_tries:
        await _settle(job, leases.give_up(job, f"The worker died with it {verb.max_tries} times."))
        return
    call = asyncio.ensure_future(verb.handler(job))
    keeper = asyncio.create_task(_keep_lease(job, lease, call))
    try:
        await asyncio.wait({call})
    except asyncio.CancelledError:
        call.cancel()
        await asyncio.wait({call})
        if call.cancelled():
            # Stopped from outside: the job goes back without having used up a try. Its journal says how far it came.
            await _settle(job, leases.try_again(job, "The worker was stopped.", after=timedelta(0)))
        else:
            await _write_outcome(job, call)
        raise
    finally:
        keeper.cancel()
    await _write_outcome(job, call)


class _Shift:
    """The hands of one worker process and what they are busy with."""

    def __init__(self, stop: asyncio.Event, lease: timedelta) -> None:
        self._stop = stop
        self._lease = lease
        self._alarms: list[Alarm] = []
        self._turn = asyncio.Lock()
        self._running: Counter[str] = Counter()
        self._in_hand: set[str] = set()

    def ring(self) -> None:
        for alarm in self._alarms:
            alarm.ring()

    async def work(self) -> None:
        alarm = Alarm()
        self._alarms.append(alarm)
        try:
            while not self._stop.is_set():
                alarm.reset()
                try:
                    worked = await self._work_once()
                except Exception as problem:
                    # The database is away: what was claimed comes back when its lease ends.
                    log.warning("jobs.worker_stumbled", error=where(problem))
                    worked = False
                if not worked:
                    await alarm.sleep(LOOK_EACH)
        finally:
            alarm.drop()

    async def _work_once(self) -> bool:
        async with self._turn:  # so that `at_once` is counted before the next hand looks
            full = [each.name for each in registered.values() if self._running[each.name] >= each.at_once]
            job = await leases.claim(self._lease, full, tuple(self._in_hand))  # as it is now: other hands go on
            if job is None:
                return False
            self._running[job.verb] += 1
            self._in_hand.add(job.id)
        try:
            await perform(job, self._lease)
        finally:
            self._running[job.verb] -= 1
            self._in_hand.remove(job.id)
        return True


async def _start_recurring(stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await recur_registered()
            return
        except Exception as problem:
            log.warning("jobs.worker_stumbled", error=where(problem))
            await asyncio.sleep(LOOK_EACH)


async def _keep_lease(job: Job, lease: timedelta, call: asyncio.Future[None]) -> None:
    loop = asyncio.get_running_loop()
    length = lease.total_seconds()
    ends = loop.time() + length
    while True:
        await asyncio.sleep(length / 3)
        try:
            asked = loop.time()
            await leases.renew(job, lease)
            ends = asked + length
        except LeaseLost:
            call.cancel()
            return
        except Exception as problem:
            log.warning("jobs.lease_not_renewed", job=job.id, error=where(problem))
            if loop.time() >= ends:
                call.cancel()  # somebody else may have it by now
                return


async def _write_outcome(job: Job, call: asyncio.Future[None]) -> None:
    if call.cancelled():
        log.warning("jobs.lease_lost", job=job.id, verb=job.verb)
        return
    problem = call.exception()
    if problem is None:
        await _settle(job, leases.done(job))
    elif isinstance(problem, LeaseLost):
        log.warning("jobs.lease_lost", job=job.id, verb=job.verb)
    elif isinstance(problem, GiveUp):
        await _give_up(job, str(problem))
    elif isinstance(problem, TryAgain) and problem.after is not None:
        await _settle(job, leases.try_again(job, str(problem), problem.after))
    else:
        why = str(problem) if isinstance(problem, TryAgain) else where(problem)
        log.warning("jobs.try_failed", job=job.id, verb=job.verb, tries=job.tries, error=why)
        if job.is_last_try:
            await _give_up(job, why)
        else:
            await _settle(job, leases.try_again(job, why))


async def _give_up(job: Job, why: str) -> None:
    log.error("jobs.given_up", job=job.id, verb=job.verb, tries=job.tries, error=why)
    await _settle(job, leases.give_up(job, why))


async def _settle(job: Job, writing: Coroutine[Any, Any, None]) -> None:
    try:
        await writing
    except LeaseLost:
        log.warning("jobs.lease_lost", job=job.id, verb=job.verb)


def where(problem: BaseException) -> str:
    """The kind of an exception and our innermost line. Never its text: that may quote somebody's data."""
    home = str(Path(portal.__file__).parent)
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename.startswith(home)]
    place = f" in portal{frames[-1].filename.removeprefix(home)}:{frames[-1].lineno}" if frames else ""
    return f"{type(problem).__name__}{place}"
