"""`portal drill`: does the backup hold what we think? Restored into a scratch place, verified, and the day recorded.

Everything that `portal restore` does but the last step: rows counted, the whole log verified and compared with what others
hold of it (anchors.py), the safety log replayed, and a receipt of one entry of each of the newest days made and checked.
GDPR Art. 32(1)(d).
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from portal import audit, db
from portal.custody import anchors, backup, events
from portal.custody.copying import scratch
from portal.custody.restore import lay_beside, unpacked, verified
from portal.lib.errors import Invalid

DAYS = 31
ANCHORS = 100


@dataclass(frozen=True)
class Drilled:
    """What was tried: entries in the log, signed states that others hold and that fit it, receipts that verify, what had to be
    done again, how many lines of the safety log no backup needs any more, and how long it took."""

    file: Path
    entries: int
    anchors: int
    receipts: int
    again: dict[str, int]
    trimmed: int
    seconds: int


async def drill(file: Path, *, keys: Path | None = None, trim: bool = False) -> Drilled:
    """Rehearse restoring a backup, beside the portal; no database is open here before or after. Raises Invalid saying why not.

    `trim`: once it is found good, leave out of the safety log what all backups in its folder have, the oldest too.
    """
    started = time.monotonic()
    with scratch() as private:
        held = await _held_by_others()
        await asyncio.to_thread(lay_beside, private)
        async with unpacked(file, keys, private) as place, verified(place) as entries:
            anchored = await _compared(held, entries)
            try:
                again = await audit.safety.replay()
                proven, problems = await audit.restored.prove_each_day(DAYS)
            except audit.LogBroken as problem:
                raise Invalid(str(problem)) from problem
    if problems:
        raise Invalid(" ".join(problems[:3]))
    await db.open_database()
    try:
        seconds = round(time.monotonic() - started)
        async with db.writing():
            payload = {"file": file.name, "entries": entries, "anchors": anchored, "receipts": proven, "again": again}
            payload["seconds"] = seconds
            await audit.record(events.DRILLED, actor="system", payload=payload)
        return Drilled(file, entries, anchored, proven, again, await _trim(file) if trim else 0, seconds)
    finally:
        await db.close()


async def _held_by_others() -> list[audit.notes.Checkpoint]:
    """As the portal in use knows them: the backup's own list would fit the backup."""
    await db.open_database()
    try:
        return await anchors.newest(ANCHORS)
    finally:
        await db.close()


async def _compared(held: list[audit.notes.Checkpoint], entries: int) -> int:
    """How many of them the log of the backup, which is open, goes on from; raises Invalid when one does not fit it."""
    origin = (await audit.log_key()).name
    reached = [each for each in held if each.origin == origin and 0 < each.size <= entries]
    for each in reached:
        if await audit.tiles.root(each.size) != each.root:
            raise Invalid(f"Others hold another state of the first {each.size} entries of {origin}: this is not the same log.")
    return len(reached)


async def _trim(file: Path) -> int:
    try:
        return await audit.safety.trim(await asyncio.to_thread(backup.reaches, file))
    except (audit.LogBroken, Invalid, OSError) as problem:
        raise Invalid(f"The backup is good, but safety.log stays as it was: {problem}") from problem
