"""Legal dates at the officers' desk: more time or another law for a request, and the officer's own calendar address.

The calendar is the one door here without a sign-in, because calendar programs cannot sign in: its address is the secret.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases
from portal.admin.cases import or_say_why
from portal.admin.menu import desk
from portal.lib.errors import Invalid
from portal.pages import anyone, form, get, officer, post
from portal.paper import address


async def extend(request: Request) -> Response:
    """More time, with the reason that the person reads."""
    return await or_say_why(request, lambda: _extend(request))


async def _extend(request: Request) -> None:
    fields = await form(request)
    case, reason, text = request.path_params["case"], fields.get("more-reason", ""), fields.get("more-text", "")
    try:
        await cases.extend(case, reason, text, officer=request.state.officer.id)
    except Invalid as problem:
        raise Invalid(problem.sentence, {"more-text": " ".join(problem.fields.values())}) from problem


async def change_law(request: Request) -> Response:
    fields = await form(request)
    case, law, why = request.path_params["case"], fields.get("law", ""), fields.get("law-why", "")
    return await or_say_why(request, lambda: cases.clocks.change_law(case, law, why, officer=request.state.officer.id))


async def show_calendar(request: Request) -> Response:
    made = await cases.feed.made_at(request.state.officer.id)
    return desk(request, "admin/calendar.html", made_at=made, link="")


async def make_calendar(request: Request) -> Response:
    """The answer is the only page that ever shows the address."""
    secret = await cases.feed.make(request.state.officer.id)
    made = await cases.feed.made_at(request.state.officer.id)
    return desk(request, "admin/calendar.html", made_at=made, link=address(f"/calendars/{secret}"))


async def end_calendar(request: Request) -> Response:
    await cases.feed.end(request.state.officer.id)
    return RedirectResponse("/admin/calendar", 303)


async def show_entry(request: Request) -> Response:
    """Where an entry of the calendar leads: to its case, or to the queue when the date has moved since."""
    found = await cases.feed.behind(request.path_params["day"], request.path_params["number"])
    return RedirectResponse(f"/admin/cases/{found}" if found else "/admin/cases", 303)


async def calendar(request: Request) -> Response:
    content = await cases.feed.calendar(request.path_params["secret"])
    headers = {"content-disposition": 'inline; filename="due.ics"'}
    return Response(content, media_type="text/calendar", headers=headers)


processing = officer(cases.feed.SEES)
routes = [
    post("/admin/cases/{case}/extension", extend, guard=processing),
    post("/admin/cases/{case}/law", change_law, guard=processing),
    get("/admin/calendar", show_calendar, guard=processing),
    post("/admin/calendar", make_calendar, guard=processing),
    post("/admin/calendar/end", end_calendar, guard=processing),
    get("/admin/calendar/{day}/{number}", show_entry, guard=processing),
    get("/calendars/{secret}", calendar, guard=anyone),
]
