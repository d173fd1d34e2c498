"""Switching another tuning of the rules on, and telling the connected systems whose answers it changed.

Everybody whose answer is another one gets an entry in the log; by that the systems hear of it in its order, like of
anything else that was said (GDPR Art. 19).
"""

import json
import time
from datetime import timedelta

from portal import audit, db, jobs
from portal.consent import events, lapses, trying
from portal.consent.precedence import NEUTRAL, File, InForce, in_force, numbered
from portal.consent.propagation import wake
from portal.lib import clock

LONGEST_SHIFT = 10.0


async def switch_on(file: File, *, by: str) -> InForce | None:
    """Let a file be in force from now on; None when it says nothing new. Whoever's answer changes is found by a job."""
    await lapses.note_lapses()  # what had ended under the tuning before
    async with db.writing():
        before = await in_force()
        if before.sha256 == file.sha256 if before else file.tuning.changes_nothing:
            return None
        now, number = clock.micros(clock.now()), before.number + 1 if before else 1
        await db.run(
            "INSERT INTO precedence (number, tuning, file, sha256, in_force_from, by, told_up_to, told_at)"
            " VALUES (?, ?, ?, ?, ?, ?, '', NULL)",
            *(number, json.dumps(file.tuning._asdict()), file.content, file.sha256, now, by),
        )
        payload = {"number": number, "sha256": file.sha256.hex(), **file.tuning._asdict()}
        await audit.record(events.TUNED, actor=by, object=f"precedence@{number}", payload=payload, digest=file.sha256)
        was = dict(before.tuning.counts_for) if before else {}
        await lapses.count_from(now, [source for source, days in file.tuning.counts_for if was.get(source) != days])
        await jobs.later("consent.retune", {"number": number})
        return await numbered(number)


@jobs.verb("consent.retune", at_once=1)
async def retune(job: jobs.Job) -> None:
    """Walk over everybody, from where a worker before left off; an entry for each person whose answer changed."""
    number, ends = int(job.arguments["number"]), time.monotonic() + LONGEST_SHIFT
    after, before = await numbered(number), await numbered(number - 1)
    if after is None or after.told_at is not None:
        return
    old, position = before.tuning if before else NEUTRAL, after.told_up_to
    if old != after.tuning:
        async for portion in trying.portions_of_all(old, after.tuning, after=position):
            async with db.writing():
                people = dict.fromkeys(change.person.subject for change in portion.changes)
                notes = [audit.Note(events.RETUNED, "system", subject, object=f"precedence@{number}") for subject in people]
                await audit.record_many(notes)
                await db.run("UPDATE precedence SET told_up_to = ? WHERE number = ?", portion.last, number)
                if notes:
                    await wake()
            if time.monotonic() > ends:
                raise jobs.TryAgain("There are more people.", after=timedelta(0))
    async with db.writing():
        await db.run("UPDATE precedence SET told_at = ? WHERE number = ?", clock.micros(clock.now()), number)
