"""A process that writes entries and sequences them as if nobody else did: `python -m tests.audit.racing_sequencer`.

With the portal's settings in the environment and ROUNDS, ENTRIES and LEADING. LEADING=1 is a whole sequencer under its
lease; without it each turn is taken without asking, as by somebody who stole the lease just now. Prints as JSON how many
entries it placed, how often it was overtaken, and each checkpoint that it signed.
"""

import asyncio
import json
import os
import random
import sys
from typing import Any

from portal import audit, db
from portal.audit import lockfile, sequencer
from tests.audit.acts import say

_sequence = sequencer._sequence
_last: list[tuple[str, int]] = []
told: dict[str, Any] = {"placed": 0, "overtaken": 0, "signed": []}


async def _watched() -> tuple[audit.notes.Checkpoint | None, int]:
    try:
        signed, count = await _sequence()
    except sequencer.Overtaken:
        told["overtaken"] += 1
        raise
    _last.clear()
    if signed is not None:
        _last.append((signed.note, count))
    return signed, count


def _committed(signed: audit.notes.Checkpoint, key: audit.notes.VerifierKey) -> None:
    """The lock file is written after the commit alone: what comes here was really signed, by us or by who was killed."""
    for note, count in _last:
        if note == signed.note:
            told["signed"].append(note)
            told["placed"] += count
    _last.clear()
    lockfile.keep(signed, key)


async def _main() -> None:
    await db.open_database()
    vars(sequencer).update(_sequence=_watched, keep=_committed)  # only watched: each calls the real one
    chance = random.Random(os.getpid())
    stop = asyncio.Event()
    leading = asyncio.create_task(audit.run_sequencer(stop)) if os.environ["LEADING"] == "1" else None
    try:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for _round in range(int(os.environ["ROUNDS"])):
            await say(os.environ["WHO"], times=int(os.environ["ENTRIES"]))
            if leading is None:
                await _turns()
            await asyncio.sleep(chance.uniform(0, 0.01))
        if leading is None:
            await _turns()
        stop.set()
        if leading is not None:
            await leading
    finally:
        await db.close()
    print(json.dumps(told))


async def _turns() -> None:
    try:
        await audit.sequence_all()
    except sequencer.Overtaken:
        await asyncio.sleep(0.05)  # twenty times in a row: what waits is taken by others, or in the next round


if __name__ == "__main__":
    asyncio.run(_main())
