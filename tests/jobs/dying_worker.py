"""Workers with one verb that kill their own process (SIGKILL), one at each of the points, one after another.

`python -m tests.jobs.dying_worker`, with the portal's settings in the environment and the outside in OUTSIDE, a file
that gets one line per job; says which signal ended each. The workers are forks of one process that has the portal loaded.
The test imports the verb from here too, with no point named: that is the healthy worker.
"""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from portal import db, jobs, worker
from portal.jobs.verbs import registered

LEASE = timedelta(seconds=1)
POINTS = ("before begin", "after begin", "after effect", "inside writing", "after finish")


def register(outside: Path) -> None:
    @jobs.verb("test.append")
    async def append(job: jobs.Job) -> None:
        number = str(job.arguments["number"])
        _die_at("before begin")
        before = await job.begin("append")
        _die_at("after begin")
        if before == "done":
            return
        # "about to": an earlier worker got this far; ask the outside instead of repeating.
        if before == "new" or number not in outside.read_text().split():
            with outside.open("a") as file:
                file.write(f"{number}\n")
                file.flush()
                os.fsync(file.fileno())
        _die_at("after effect")
        async with db.writing():
            await db.run("INSERT INTO throttle (name, started_at, ends_at, count) VALUES (?, 0, 0, 0)", f"{number} {job.tries}")
            await job.finish("append")
            _die_at("inside writing")
        _die_at("after finish")


def _die_at(point: str) -> None:
    if os.environ.get("FAULT_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


async def _main() -> None:
    await db.open_database()
    try:
        registered.clear()  # opening the database makes all rooms known, with their recurring jobs
        register(Path(os.environ["OUTSIDE"]))
        await jobs.run_worker(asyncio.Event(), lease=LEASE, hands=1)
    finally:
        await db.close()


def _ended_by(point: str) -> int:
    """The signal that ended a worker of its own."""
    child = os.fork()
    if child == 0:
        os.environ["FAULT_AT"] = point
        asyncio.run(_main())
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    worker.know_all_verbs()  # loads the rooms once for all
    print(*map(_ended_by, POINTS))
