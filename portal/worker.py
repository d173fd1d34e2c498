"""What runs beside the doors, in the same process or as `portal work`: due jobs, the log's sequencer, and tidying up.

Any number of workers may run against one database; leases and fencing keep them apart.
"""

import asyncio
import importlib
from datetime import timedelta
from pathlib import Path

import structlog

import portal
from portal import audit, db, jobs
from portal.lib import clock

# These packages take requests; every other one is a room or ground and may have verbs.
DOORS = {"public", "admin", "api", "widget"}

log = structlog.get_logger()


async def work(stop: asyncio.Event) -> None:
    """Run until `stop` is set. When the sequencer ends in trouble, jobs go on and its error is raised at the end."""
    know_all_verbs()
    sequencer = asyncio.create_task(audit.run_sequencer(stop), name="sequencer")
    sequencer.add_done_callback(_say_why_it_ended)
    try:
        await jobs.run_worker(stop)
    finally:
        if not stop.is_set():
            sequencer.cancel()
    await sequencer


def know_all_verbs() -> None:
    """Import every room: their verbs are registered by that."""
    for package in sorted(Path(portal.__file__).parent.glob("*/__init__.py")):
        if package.parent.name not in DOORS:
            importlib.import_module(f"portal.{package.parent.name}")


@jobs.verb("worker.tidy", every=timedelta(hours=1))
async def tidy(job: jobs.Job) -> None:
    """Let go of what was only kept for a while: done jobs, replies, throttles whose window is over."""
    await jobs.tidy()
    now = clock.micros(clock.now())
    await _delete_in_portions("DELETE FROM reply WHERE key IN (SELECT key FROM reply WHERE keep_until <= ? LIMIT 1000)", now)
    await _delete_in_portions("DELETE FROM throttle WHERE name IN (SELECT name FROM throttle WHERE ends_at <= ? LIMIT 1000)", now)


async def _delete_in_portions(statement: str, now: int) -> None:
    gone = 1
    while gone:
        async with db.writing():
            gone = await db.run(statement, now)


def _say_why_it_ended(sequencer: "asyncio.Task[None]") -> None:
    if not sequencer.cancelled() and (problem := sequencer.exception()) is not None:
        log.error("worker.sequencer_ended", error=type(problem).__name__)
