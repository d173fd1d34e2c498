"""`portal drill`: does the backup hold what we think? Restored into a scratch place, verified, and the day recorded.

Everything that `portal restore` does but the last step: rows counted, the whole log verified, the safety log replayed, and a
receipt of one entry of each of the newest days made and checked. GDPR Art. 32(1)(d).
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from portal import audit, db
from portal.custody import events
from portal.custody.copying import scratch
from portal.custody.restore import lay_beside, unpacked, verified
from portal.lib.errors import Invalid

DAYS = 31


@dataclass(frozen=True)
class Drilled:
    """What was tried: entries in the log, receipts that verify, what had to be done again, and how long it took."""

    file: Path
    entries: int
    receipts: int
    again: dict[str, int]
    seconds: int


async def drill(file: Path, *, keys: Path | None = None) -> Drilled:
    """Rehearse restoring a backup, beside the portal; no database is open here before or after. Raises Invalid saying why not."""
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
    done = Drilled(file, entries, proven, again, round(time.monotonic() - started))
    await db.open_database()
    try:
        async with db.writing():
            payload = {"file": file.name, "entries": entries, "receipts": proven, "again": again, "seconds": done.seconds}
            await audit.record(events.DRILLED, actor="system", payload=payload)
    finally:
        await db.close()
    return done
