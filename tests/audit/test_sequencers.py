"""Sequencers of several processes at once, with and without the lease: one log, every entry in it once, no fork."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any

import pytest

from portal import audit, db
from portal.audit import sequencer
from portal.audit.head import Head, head
from portal.audit.sequencer import Overtaken
from portal.settings import HOME
from tests.audit.acts import count, require_whole, say
from tests.conftest import LOG_KEY, MASTER_KEY, House

ROUNDS, ENTRIES = 12, 5


async def test_racing_processes_make_one_log(house: House) -> None:
    await _race(house, 3, rounds=ROUNDS)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [2, 4])
async def test_racing_processes_make_one_log_for_long(house: House, processes: int) -> None:
    await _race(house, processes, rounds=200)


async def _race(house: House, processes: int, rounds: int) -> None:
    """Half of them lead under a lease that is taken from them all the time, the others take their turns without any."""
    racing = [await _start(house, number, rounds, leading=number % 2 == 0) for number in range(processes)]
    for each in racing:
        assert each.stdout and await each.stdout.readline() == b"ready\n"
    thief = asyncio.create_task(_steal(house))
    try:
        async with asyncio.timeout(500):
            told = await asyncio.gather(*(_told(each) for each in racing))
    finally:
        thief.cancel()
        for each in racing:
            if each.returncode is None:
                each.kill()
    placed = sum(each["placed"] for each in told) + await audit.sequence_all()
    wanted = processes * rounds * ENTRIES
    shown = [{name: each[name] for name in ("placed", "overtaken")} for each in told]
    print(f"{wanted} entries by {processes} processes: {shown}")
    assert placed == wanted == await count("entry") == await count("entry", "log_index IS NOT NULL") == await count("leaf")
    await _nothing_was_signed_twice(told)
    await require_whole()


async def _nothing_was_signed_twice(told: list[dict[str, Any]]) -> None:
    """What any of them signed stands in the log: of every size one checkpoint, which the last one continues."""
    signed = [note for each in told for note in each["signed"]]
    stored = {each["note"] for each in await db.rows("SELECT note FROM checkpoint")}
    assert len(signed) == len(set(signed)) and set(signed) <= stored
    key = await audit.log_key()
    for note in signed:
        seen = audit.notes.open_checkpoint(note, [key])
        assert seen.root == await audit.tiles.root(seen.size)


async def test_who_was_overtaken_between_reading_and_writing_signs_nothing(house: House) -> None:
    """The head moves under a sequencer that has read it: its compare-and-swap fails, whatever it believed."""
    await say(times=3)
    await audit.sequence_all()
    stale = await head()
    await say(times=2)
    await audit.sequence_all()
    await say()

    async def believed() -> Head:
        return stale

    before = await count("checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequencer, "head", believed)
        patch.setattr(sequencer, "last_signed", lambda _key: None)
        with pytest.raises(Overtaken):
            async with db.writing():
                await sequencer._sequence()
    assert await count("checkpoint") == before and await count("entry", "log_index IS NULL") == 1
    assert await audit.sequence_all() == 1
    await require_whole()


async def _start(house: House, number: int, rounds: int, *, leading: bool) -> asyncio.subprocess.Process:
    environment = os.environ | {
        "PORTAL_DATABASE_URL": house.settings.database,
        "PORTAL_VAR": str(house.settings.var),
        "PORTAL_MASTER_KEY": MASTER_KEY,
        "PORTAL_LOG_KEY": LOG_KEY,
        "ROUNDS": str(rounds),
        "ENTRIES": str(ENTRIES),
        "LEADING": "1" if leading else "0",
        "WHO": f"person-{number}",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.audit.racing_sequencer"),
        env=environment,
        cwd=HOME,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def _told(process: asyncio.subprocess.Process) -> dict[str, Any]:
    written, _none = await process.communicate(b"go\n")
    assert process.returncode == 0
    told: dict[str, Any] = json.loads(written.splitlines()[-1])
    return told


async def _steal(house: House) -> None:
    """Nobody has the lease, again and again, so that the next who looks takes it beside who had it."""
    if house.settings.is_sqlite:
        return  # there is none: on SQLite every process takes its turn at the write lock
    while True:
        with suppress(TimeoutError):
            async with db.writing():
                await db.run("UPDATE sequencer_lease SET holder = '', until = 0")
        await asyncio.sleep(0.03)
