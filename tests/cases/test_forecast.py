"""What will be late at today's pace: sums that can be worked out by hand, and what must hold for any of them."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from portal import cases, db
from portal.cases.forecast import DAYS, Pace, foresee, pace_of
from portal.lib import clock
from tests.cases.shops import ANA, ask, prove
from tests.conftest import House

MONDAY = date(2026, 11, 23)
DAYS_AROUND = some.integers(-20, 60).map(lambda days: MONDAY + timedelta(days=days))
DUES = some.lists(DAYS_AROUND, max_size=60)
PACES = some.builds(Pace, some.integers(5, 200), some.integers(3, DAYS))


def weekdays(day: date) -> bool:
    return day.weekday() < 5


def late(dues: list[date], pace: Pace, today: date = MONDAY) -> int:
    found = foresee(dues, pace, today, weekdays)
    assert found.late is not None
    return found.late


def test_two_a_day_from_monday_on_the_third_is_answered_on_tuesday() -> None:
    two = Pace(20, 10)
    assert [late([MONDAY] * number, two) for number in (0, 2, 3, 5)] == [0, 0, 1, 3]
    friday = MONDAY + timedelta(days=4)
    assert late([friday] * 12, two) == 2  # ten until Friday; Saturday and Sunday answer nobody
    assert late([friday + timedelta(days=2)] * 12, two) == 2
    assert late([friday + timedelta(days=3)] * 12, two) == 0


def test_less_than_one_a_day_still_comes_to_everybody() -> None:
    one_in_two_days = Pace(5, 10)
    assert late([MONDAY + timedelta(days=1)], one_in_two_days) == 0
    assert late([MONDAY], one_in_two_days) == 1


def test_without_a_pace_nothing_is_foretold_but_what_is_late_already() -> None:
    for few in (Pace(0, 10), Pace(4, 10), Pace(50, 2), Pace(0, 0)):
        found = foresee([MONDAY - timedelta(days=1), MONDAY], few, MONDAY, weekdays)
        assert (found.late, found.already, found.open) == (None, 1, 2)


@given(DUES, PACES, some.integers(0, 100))
def test_going_faster_is_never_later_and_whoever_is_late_stays_late(dues: list[date], pace: Pace, more: int) -> None:
    found = late(dues, pace)
    already = sum(day < MONDAY for day in dues)
    assert already <= found <= len(dues)
    assert late(dues, Pace(pace.answers + more, pace.days)) <= found
    assert late(dues, pace, MONDAY + timedelta(days=1)) >= found


@given(DUES, PACES, some.data())
def test_a_later_date_never_makes_more_of_them_late(dues: list[date], pace: Pace, data: some.DataObject) -> None:
    moved = [day + timedelta(days=data.draw(some.integers(0, 30))) for day in dues]
    assert late(moved, pace) <= late(dues, pace)


@given(some.lists(DAYS_AROUND), DAYS_AROUND)
def test_the_pace_is_that_of_the_last_ten_working_days_before_today(answers: list[date], since: date) -> None:
    pace = pace_of(answers, since, MONDAY, weekdays)
    first = max(since, MONDAY - timedelta(days=14))
    weekdays_between = [first + timedelta(days=each) for each in range(max(0, (MONDAY - first).days))]
    days = [each for each in weekdays_between if weekdays(each)]
    assert pace.days == len(days) <= DAYS
    assert pace.answers == (sum(days[0] <= each < MONDAY for each in answers) if days else 0)


async def test_the_outlook_counts_confirmed_requests_and_given_answers(sqlite_house: House) -> None:
    with clock.at(datetime(2026, 11, 2, 9, tzinfo=UTC)):
        await ask("access", "nobody@example.com")  # never confirmed: nobody can answer it
        waiting = await ask("access")
        await prove(waiting, ANA)
    with clock.at(datetime(2026, 11, 20, 9, tzinfo=UTC)):
        assert (await cases.forecast.outlook()).late is None
        answered = clock.micros(clock.now() - timedelta(days=1))
        async with db.writing():  # six more, answered yesterday
            await db.run("UPDATE case_file SET answered_at = ?, is_open = 0 WHERE id = ?", answered, waiting.id)
        found = await cases.forecast.outlook()
        assert (found.open, found.pace) == (0, Pace(1, DAYS))
