"""Putting work on the list, in the caller's own transaction, and looking at what is on it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import db
from portal.jobs import wake
from portal.jobs.verbs import registered
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound

KEPT = timedelta(days=7)
_OPEN = "state IN ('waiting', 'running')"


async def later(
    verb: str, arguments: Mapping[str, Any], *, key: str | None = None, at: datetime | None = None, every: timedelta | None = None
) -> str:
    """Inside `writing()`: let a worker do `verb` at the moment `at`, or soon. Answers the job's id.

    With `key` there is one open job of that key: asked again while it waits, nothing is added; asked again while it
    runs, it runs once more afterwards, so that what was written after it looked is not missed.
    """
    _ids_only(arguments)
    now = clock.now()
    due = clock.micros(max(at, now) if at else now)
    stored = await db.row(
        "INSERT INTO job (id, verb, arguments, key, every, state, due_at, tries, last_error, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', ?, 0, '', ?)"
        f" ON CONFLICT (key) WHERE {_OPEN} DO UPDATE SET every = excluded.every,"
        " due_at = CASE WHEN job.state = 'waiting' AND job.tries = 0 AND excluded.due_at < job.due_at"
        " THEN excluded.due_at ELSE job.due_at END,"
        " again_at = CASE WHEN job.state = 'running' AND (job.again_at IS NULL OR excluded.due_at < job.again_at)"
        " THEN excluded.due_at ELSE job.again_at END"
        " RETURNING id",
        ids.new(),
        verb,
        json.dumps(dict(arguments), sort_keys=True),
        key,
        None if every is None else every // timedelta(microseconds=1),
        due,
        clock.micros(now),
    )
    assert stored is not None
    db.after_commit(wake.everybody)
    return str(stored["id"])


async def hurry(key: str) -> bool:
    """Inside `writing()`: a person wants it now, so the pause after a failed try is over. Says whether one was waiting."""
    now = clock.micros(clock.now())
    waiting = await db.run("UPDATE job SET due_at = ? WHERE key = ? AND state = 'waiting' AND due_at > ?", now, key, now)
    db.after_commit(wake.everybody)
    return waiting > 0


async def recur(verb: str, *, every: timedelta) -> None:
    """Keep `verb` coming back; asking again only changes how often."""
    async with db.writing():
        length = every // timedelta(microseconds=1)
        key = f"every {verb}"
        if not await db.run(f"UPDATE job SET every = ? WHERE key = ? AND {_OPEN}", length, key):
            await later(verb, {}, key=key, every=every)


async def recur_registered() -> None:
    """What a worker does when it starts: see that every verb that declared `every` is on the list."""
    for each in list(registered.values()):
        if each.every is not None:
            await recur(each.name, every=each.every)


@dataclass(frozen=True)
class Failed:
    """A job that was given up, for the officers' page and the command line."""

    id: str
    verb: str
    arguments: Mapping[str, Any]
    tries: int
    why: str
    at: datetime


async def failed(limit: int = 100) -> list[Failed]:
    """What was given up, newest first."""
    found = await db.rows("SELECT * FROM job WHERE state = 'failed' ORDER BY ended_at DESC, id DESC LIMIT ?", limit)
    return [
        Failed(
            each["id"],
            each["verb"],
            json.loads(each["arguments"]),
            each["tries"],
            each["last_error"],
            clock.from_micros(each["ended_at"]),
        )
        for each in found
    ]


async def given_up(keys: Sequence[str]) -> dict[str, str]:
    """Of these keys those whose work was given up and is not on the list again, each with its latest job."""
    marks = ", ".join("?" * len(keys))
    found = await db.rows(
        f"SELECT key, id FROM job WHERE state = 'failed' AND key IN ({marks}) AND NOT EXISTS (SELECT 1 FROM job AS next"
        " WHERE next.key = job.key AND next.state IN ('waiting', 'running')) ORDER BY ended_at, id",
        *keys,
    )
    return {each["key"]: each["id"] for each in found}


async def retry(job_id: str) -> None:
    """Try a given-up job again from its journal on, with all its tries. Raises NotFound, or Conflict when it has a successor."""
    async with db.writing():
        found = await db.row("SELECT key FROM job WHERE id = ? AND state = 'failed'", job_id)
        if found is None:
            raise NotFound("This job is not among those that were given up.")
        if found["key"] and await db.row(f"SELECT id FROM job WHERE key = ? AND {_OPEN}", found["key"]):
            raise Conflict("The same work is already on the list again.")
        await db.run(
            "UPDATE job SET state = 'waiting', tries = 0, due_at = ?, ended_at = NULL WHERE id = ?",
            clock.micros(clock.now()),
            job_id,
        )
        db.after_commit(wake.everybody)


async def counts() -> dict[str, int]:
    """How many jobs are waiting, running and failed, and how many seconds the oldest due one has been waiting."""
    now = clock.micros(clock.now())
    found = await db.rows(f"SELECT state, count(*) AS n FROM job WHERE {_OPEN} OR state = 'failed' GROUP BY state")
    oldest = await db.row("SELECT min(due_at) AS at FROM job WHERE state = 'waiting' AND due_at <= ?", now)
    by_state = {each["state"]: int(each["n"]) for each in found}
    behind = 0 if oldest is None or oldest["at"] is None else (now - oldest["at"]) // 1_000_000
    return {state: by_state.get(state, 0) for state in ("waiting", "running", "failed")} | {"behind_seconds": behind}


async def tidy() -> int:
    """Forget jobs that were done a week ago; given-up ones stay until somebody decides. Answers how many went."""
    before = clock.micros(clock.now() - KEPT)
    gone = 0
    while True:
        async with db.writing():  # in portions, so that nobody waits long for their turn to write
            portion = await db.run(
                "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = 'done' AND ended_at < ? LIMIT 1000)", before
            )
        gone += portion
        if portion < 1000:
            return gone


def _ids_only(arguments: Mapping[str, Any]) -> None:
    """Jobs are stored in clear, so they may name things but not say anything about a person."""
    for name, value in arguments.items():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, int) and not (isinstance(each, str) and re.fullmatch(r"[\w.:/-]{0,120}", each, re.ASCII)):
                raise ValueError(f"The argument {name!r} of a job is not an id.")
