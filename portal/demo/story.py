"""What happened at Blue Bird Books, as dated acts: `at(moment)` notes one, `play` lets them happen in order.

Each act calls the rooms' own verbs while the clock stands on its day, and the log is signed after it; nothing is inserted.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from portal import audit, jobs
from portal.lib import clock

Act = Callable[[], Awaitable[object]]


class Story:
    def __init__(self) -> None:
        self.acts: list[tuple[datetime, int, Act, bool]] = []

    def at(self, moment: datetime, act: Act, *, work: bool = False) -> None:
        """`work`: what the act left to be done later is done on that day too, before the next act."""
        self.acts.append((moment, len(self.acts), act, work))

    async def play(self, progress: Callable[[], None]) -> None:
        """In the order of time."""
        for moment, _number, act, work in sorted(self.acts, key=lambda each: each[:2]):
            with clock.at(moment):
                await act()
                await audit.sequence_all()
                if work:
                    await jobs.run_due()
                    await audit.sequence_all()
            progress()
        await jobs.run_due()
        await audit.sequence_all()
