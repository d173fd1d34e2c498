"""A break from all advertising, until a day the person chooses; it ends by itself, and a mail says so on that day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import consent, settings
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.pages import customer, form, post
from portal.paper import _
from portal.public.addresses import only_with_their_own

MONTHS = {"1": 30, "3": 91}
LONGEST = timedelta(days=3 * 366)


async def pause(request: Request) -> Response:
    """For some months, or until the morning of a day in the company's time zone."""
    fields = await form(request)
    if fields.get("until"):
        until = _morning(fields["until"])
    elif fields.get("months", "") in MONTHS:
        until = clock.now() + timedelta(days=MONTHS[fields["months"]])
    else:
        raise Invalid(_("Please choose how long to pause."))
    person = request.state.customer.subject
    await consent.pause(person, until=until, by=f"customer:{person}")
    return RedirectResponse("/preferences#break", 303)


async def resume(request: Request) -> Response:
    await only_with_their_own(request.state.customer)
    person = request.state.customer.subject
    await consent.resume(person, by=f"customer:{person}")
    return RedirectResponse("/preferences#break", 303)


def days_to_choose() -> tuple[str, str]:
    """The first and the last day that the field offers."""
    today = clock.now().astimezone(_zone()).date()
    return (today + timedelta(days=1)).isoformat(), (today + LONGEST - timedelta(days=1)).isoformat()


def _morning(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid(_("Please give the day like 2026-12-24."), {"until": text}) from None
    first, last = days_to_choose()
    if not first <= day.isoformat() <= last:
        raise Invalid(_("Please choose a day in the future, within the next three years."), {"until": text})
    return datetime.combine(day, time(0), _zone())


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.get().time_zone)


routes = [
    post("/preferences/pause", pause, guard=customer),
    post("/preferences/resume", resume, guard=customer),
]
