"""When an answer is due: one pure engine for every law's clocks (Regulation 1182/71 Art. 3, GDPR Art. 12(3), 11 CCR 7021).

A month ends on the same day number, where that is missing on the month's last day; a period that rolls and ends on a
weekend or public holiday ends with the next working day; hours never roll. `explain` says in sentences how a date came about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.cases.laws import Clock, Law
from portal.lib import clock
from portal.lib.clock import months_later
from portal.lib.errors import Invalid
from portal.paper import _, date_text, moment_text, ngettext

Pause = tuple[date, date]  # both days included; they do not count


@dataclass(frozen=True)
class Due:
    """`day` is the last day the law allows, `safe` the one to work by where a stricter reading exists, `moment` for hours."""

    law: Law
    clock: Clock
    received: date
    extended: bool
    amount: int
    counted: date
    paused: int
    day: date
    safe: date
    calendar: str
    moment: datetime | None = None


def due(
    law: Law,
    clock: str | Clock,
    received: date | datetime,
    *,
    calendar: str | None = None,
    zone: str = "UTC",
    extended: bool = False,
    pauses: Sequence[Pause] = (),
) -> Due:
    """When `clock` of `law` runs out for what was received then; `zone` is the controller's, where its dates are dates."""
    chosen = _clock(law, clock)
    if chosen.amount is None:
        raise Invalid(_("This law gives no number of days for it."))
    if extended and chosen.extension is None:
        raise Invalid(_("This period cannot be extended."))
    amount = chosen.amount + ((chosen.extension or 0) if extended else 0)
    start = received.astimezone(ZoneInfo(zone)).date() if isinstance(received, datetime) else received
    used = law.calendar if calendar is None else calendar
    if chosen.unit == "hour":
        begun = (
            received if isinstance(received, datetime) else datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone))
        )
        moment = begun.astimezone(UTC) + timedelta(hours=amount)
        day = moment.astimezone(ZoneInfo(zone)).date()
        return Due(law, chosen, start, extended, amount, day, 0, day, day, used, moment)
    counted = _counted(chosen, start, amount, working_days(used))
    paused = sum((until - since).days + 1 for since, until in pauses) if chosen.pauses else 0
    day = counted + timedelta(days=paused)
    if chosen.rolls:
        day = _next_working(day, working_days(used))
    return Due(law, chosen, start, extended, amount, counted, paused, day, _safe(chosen, start, amount, day), used)


def explain(due: Due) -> list[str]:
    """How the date came about, in sentences for a person, in the language of the moment."""
    said = [_("Received on %s.") % date_text(due.received)]
    if due.moment is not None:
        return [*said, _period(due) + " " + _("Hours are counted through weekends: until %s.") % moment_text(due.moment)]
    said.append(_period(due) + " " + _("That is %s.") % date_text(due.counted))
    if due.clock.unit == "month" and due.counted.day != due.received.day:
        said.append(_("That month has no day %s, so its last day counts.") % due.received.day)
    if due.clock.unit == "business day":
        said.append(_("Saturdays, Sundays and public holidays do not count."))
    if due.paused:
        text = ngettext(
            "%s day of waiting for your answer does not count.", "%s days of waiting for your answer do not count.", due.paused
        )
        said.append(text % due.paused)
    unrolled = due.counted + timedelta(days=due.paused)
    if due.day != unrolled:
        said.append(
            _("%(day)s is a weekend or a public holiday, so the last day is %(last)s.")
            % {"day": date_text(unrolled), "last": date_text(due.day)}
        )
    if due.safe != due.day:
        said.append(_("The law can be read more strictly, so we work by %s.") % date_text(due.safe))
    return said


@lru_cache
def working_days(calendar: str) -> Callable[[date], bool]:
    """Whether a day is a working day: `none` (Monday to Friday), a state (`RO`) or a part of one (`US-CA`, `GB-ENG`)."""
    import holidays  # 30 ms and 20 MB that only legal dates need

    if calendar in ("", "none", "weekends-only"):
        return lambda day: day.weekday() < 5
    state, _dash, part = {"england-and-wales": "GB-ENG"}.get(calendar, calendar).partition("-")
    try:
        free = holidays.country_holidays(state, subdiv=part or None)
    except NotImplementedError as problem:  # how `holidays` says that it does not know a country
        raise Invalid(_("There is no calendar of public holidays for %s.") % calendar) from problem
    return lambda day: day.weekday() < 5 and day not in free


def today(zone: str) -> date:
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _clock(law: Law, clock: str | Clock) -> Clock:
    if isinstance(clock, Clock):
        return clock
    if clock not in law.clocks:
        known = ", ".join(law.clocks)
        raise Invalid(
            _("%(law)s has no period “%(clock)s”; it has: %(known)s.") % {"law": law.title, "clock": clock, "known": known}
        )
    return law.clocks[clock]


def _counted(clock: Clock, start: date, amount: int, working: Callable[[date], bool]) -> date:
    if clock.unit == "month":
        return months_later(start, amount)
    if clock.unit == "year":
        return months_later(start, 12 * amount)
    if clock.unit == "day":
        return start + timedelta(days=amount)
    day = start
    while amount:
        day += timedelta(days=1)
        amount -= working(day)
    return day


def _next_working(day: date, working: Callable[[date], bool]) -> date:
    while not working(day):
        day += timedelta(days=1)
    return day


def _safe(clock: Clock, start: date, amount: int, day: date) -> date:
    if clock.safe == "day of receipt counts":
        return day - timedelta(days=1)
    if clock.safe == "no holidays":
        return _counted(clock, start, amount, working_days("none"))
    return day


def _period(due: Due) -> str:
    number = due.amount
    unit = {
        "month": ngettext("%s month", "%s months", number),
        "day": ngettext("%s day", "%s days", number),
        "business day": ngettext("%s working day", "%s working days", number),
        "hour": ngettext("%s hour", "%s hours", number),
        "year": ngettext("%s year", "%s years", number),
    }[due.clock.unit]
    values = {"law": due.law.title, "article": due.clock.article, "period": unit % number}
    if due.extended:
        return _("%(law)s (%(article)s) gives %(period)s with the extension.") % values
    return _("%(law)s (%(article)s) gives %(period)s.") % values
