"""Dates and moments as people of the language write them, in the controller's time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from portal.paper.languages import locale
from portal.settings import get


def date_text(day: date) -> str:
    """`21 December 2026`. A moment is taken as its date in the controller's time zone."""
    if isinstance(day, datetime):
        day = day.astimezone(ZoneInfo(get().time_zone)).date()
    return format_date(day, "d MMMM y", locale=locale())


def moment_text(moment: datetime | str) -> str:
    """`21 December 2026, 17:13`; a text is a moment as RFC 3339 writes it."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return format_datetime(moment, "d MMMM y, HH:mm", tzinfo=ZoneInfo(get().time_zone), locale=locale())
