"""What runs beside the doors: jobs are done, the log gets its sequence, and what was kept for a while goes."""

import asyncio
from datetime import UTC, datetime, timedelta

from portal import audit, db, jobs, worker
from portal.jobs.verbs import registered
from portal.lib import clock
from portal.messages import events
from tests.conftest import House
from tests.messages.test_compose import write

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
REPLY = "INSERT INTO reply (key, request_hash, body, keep_until) VALUES (?, ?, '', ?)"
THROTTLE = "INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, 0, ?, 1)"


async def test_the_worker_does_jobs_sequences_the_log_and_stops_when_told(house: House) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.work(stop))
    message = await write(subject="s1")
    async with db.writing():
        recorded = await audit.record(events.REFUSED, actor="system", object=f"message:{message}")
    async with asyncio.timeout(20):
        while not await _is_in_the_log(recorded) or not await _was_looked_at():
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(working, 10)


async def test_every_recurring_verb_is_on_the_list_once_however_many_workers_start(house: House) -> None:
    worker.know_all_verbs()
    for _start in range(2):
        stop = asyncio.Event()
        working = asyncio.create_task(worker.work(stop))
        await asyncio.sleep(0.3)
        stop.set()
        await working
    wanted = sorted(each.name for each in registered.values() if each.every)
    found = await db.rows("SELECT verb FROM job WHERE every IS NOT NULL")
    assert {"messages.tidy", "worker.tidy"} <= set(wanted) and sorted(each["verb"] for each in found) == wanted


async def test_replies_and_throttles_go_when_their_time_is_over(house: House) -> None:
    over, running = clock.micros(NOON - timedelta(seconds=1)), clock.micros(NOON + timedelta(hours=1))
    async with db.writing():
        for name, until in (("old", over), ("new", running)):
            await db.run(REPLY, name, b"", until)
            await db.run(THROTTLE, name, until)
    with clock.at(NOON):
        await jobs.recur("worker.tidy", every=timedelta(hours=1))
        await jobs.run_due()
    assert await db.rows("SELECT key FROM reply") == [{"key": "new"}]
    assert await db.rows("SELECT name FROM throttle") == [{"name": "new"}]


async def _is_in_the_log(entry: str) -> bool:
    return any(each.id == entry for each in await audit.entries_after(-1, 10))


async def _was_looked_at() -> bool:
    stored = await db.row("SELECT last_error FROM job WHERE verb = 'messages.send'")
    return stored == {"last_error": "PORTAL_SMTP_URL is empty."}
