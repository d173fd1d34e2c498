"""The figures of a year: what came in, how it ended and how long it took, for whoever must publish them (11 CCR 7102).

From columns that say nothing about anybody. Still, a small number can point at a person, so what is published hides it, and
as much beside it as keeps it from being worked out by adding up a row or a column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

from portal import db
from portal.cases import states
from portal.lib import clock
from portal.settings import get

ENDS = ("full", "part", "refused", "without", "open")
_END_OF = {"partly": "part", "refused": "refused", "withdrawn": "without", "unconfirmed": "without", "open": "open"}
# Below this a number may point at somebody, and an average is one person's.
SMALL = 5

_COUNTED = """SELECT right_name, CASE WHEN answered_at IS NULL THEN 'open' WHEN outcome <> '' THEN outcome
 WHEN proposed <> '' THEN proposed ELSE 'answered' END AS ended, (answered_at - received_at) / 86400000000 AS days,
 answered_late AS late, count(*) AS n FROM case_file WHERE received_at >= ? AND received_at < ? AND requester <> 'company'
 GROUP BY 1, 2, 3, 4"""


@dataclass(frozen=True)
class Figures:
    """Requests for one right ("" for all) that came in one year. None: hidden. `in_time` is a percentage, like the days of
    those that were answered, and None when nothing was."""

    right: str
    received: int | None
    ended: dict[str, int | None]
    in_time: int | None
    median_days: float | None
    mean_days: float | None


async def of_year(year: int, *, exact: bool = False) -> list[Figures]:
    """One row for each right that was asked for, and one for all of them last; `exact` hides nothing: not to be published."""
    zone = ZoneInfo(get().time_zone)
    begins, ends = (clock.micros(datetime(each, 1, 1, tzinfo=zone)) for each in (year, year + 1))
    found = await db.rows(_COUNTED, begins, ends)
    rights = sorted({each["right_name"] for each in found}, key=lambda right: (right not in states.COLLECTED, right))
    counts = [[_sum(found, right, end) for end in ENDS] for right in rights]
    whole = with_totals(counts)
    hidden = set() if exact else too_telling(whole)
    return [_figures(right, found, whole, hidden, line, exact=exact) for line, right in enumerate([*rights, ""])]


async def years() -> list[int]:
    """From the first request to now, newest first."""
    zone = ZoneInfo(get().time_zone)
    first = await db.row("SELECT min(received_at) AS at FROM case_file")
    now = clock.now().astimezone(zone).year
    since = now if first is None or first["at"] is None else clock.from_micros(first["at"]).astimezone(zone).year
    return list(range(now, since - 1, -1))


def with_totals(counts: list[list[int]]) -> list[list[int]]:
    """Each row with its sum at the end, and a last row with the sums of the columns."""
    rows = [[*row, sum(row)] for row in counts]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)] or [0] * (len(ENDS) + 1)]


def too_telling(whole: list[list[int]]) -> set[tuple[int, int]]:
    """Which cells (row, column) of a table with totals are hidden: small ones, and others until no line gives one away."""
    hidden = {(row, column) for row, cells in enumerate(whole) for column, count in enumerate(cells) if 0 < count < SMALL}
    while telling := next((line for line in lines(whole) if gives_away(whole, line, hidden)), None) or worked_out(whole, hidden):
        hidden.add(_next(whole, telling, hidden))
    return hidden


def lines(whole: list[list[int]]) -> Iterator[list[tuple[int, int]]]:
    """Every row and every column; the last cell of each is the sum of those before."""
    rows, columns = range(len(whole)), range(len(whole[0]))
    yield from ([(row, column) for column in columns] for row in rows)
    yield from ([(row, column) for row in rows] for column in columns)


def gives_away(whole: list[list[int]], line: list[tuple[int, int]], hidden: set[tuple[int, int]]) -> bool:
    """Whether adding up a line tells a hidden cell: the only one, or several that must each be one."""
    inside = [cell for cell in line if cell in hidden]
    if len(inside) < 2 or line[-1] in hidden:
        return len(inside) == 1
    return sum(whole[row][column] for row, column in inside) == len(inside)


def worked_out(whole: list[list[int]], hidden: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The row of a hidden cell that follows from several rows and columns taken together; empty when none does."""
    unknown = sorted(hidden)
    sums = [[Fraction((-1 if cell == line[-1] else 1) * (cell in line)) for cell in unknown] for line in lines(whole)]
    reduced = _eliminated(sums)
    for row in reduced:
        if sum(1 for each in row if each) == 1:
            number = unknown[next(at for at, each in enumerate(row) if each)][0]
            return [(number, column) for column in range(len(whole[0]))]
    return []


def _eliminated(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Reduced row echelon form: a row with one number left says what that unknown is."""
    done: list[list[Fraction]] = []
    rest = [row for row in rows if any(row)]
    while rest:
        pivot = rest.pop()
        at = next(number for number, each in enumerate(pivot) if each)
        pivot = [each / pivot[at] for each in pivot]
        rest, done = (
            [row for other in group if any(row := [mine - other[at] * theirs for mine, theirs in zip(other, pivot, strict=True)])]
            for group in (rest, done)
        )
        done.append(pivot)
    return done


def _next(whole: list[list[int]], line: list[tuple[int, int]], hidden: set[tuple[int, int]]) -> tuple[int, int]:
    """The smallest cell that hides along; the sum when no other says anything."""
    shown = [cell for cell in line[:-1] if cell not in hidden and whole[cell[0]][cell[1]]]
    beside = line[-1] if line[-1] not in hidden else _any_shown(whole, hidden)
    return min(shown, key=lambda cell: whole[cell[0]][cell[1]], default=beside)


def _any_shown(whole: list[list[int]], hidden: set[tuple[int, int]]) -> tuple[int, int]:
    cells = ((row, column) for row, counts in enumerate(whole) for column, count in enumerate(counts) if count)
    return next(cell for cell in cells if cell not in hidden)


def _figures(
    right: str,
    found: list[dict[str, Any]],
    whole: list[list[int]],
    hidden: set[tuple[int, int]],
    line: int,
    *,
    exact: bool,
) -> Figures:
    *counts, received = (None if (line, column) in hidden else count for column, count in enumerate(whole[line]))
    answered = [each for each in found if right in ("", each["right_name"]) and _end(each) not in ("open", "without")]
    days = [int(each["days"]) for each in answered for _ in range(each["n"])]
    # An average over hidden numbers would tell them; one over all, those of a right whose own is not told.
    open_to_all = not hidden if not right else not any((line, column) in hidden for column in range(len(ENDS) + 1))
    telling = bool(days) if exact else len(days) >= SMALL and open_to_all
    late = sum(each["n"] for each in answered if each["late"])
    return Figures(
        right,
        received,
        dict(zip(ENDS, counts, strict=True)),
        round(100 * (len(days) - late) / len(days)) if telling else None,
        float(median(days)) if telling else None,
        round(fmean(days), 1) if telling else None,
    )


def _sum(found: list[dict[str, Any]], right: str, end: str) -> int:
    return sum(each["n"] for each in found if each["right_name"] == right and _end(each) == end)


def _end(row: dict[str, Any]) -> str:
    return _END_OF.get(row["ended"], "full")
