"""What happened at Blue Bird Books, as dated acts: `at(moment)` notes one, `play` lets them happen in order.

Each act calls the rooms' own verbs while the clock stands on its day; nothing is inserted. The acts of one month make a
chapter, written in one transaction, and the log is signed at its end; an act may also be a chapter of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from portal import audit, db, jobs
from portal.lib import clock


@dataclass(frozen=True)
class Act:
    moment: datetime
    number: int
    do: Callable[[], Awaitable[object]]
    alone: bool
    work: bool

    @property
    def place(self) -> tuple[datetime, int]:
        return self.moment, self.number

    @property
    def chapter(self) -> tuple[int, int, int]:
        return self.moment.year, self.moment.month, self.number if self.alone else -1


class Story:
    def __init__(self) -> None:
        self.acts: list[Act] = []

    def at(self, moment: datetime, do: Callable[[], Awaitable[object]], *, alone: bool = False, work: bool = False) -> None:
        """`alone`: its verbs commit by themselves. `work`: so they do, and what they left to be done later is done that day."""
        self.acts.append(Act(moment, len(self.acts), do, alone or work, work))

    async def play(self, progress: Callable[[], None]) -> None:
        """In the order of time."""
        for _place, acts in groupby(sorted(self.acts, key=lambda act: act.place), lambda act: act.chapter):
            chapter = list(acts)
            ended = await _tell(chapter, progress)
            with clock.at(ended):
                await audit.sequence_all()
                if chapter[-1].work:
                    await _work()
        await _work()


async def _tell(chapter: list[Act], progress: Callable[[], None]) -> datetime:
    """Answers when it ended."""
    ended = clock.now()
    async with nullcontext() if chapter[0].alone else db.writing():
        for act in chapter:
            with clock.at(act.moment):
                await act.do()
                ended = clock.now()
            progress()
    return ended


async def _work() -> None:
    """Do what is due, with the sequencer beside it: the evidence of a closed case waits for the receipts of its steps."""
    stop = asyncio.Event()
    sequencer = asyncio.create_task(audit.run_sequencer(stop))
    try:
        await jobs.run_due()
    finally:
        stop.set()
        await sequencer
    await audit.sequence_all()
