"""The figures of a year: right by the lives of real cases, and too coarse to point at anybody."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal import cases
from portal.cases.statistics import SMALL, gives_away, lines, of_year, too_telling, with_totals, worked_out
from portal.lib import clock
from tests.cases.shops import Company, answer, ask, collected, prove
from tests.conftest import on_both

MARCH = datetime(2026, 3, 2, 9, tzinfo=UTC)


@on_both
async def test_a_years_requests_are_counted_by_how_they_ended_and_how_long_they_took(company: Company) -> None:
    with clock.at(MARCH):
        refused, waiting = await collected("access"), await ask("access")
        await prove(waiting)
    with clock.at(MARCH + timedelta(days=4)):
        await answer(refused, "refused", "Nothing of it is hers.")
        taken_back = await ask("erasure", "ben@example.com")
        await prove(taken_back, "ben@example.com")
        await cases.withdraw(taken_back.id, actor="customer:ben")
    with clock.at(MARCH + timedelta(days=400)):
        late = await collected("access")
        [access, erasure, everything] = await of_year(2026, exact=True)
        assert (access.right, access.received) == ("access", 2)
        assert access.ended == {"full": 0, "part": 0, "refused": 1, "without": 0, "open": 1}
        assert (access.in_time, access.median_days, access.mean_days) == (100, 4.0, 4.0)
        assert erasure.ended["without"] == 1 and erasure.median_days is None
        assert everything.received == 3 and everything.right == ""
        assert [each.received for each in await of_year(2027, exact=True)] == [1, 1]
        hidden = await of_year(2026)
        assert {each.received for each in hidden} == {None} and {each.median_days for each in hidden} == {None}
        assert await cases.statistics.years() == [2027, 2026]
    with clock.at(MARCH + timedelta(days=500)):
        await answer(late)
        [access, _everything] = await of_year(2027, exact=True)
        assert (access.in_time, access.median_days) == (0, 100.0), "an answer after the legal date is late"


async def test_an_answer_counts_when_it_is_there_not_when_it_is_fetched(company: Company) -> None:
    with clock.at(MARCH):
        case_id = await collected("access")
    with clock.at(MARCH + timedelta(days=3)):
        assert (await answer(case_id)).state == "delivering"
    with clock.at(MARCH + timedelta(days=300)):
        [access, _everything] = await of_year(2026, exact=True)
        assert access.ended["full"] == 1 and access.median_days == 3.0 and access.in_time == 100


@given(st.lists(st.lists(st.integers(0, 12), min_size=5, max_size=5), min_size=1, max_size=6))
def test_no_hidden_number_can_be_worked_out_from_rows_and_columns(counts: list[list[int]]) -> None:
    whole = with_totals(counts)
    hidden = too_telling(whole)
    for row, cells in enumerate(whole):
        for column, count in enumerate(cells):
            assert (row, column) in hidden or not 0 < count < SMALL
    for line in lines(whole):
        assert not gives_away(whole, line, hidden)
        assert len([cell for cell in line if cell in hidden]) != 1
    assert not worked_out(whole, hidden)


def test_what_is_large_enough_stays() -> None:
    assert too_telling(with_totals([[10, 20, 0, 0, 7], [30, 9, 0, 0, 0]])) == set()
    assert too_telling(with_totals([[10, 20, 3, 6, 7], [30, 12, 8, 9, 11]])) == {(0, 2), (0, 3), (1, 2), (1, 3)}
