"""Taking the next due job, keeping it, and writing how it went. Every write carries the fencing token."""

import json
from collections.abc import Collection
from datetime import timedelta
from secrets import SystemRandom

from portal import db, settings
from portal.jobs.journal import Job, LeaseLost
from portal.jobs.verbs import registered
from portal.lib import clock, ids

LEASE = timedelta(seconds=30)
FIRST_PAUSE = timedelta(seconds=2)

_random = SystemRandom()


async def claim(lease: timedelta = LEASE, except_verbs: Collection[str] = (), except_jobs: Collection[str] = ()) -> Job | None:
    """Take the job that has been due longest, waiting ones and those whose worker died alike.

    Leases go by the clock. When it steps back, a dead worker's job waits for its lease and the step, while a living one
    renews on the new time. When it steps forward, what a process has in hand looks free: it names that in `except_jobs`.
    """
    now = clock.micros(clock.now())
    due = "state IN ('waiting', 'running') AND due_at <= ?"
    for column, names in (("verb", except_verbs), ("id", except_jobs)):
        if names:
            due += f" AND {column} NOT IN ({', '.join('?' * len(names))})"
    queue = f"job {db.through('job_due')}"
    if await db.row(f"SELECT id FROM {queue} WHERE {due} LIMIT 1", now, *except_verbs, *except_jobs) is None:
        return None  # an idle worker never opens a write transaction
    skip = "" if settings.get().is_sqlite else " FOR UPDATE SKIP LOCKED"
    token = ids.secret()
    async with db.writing():
        taken = await db.row(
            "UPDATE job SET state = 'running', token = ?, due_at = ?, tries = tries + 1"
            f" WHERE id = (SELECT id FROM {queue} WHERE {due} ORDER BY due_at LIMIT 1{skip})"
            " RETURNING id, verb, arguments, tries",
            token,
            now + _micros(lease),
            now,
            *except_verbs,
            *except_jobs,
        )
    if taken is None:
        return None
    verb = registered.get(taken["verb"])
    max_tries = verb.max_tries if verb else 1
    return Job(taken["id"], taken["verb"], json.loads(taken["arguments"]), taken["tries"], max_tries, token)


async def renew(job: Job, lease: timedelta) -> None:
    """Raises LeaseLost when somebody else has it."""
    async with db.writing():
        until = clock.micros(clock.now() + lease)
        if not await db.run(
            "UPDATE job SET due_at = ? WHERE id = ? AND token = ? AND state = 'running'", until, job.id, job.token
        ):
            raise LeaseLost(f"Job {job.id} was taken over.")


async def done(job: Job) -> None:
    await _end(job, "done", "")


async def give_up(job: Job, why: str) -> None:
    """The job stays visible as failed; a recurring one waits for its next turn instead."""
    await _end(job, "failed", why)


async def try_again(job: Job, why: str, after: timedelta | None = None) -> None:
    """Put it back with a pause that doubles with each try; with `after`, exactly that long and no try used up."""
    verb = registered[job.verb]
    wait = after
    if wait is None:
        longest = min(verb.longest_pause, verb.every or verb.longest_pause)
        # The half at random spreads those that failed together (a system that was down).
        wait = min(longest, FIRST_PAUSE * 2 ** min(job.tries - 1, 30)) * _random.uniform(0.5, 1)
    async with db.writing():
        await job.hold()
        await db.run(
            "UPDATE job SET state = 'waiting', token = NULL, due_at = ?, tries = ?, last_error = ? WHERE id = ?",
            clock.micros(clock.now() + wait),
            job.tries if after is None else job.tries - 1,
            why,
            job.id,
        )


async def _end(job: Job, state: str, why: str) -> None:
    now = clock.micros(clock.now())
    async with db.writing():
        await job.hold()
        plan = await db.row("SELECT every, again_at FROM job WHERE id = ?", job.id)
        assert plan is not None
        turns = [] if plan["again_at"] is None else [plan["again_at"]]
        if plan["every"] is not None and job.verb in registered:
            turns.append(now + plan["every"])
        if turns:
            # The next round is new work: its steps start from nothing.
            await db.run("DELETE FROM job_step WHERE job = ?", job.id)
            await db.run(
                "UPDATE job SET state = 'waiting', token = NULL, due_at = ?, again_at = NULL, tries = 0, last_error = ?"
                " WHERE id = ?",
                min(turns),
                why,
                job.id,
            )
            return
        await db.run("UPDATE job SET state = ?, token = NULL, last_error = ?, ended_at = ? WHERE id = ?", state, why, now, job.id)


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
