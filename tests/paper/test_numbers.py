"""Dates as people of a language write them."""

from dataclasses import replace
from datetime import UTC, date, datetime

from portal import settings
from portal.paper import date_text, in_language, moment_text
from portal.paper.numbers import month_text
from tests.conftest import House


async def test_thai_dates_carry_the_years_of_both_calendars(sqlite_house: House) -> None:
    settings.use(replace(settings.get(), languages="en,th", time_zone="Asia/Bangkok"))
    late = datetime(2026, 12, 31, 18, 5, tzinfo=UTC)
    with in_language("th"):
        assert date_text(date(2026, 11, 21)) == "21 พฤศจิกายน 2569/2026"
        assert (date_text(late), moment_text(late)) == ("1 มกราคม 2570/2027", "1 มกราคม 2570/2027, 01:05")
        assert month_text(date(2026, 12, 1)) == "ธันวาคม 2569/2026"
    with in_language("en"):
        assert moment_text(late) == "1 January 2027, 01:05"


async def test_a_vietnamese_year_stands_behind_a_comma(sqlite_house: House) -> None:
    settings.use(replace(settings.get(), languages="en,vi"))
    with in_language("vi"):
        assert date_text(date(2026, 11, 3)) == "3 tháng 11, 2026"
