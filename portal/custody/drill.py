"""`portal drill`: does the backup hold what we think? Restored into a scratch place, verified, and the day recorded.

Everything that `portal restore` does but the last step: rows counted, the whole log verified, the safety log replayed, and a
receipt of one entry of each of the newest days made and checked. GDPR Art. 32(1)(d).
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from portal import audit, db
from portal.custody import backup, events
from portal.custody.copying import scratch
from portal.custody.restore import lay_beside, unpacked, verified
from portal.lib.errors import Invalid

DAYS = 31


@dataclass(frozen=True)
class Drilled:
    """What was tried: entries in the log, receipts that verify, what had to be done again, how many lines of the safety log no
    backup needs any more, and how long it took."""

    file: Path
    entries: int
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
        await asyncio.to_thread(lay_beside, private)
        async with unpacked(file, keys, private) as place, verified(place) as entries:
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
            payload = {"file": file.name, "entries": entries, "receipts": proven, "again": again, "seconds": seconds}
            await audit.record(events.DRILLED, actor="system", payload=payload)
        return Drilled(file, entries, proven, again, await _trim(file) if trim else 0, seconds)
    finally:
        await db.close()


async def _trim(file: Path) -> int:
    try:
        return await audit.safety.trim(await asyncio.to_thread(backup.reaches, file))
    except (audit.LogBroken, Invalid, OSError) as problem:
        raise Invalid(f"The backup is good, but safety.log stays as it was: {problem}") from problem
