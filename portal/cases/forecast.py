"""What will be late at today's pace, with the reasoning: a pure sum over due dates and answers of the last working days.

It supposes that the request due next is answered next. It says nothing where too little was answered to know a pace.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal import db, documents
from portal.cases import deadlines
from portal.lib import clock
from portal.settings import get

DAYS = 10  # the pace is that of so many working days, those before today
FEWEST_DAYS, FEWEST_ANSWERS = 3, 5  # with less there is no pace to speak of
AT_MOST = 2000  # requests looked at, the next due ones, and answers counted

Working = Callable[[date], bool]


class Pace(NamedTuple):
    """How many requests were answered on the last working days."""

    answers: int
    days: int

    @property
    def known(self) -> bool:
        return self.days >= FEWEST_DAYS and self.answers >= FEWEST_ANSWERS

    @property
    def per_day(self) -> Fraction:
        return Fraction(self.answers, self.days)


@dataclass(frozen=True)
class Forecast:
    """`late` of the `open` ones will be late, of which `already` are; `late` is None when the pace is not known."""

    open: int
    already: int
    late: int | None
    pace: Pace


def foresee(dues: Sequence[date], pace: Pace, today: date, working: Working) -> Forecast:
    """Answered in the order of their dates, so many each working day from today on, today whole."""
    already = sum(day < today for day in dues)
    if not pace.known or not dues:
        return Forecast(len(dues), already, None if dues else 0, pace)
    last = math.ceil(len(dues) / pace.per_day)
    days = list(islice((day for day in _from(today) if working(day)), last))
    late = sum(days[math.ceil(number / pace.per_day) - 1] > due for number, due in enumerate(sorted(dues), 1))
    return Forecast(len(dues), already, late, pace)


def pace_of(answers: Sequence[date], since: date, today: date, working: Working) -> Pace:
    """Over the last working days before today, but none before the first request came in. One answered on a Sunday counts."""
    before = (today - timedelta(days=number) for number in range(1, (today - since).days + 1))
    days = list(islice((day for day in before if working(day)), DAYS))
    return Pace(sum(days[-1] <= day < today for day in answers) if days else 0, len(days))


async def outlook() -> Forecast:
    """Of those whose person has confirmed who they are; it reads at most so many rows, however many there are."""
    zone = ZoneInfo(get().time_zone)
    today = deadlines.today(get().time_zone)
    working = deadlines.working_days(documents.company().country)
    dues = await db.rows(
        "SELECT due_on FROM case_file WHERE is_open = 1 AND state NOT IN ('received', 'verifying', 'delivering')"
        " ORDER BY due_on, id LIMIT ?",
        AT_MOST,
    )
    earliest = today - timedelta(days=3 * DAYS)  # far enough, whatever holidays lie between
    begin = clock.micros(datetime.combine(earliest, datetime.min.time(), zone))
    answered = await db.rows(
        "SELECT answered_at FROM case_file WHERE answered_at >= ? AND outcome NOT IN ('withdrawn', 'unconfirmed')"
        " ORDER BY answered_at DESC LIMIT ?",
        *(begin, AT_MOST),
    )
    first = await db.row("SELECT min(received_at) AS at FROM case_file")
    since = today if first is None or first["at"] is None else _day(first["at"], zone)
    answers = [_day(each["answered_at"], zone) for each in answered]
    if len(answers) == AT_MOST:
        earliest = answers[-1] + timedelta(days=1)  # the oldest day may not have been read whole
    pace = pace_of(answers, max(since, earliest), today, working)
    return foresee([date.fromisoformat(each["due_on"]) for each in dues], pace, today, working)


def _from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)


def _day(moment: int, zone: ZoneInfo) -> date:
    return clock.from_micros(moment).astimezone(zone).date()
