"""Dates and moments as people of the language write them, in the controller's time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names

from portal.paper.languages import locale
from portal.settings import get

BUDDHIST = 543  # years that the Thai calendar is ahead


def date_text(day: date) -> str:
    """`21 December 2026`. A moment is taken as its date in the controller's time zone."""
    if isinstance(day, datetime):
        day = day.astimezone(ZoneInfo(get().time_zone)).date()
    return format_date(day, f"d MMMM{_year(day)}", locale=locale())


def moment_text(moment: datetime | str) -> str:
    """`21 December 2026, 17:13`; a text is a moment as RFC 3339 writes it."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(ZoneInfo(get().time_zone))
    return format_datetime(moment, f"d MMMM{_year(moment)}, HH:mm", tzinfo=moment.tzinfo, locale=locale())


def month_text(day: date) -> str:
    """`December 2026`."""
    return format_date(day, f"LLLL{_year(day)}", locale=locale())


def weekday_names() -> list[tuple[str, str]]:
    """Monday first: short and in full."""
    short, full = (get_day_names(width, "stand-alone", locale()) for width in ("short", "wide"))
    return [(short[each], full[each]) for each in range(7)]


def _year(day: date) -> str:
    """How a year is written behind its month: in Thai both ways, `2569/2026`; in Vietnamese after a comma."""
    return {"th": f" '{day.year + BUDDHIST}/'y", "vi": ", y"}.get(locale().language, " y")
