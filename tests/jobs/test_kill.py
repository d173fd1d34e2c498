"""A worker killed with SIGKILL at each point of a job: another takes over after the lease, and the effect happens once."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from portal import db, jobs
from portal.settings import HOME
from tests.conftest import House
from tests.jobs import dying_worker


@pytest.fixture
def outside(tmp_path: Path, no_verbs: None) -> Path:
    file = tmp_path / "outside.txt"
    file.touch()
    dying_worker.register(file)
    return file


async def test_each_effect_happens_exactly_once_wherever_the_worker_is_killed(house: House, outside: Path) -> None:
    async with db.writing():
        for number in range(len(dying_worker.POINTS)):
            await jobs.later("test.append", {"number": number})
    # Each takes the oldest waiting job and dies with it.
    assert await _ends_of_workers(house, outside) == [signal.SIGKILL] * len(dying_worker.POINTS)
    stop = asyncio.Event()
    worker = asyncio.create_task(jobs.run_worker(stop))
    async with asyncio.timeout(15):
        while (counts := await jobs.counts())["waiting"] + counts["running"]:
            await asyncio.sleep(0.1)
    stop.set()
    await worker
    numbers = [str(number) for number in range(len(dying_worker.POINTS))]
    assert sorted(outside.read_text().split()) == numbers
    effects = await db.rows("SELECT name FROM throttle ORDER BY name")
    # All were ended by their second worker, but for the one that died after its transaction was committed.
    assert [each["name"] for each in effects] == ["0 2", "1 2", "2 2", "3 2", "4 1"]
    tries = await db.rows("SELECT tries, state FROM job ORDER BY id")
    assert tries == [{"tries": 2, "state": "done"}] * len(numbers)


async def _ends_of_workers(house: House, outside: Path) -> list[int]:
    environment = os.environ | {
        "PORTAL_DATABASE_URL": house.settings.database,
        "PORTAL_VAR": str(house.settings.var),
        "OUTSIDE": str(outside),
    }
    command, pipe = (sys.executable, "-m", "tests.jobs.dying_worker"), asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, env=environment, cwd=HOME, stdout=pipe)
    async with asyncio.timeout(60):
        said, _none = await child.communicate()
    return [int(each) for each in said.split()]
