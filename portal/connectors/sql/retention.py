"""Rows that a law forbids to delete yet: which law, and until which day (GDPR Art. 17(3)(b)).

`hold = { law = "Accounting Act, art. 25", keep = "10 years", from = "InvoiceDate", release = ["Phone"] }`: counted
from a date in the row; columns in `release` are emptied all the same. `hold = "Invoice"`: as long as the row it hangs on.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal import settings
from portal.connectors.sql.reading import Section
from portal.lib import clock
from portal.paper import _


@dataclass(frozen=True)
class Hold:
    """`months`/`days` None: no end. `like`: the table whose hold this one follows."""

    law: str = ""
    months: int | None = None
    days: int | None = None
    start: str | None = None
    release: tuple[str, ...] = ()
    like: str | None = None


def read_hold(at: Section) -> Hold | None:
    entry = at.data.get("hold")
    if entry is None:
        return None
    if isinstance(entry, str):
        return Hold(like=entry)
    inner = Section(at.file, (*at.path, "hold"), entry)
    inner.only("law", "keep", "from", "release")
    keep, start = inner.text("keep"), inner.text("from")
    if (keep is None) != (start is None):
        raise inner.error(_("A hold with an end needs both keep and from."), "hold")
    found = re.fullmatch(r"(\d+) (year|month|day)s?", keep or "0 days")
    if not found:
        raise inner.error(_('keep must read like "10 years", "18 months" or "90 days".'), "keep")
    number, unit = int(found[1]), found[2]
    months = number * 12 if unit == "year" else number
    return Hold(
        law=inner.needed("law"),
        months=months if keep and unit != "day" else None,
        days=number if keep and unit == "day" else None,
        start=start,
        release=inner.texts("release"),
    )


def last_day(hold: Hold, value: Any) -> date | None:
    """The day until which a row with this start value is kept; None: no end is known, so it is kept."""
    start = _day(value)
    if start is None:
        return None
    if hold.days is not None:
        return start + timedelta(days=hold.days)
    return clock.months_later(start, hold.months) if hold.months is not None else None


def today() -> date:
    """Legal dates are dates where the controller sits."""
    return clock.now().astimezone(ZoneInfo(settings.get().time_zone)).date()


def _day(value: Any) -> date | None:
    """Databases write dates in many ways: date types, ISO texts, seconds or milliseconds since 1970."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC).date()
        except (ValueError, OverflowError, OSError):
            return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
