"""The check of the whole log from a page runs beside the pages: same answer, one at a time, and nobody waits for it."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from portal import audit, db, settings
from portal.lib.errors import Conflict, Unavailable
from portal.paper import in_language
from tests.audit.acts import say, without_triggers
from tests.conftest import House


async def test_the_child_says_what_the_check_itself_says(house: House) -> None:
    await say(times=300)
    await audit.sequence_all()
    with in_language("ro"):
        told = await audit.verify_log_apart()
        assert told == await audit.verify_log() and told.ok and "log is whole" not in "".join(told.sentences)
    await without_triggers()
    async with db.writing():
        await db.run("DELETE FROM leaf WHERE log_index = 7")
    report = await audit.verify_log_apart()
    assert not report.ok and report.first_bad == 7 and report == await audit.verify_log()


async def test_while_the_log_is_checked_the_loop_answers_others(sqlite_house: House) -> None:
    await say(times=400)
    await audit.sequence_all()
    longest, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    started = time.monotonic()
    report = await audit.verify_log_apart()
    taken = time.monotonic() - started
    done.set()
    await watching
    assert report.ok and report.size == 400
    assert longest < taken / 5, (longest, taken)


async def test_a_second_check_is_told_that_one_runs(sqlite_house: House) -> None:
    first = asyncio.create_task(audit.verify_log_apart())
    await asyncio.sleep(0)
    with pytest.raises(Conflict, match="being checked already"):
        await audit.verify_log_apart()
    assert (await first).ok


async def test_a_check_that_takes_too_long_or_is_given_up_leaves_no_child_and_no_lock(sqlite_house: House) -> None:
    with pytest.raises(Unavailable, match="portal audit verify"):
        await audit.verify_log_apart(patience=0.05)
    given_up = asyncio.create_task(audit.verify_log_apart())
    await asyncio.sleep(0.1)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert _children() == []
    assert (await audit.verify_log_apart()).ok


async def test_a_child_that_fails_says_nothing_about_the_log(sqlite_house: House, tmp_path: Path) -> None:
    settings.use(replace(sqlite_house.settings, database_url=f"sqlite:///{tmp_path}"))  # a folder
    with pytest.raises(Unavailable, match="says nothing about the record"):
        await audit.verify_log_apart()


def _children() -> list[str]:
    """The checkers among this process's children."""
    ours = Path("/proc/self/task").glob("*/children")
    ids = [child for each in ours for child in each.read_text().split()]
    return [child for child in ids if b"portal.audit.checker" in Path(f"/proc/{child}/cmdline").read_bytes()]
