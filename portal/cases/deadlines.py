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
EARLIEST, LATEST = date(1990, 1, 1), date(2190, 1, 1)  # outside it public holidays are guesses


@dataclass(frozen=True)
class Due:
    """`day` is the last day the law allows, `safe` the one to work by where a stricter reading exists, `moment` for hours.

    `begun` is where counting starts when the law waits for something; `first` is the end of the period before its extension.
    """

    law: Law
    clock: Clock
    received: date
    begun: date
    extended: bool
    amount: int
    counted: date
    paused: int
    day: date
    safe: date
    calendar: str
    moment: datetime | None = None
    first: date | None = None


def due(
    law: Law,
    clock: str | Clock,
    received: date | datetime,
    *,
    calendar: str | None = None,
    zone: str = "UTC",
    extended: bool = False,
    pauses: Sequence[Pause] = (),
    begun: date | None = None,
) -> Due:
    """When `clock` of `law` runs out for what was received then; `zone` is the controller's, where its dates are dates."""
    chosen = _clock(law, clock)
    start = received.astimezone(ZoneInfo(zone)).date() if isinstance(received, datetime) else received
    _check(chosen, start, extended, pauses)
    amount = (chosen.ours or 0) if chosen.amount is None else chosen.amount
    used = law.calendar if calendar is None else calendar
    if chosen.unit == "hour":
        amount += (chosen.extension or 0) if extended else 0
        midnight = datetime(start.year, start.month, start.day, tzinfo=ZoneInfo(zone))
        known_at = received if isinstance(received, datetime) else midnight
        moment = known_at.astimezone(UTC) + timedelta(hours=amount)
        day = moment.astimezone(ZoneInfo(zone)).date()
        return Due(law, chosen, start, start, extended, amount, day, 0, day, day, used, moment)
    from_day = max(start, begun or start)
    still = pauses if chosen.pauses else ()
    first = _ends(chosen, from_day, amount, still, used)[-1] if extended else None
    amount += (chosen.extension or 0) if extended else 0
    counted, paused, day, safe = _ends(chosen, from_day, amount, still, used)
    return Due(law, chosen, start, from_day, extended, amount, counted, paused, day, safe, used, first=first)


def explain(due: Due) -> list[str]:
    """How the date came about, in sentences for a person, in the language of the moment."""
    said = [_("Received on %s.") % date_text(due.received)]
    if due.begun != due.received:
        said.append(_("What the law waits for came on %s; counting begins there.") % date_text(due.begun))
    if due.moment is not None:
        until = _("Hours are counted through weekends: until %s.") % moment_text(due.moment)
        return [*said, f"{_period(due)} {until}", *_meaning(due)]
    said.append(_period(due) + " " + _("That is %s.") % date_text(due.counted))
    if due.clock.unit == "month" and due.counted.day != due.begun.day:
        said.append(_("That month has no day %s, so its last day counts.") % due.begun.day)
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
    return said + _meaning(due)


@lru_cache
def working_days(calendar: str) -> Callable[[date], bool]:
    """Whether a day is a working day: `none` (Monday to Friday), a state (`RO`) or a part of one (`US-CA`, `GB-ENG`)."""
    import holidays  # 30 ms and 20 MB that only legal dates need

    if calendar in ("none", "weekends-only"):
        return lambda day: day.weekday() < 5
    state, _dash, part = {"england-and-wales": "GB-ENG"}.get(calendar, calendar).partition("-")
    try:
        free = holidays.country_holidays(state, subdiv=part or None)
    except NotImplementedError as problem:  # how `holidays` says that it does not know a country
        raise Invalid(_("There is no calendar of public holidays for %s.") % calendar) from problem
    return lambda day: day.weekday() < 5 and day not in free


def today(zone: str) -> date:
    return clock.now().astimezone(ZoneInfo(zone)).date()


def _meaning(due: Due) -> list[str]:
    said = {"keep": _("It is kept until then at least."), "not before": _("It may not be done earlier than that.")}
    return [said[due.clock.means]] if due.clock.means in said else []


def _clock(law: Law, clock: str | Clock) -> Clock:
    if isinstance(clock, Clock):
        return clock
    if clock not in law.clocks:
        known = ", ".join(law.clocks)
        raise Invalid(
            _("%(law)s has no period “%(clock)s”; it has: %(known)s.") % {"law": law.title, "clock": clock, "known": known}
        )
    return law.clocks[clock]


def _check(clock: Clock, start: date, extended: bool, pauses: Sequence[Pause]) -> None:
    if clock.amount is None and clock.ours is None:
        sentence = _("This law gives no number of days for it.")
        raise Invalid(f"{sentence} ({clock.article}: {clock.note})" if clock.note else sentence)
    if extended and clock.extension is None:
        raise Invalid(_("This period cannot be extended."))
    if not EARLIEST <= start <= LATEST:
        raise Invalid(_("Please give a day of receipt between %(first)s and %(last)s.") % {"first": EARLIEST, "last": LATEST})
    for since, until in pauses:
        if until < since or until > LATEST:
            raise Invalid(_("A pause ends on the day it begins, or later."))


def _ends(clock: Clock, start: date, amount: int, pauses: Sequence[Pause], calendar: str) -> tuple[date, int, date, date]:
    """Where the bare period ends, how many days stood still, the last day, and the day to work by."""
    counted = _counted(clock, start, amount, working_days(calendar))
    paused = _still(start, counted, pauses)
    day = counted + timedelta(days=paused)
    if clock.rolls:
        day = _next_working(day, working_days(calendar))
    return counted, paused, day, _safe(clock, start, amount, day)


def _still(start: date, end: date, pauses: Sequence[Pause]) -> int:
    """Days that do not count: each once, after the first day (which never counted), and only while the period ran."""
    paused, reached = 0, start
    for since, until in sorted(pauses):
        first = max(since, reached + timedelta(days=1))
        if first <= until and first <= end + timedelta(days=paused):
            paused, reached = paused + (until - first).days + 1, until
    return paused


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
    if due.clock.amount is None:
        return _("%(law)s (%(article)s) names no number of days; we set ourselves %(period)s.") % values
    if due.extended:
        return _("%(law)s (%(article)s) gives %(period)s with the extension.") % values
    return _("%(law)s (%(article)s) gives %(period)s.") % values
