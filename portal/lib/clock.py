"""The one source of time. All moments are aware datetimes in UTC; the database stores microseconds since 1970.

Nothing else in the portal asks the operating system for the time of day, so that the demo and the tests can
live on a chosen day (`with clock.at(moment)`), and so that a clock stepping back is seen in one place.
"""

import calendar
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

Day = TypeVar("Day", bound=date)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_shift = timedelta(0)


def now() -> datetime:
    return _machines() + _shift


def steady() -> datetime:
    """Like `now`, but never set back while this process runs: for what ends some time after it began (visits, codes).

    When the machine's clock is set back it goes on from where it was, by the time that passed; set forward, it follows.
    """
    global _reading
    shown, running = _machines(), _running()
    before, then = _reading
    _reading = max(shown, before + timedelta(seconds=max(0.0, running - then))), running
    return _reading[0] + _shift


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let the clock stand at `moment` (and run on from there) inside the block, for this whole process."""
    global _shift
    before = _shift
    _shift = moment - datetime.now(UTC)
    try:
        yield
    finally:
        _shift = before


def _machines() -> datetime:
    return datetime.now(UTC)


def _running() -> float:
    """Seconds for which the machine has been running, asleep or not; nobody can set this back."""
    return time.clock_gettime(_UPTIME)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, as the database stores a moment."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; every moment in the portal has one.")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(stored: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stored)


def rfc3339(moment: datetime) -> str:
    """`2026-11-21T17:13:05Z`, seconds only, as doors and the log write it."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def months_later(start: Day, count: int) -> Day:
    """The same day of the month `count` months later, at the same time; where that month is shorter, its last day."""
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    last = 28 if start.day <= 28 else calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_reading = _machines(), _running()
