"""The months of a case as plain grids, Monday first: received, days that stood still, extension, due, today. Pure.

Each marked day says in words what it is, so that the picture needs neither colour nor a script (WCAG 2.2, 1.4.1).
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LONGEST = 14  # months; a case that lies longer is shown by its ends


@dataclass(frozen=True)
class Marks:
    """`pauses` with both their ends; `first`: the end of the period before it was extended; `extended`: the day of the notice."""

    received: date
    due: date
    pauses: tuple[tuple[date, date], ...] = ()
    first: date | None = None
    extended: date | None = None


@dataclass(frozen=True)
class Day:
    """`marks` of: received, paused, first end, extended, due, today."""

    day: date
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Month:
    """`weeks` of seven places each; None is a day of another month. `marked` lists what the grid shows, in order."""

    first: date
    weeks: tuple[tuple[Day | None, ...], ...]

    @property
    def marked(self) -> list[Day]:
        return [day for week in self.weeks for day in week if day and day.marks]


def months(marks: Marks, today: date) -> tuple[Month, ...]:
    """From the month of receipt to the last month in which anything happens; empty months in a very long case are left out."""
    last = max([marks.due, marks.first or marks.due, marks.extended or marks.due, *(until for _since, until in marks.pauses)])
    steps = range((last.year - marks.received.year) * 12 + last.month - marks.received.month + 1)
    begun = marks.received.year * 12 + marks.received.month - 1
    found = [_month((begun + step) // 12, (begun + step) % 12 + 1, marks, today) for step in steps]
    return tuple(found if len(found) <= LONGEST else [each for each in found if each.marked][:LONGEST])


def _month(year: int, month: int, marks: Marks, today: date) -> Month:
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    grid = tuple(tuple(Day(day, _of(day, marks, today)) if day.month == month else None for day in week) for week in weeks)
    return Month(date(year, month, 1), grid)


def _of(day: date, marks: Marks, today: date) -> tuple[str, ...]:
    named: Sequence[tuple[str, bool]] = (
        ("received", day == marks.received),
        ("paused", any(since <= day <= until for since, until in marks.pauses)),
        ("first end", day == marks.first),
        ("extended", day == marks.extended),
        ("due", day == marks.due),
        ("today", day == today),
    )
    return tuple(name for name, holds in named if holds)
