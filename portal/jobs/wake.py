"""Wakes the workers of this process when something was put on the list; other processes look each second."""

import asyncio

_sleepers: set[asyncio.Event] = set()


def everybody() -> None:
    for sleeper in _sleepers:
        sleeper.set()


class Alarm:
    """One worker's own: forget the past, look for work, then sleep until somebody calls or the time is over."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        _sleepers.add(self._rung)

    def reset(self) -> None:
        """Before looking for work: what is added from now on will ring."""
        self._rung.clear()

    def ring(self) -> None:
        self._rung.set()

    async def sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return

    def drop(self) -> None:
        _sleepers.discard(self._rung)
