"""A claimed job as its verb sees it, with the journal around outside effects.

Before an effect outside, `begin`; after it, `finish`. A worker that takes over an "about to" asks the outside what
happened and never repeats blindly. Each of these checks the fencing token: a worker that lost its lease is stopped here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portal import db
from portal.lib import clock

StepState = Literal["new", "about to", "done"]


class LeaseLost(Exception):
    """Another worker has this job now. Nothing more may be written for it here."""


@dataclass(frozen=True)
class Job:
    """`arguments` are ids; `tries` counts this one."""

    id: str
    verb: str
    arguments: Mapping[str, Any]
    tries: int
    max_tries: int
    token: str

    @property
    def is_last_try(self) -> bool:
        return self.tries >= self.max_tries

    async def begin(self, step: str) -> StepState:
        """Write down that `step` is about to happen; answers what the journal said before.

        "new": go ahead. "about to": an earlier try got this far and no further; ask the outside. "done": skip it.
        """
        async with db.writing():
            await self.hold()
            before = await self.seen(step)
            if before != "new":
                return before
            await db.run(
                "INSERT INTO job_step (job, step, state, at, note) VALUES (?, ?, 'about to', ?, '')",
                self.id,
                step,
                clock.micros(clock.now()),
            )
        return "new"

    async def finish(self, step: str, note: str = "") -> None:
        """The step happened. Inside the verb's own `writing()` it commits together with what the verb wrote.

        `note` holds what a later try needs to know, such as the outside's own number; no personal data.
        """
        async with db.writing():
            await self.hold()
            await db.run(
                "INSERT INTO job_step (job, step, state, at, note) VALUES (?, ?, 'done', ?, ?)"
                " ON CONFLICT (job, step) DO UPDATE SET state = 'done', at = excluded.at, note = excluded.note",
                self.id,
                step,
                clock.micros(clock.now()),
                note,
            )

    async def undone(self, step: str) -> None:
        """It is certain that nothing happened outside: the step is new again."""
        async with db.writing():
            await self.hold()
            await db.run("DELETE FROM job_step WHERE job = ? AND step = ? AND state = 'about to'", self.id, step)

    async def seen(self, step: str) -> StepState:
        """What the journal says of `step`, without beginning it."""
        known = await db.row("SELECT state FROM job_step WHERE job = ? AND step = ?", self.id, step)
        if known is None:
            return "new"
        return "done" if known["state"] == "done" else "about to"

    async def note(self, step: str) -> str | None:
        """What `finish` noted; None while the step is not done."""
        found = await db.row("SELECT note FROM job_step WHERE job = ? AND step = ? AND state = 'done'", self.id, step)
        return None if found is None else str(found["note"])

    async def hold(self) -> None:
        """Inside `writing()`: raises LeaseLost, and so rolls back, unless this worker still has the job at the commit."""
        # An update, not a select: it locks the row, so that nobody can take the job over before this commit.
        held = await db.run("UPDATE job SET token = token WHERE id = ? AND token = ? AND state = 'running'", self.id, self.token)
        if not held:
            raise LeaseLost(f"Job {self.id} was taken over.")
