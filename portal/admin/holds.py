"""Legal holds at the desk: what stands, set and ended by counsel, on a person's page or here for a system."""

from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, connectors
from portal.admin.menu import desk
from portal.lib.errors import Invalid
from portal.pages import form, get, officer, post
from portal.paper import _


async def show(request: Request) -> Response:
    return await _page(request, None, {})


async def set_on_system(request: Request) -> Response:
    fields = await form(request)
    try:
        await cases.legal_holds.set_on_system(
            fields.get("system", ""), fields.get("why", ""), review_on=_day(fields), officer=request.state.officer.id
        )
    except Invalid as problem:
        return await _page(request, problem, fields)
    return RedirectResponse("/admin/holds", 303)


async def set_on_person(request: Request) -> Response:
    """From the person's page."""
    fields, subject = await form(request), request.path_params["subject"]
    try:
        await cases.legal_holds.set_on_person(
            subject, fields.get("why", ""), review_on=_day(fields), officer=request.state.officer.id
        )
    except Invalid as problem:
        return await _page(request, problem, fields | {"subject": subject})
    return RedirectResponse(f"/admin/people/{subject}", 303)


async def keep(request: Request) -> Response:
    fields = await form(request)
    try:
        await cases.legal_holds.review(
            request.path_params["hold"], fields.get("why", ""), review_on=_day(fields), officer=request.state.officer.id
        )
    except Invalid as problem:
        return await _page(request, problem, fields)
    return RedirectResponse("/admin/holds", 303)


async def end(request: Request) -> Response:
    await cases.legal_holds.lift(request.path_params["hold"], officer=request.state.officer.id)
    return RedirectResponse("/admin/holds", 303)


async def _page(request: Request, problem: Invalid | None, given: dict[str, str]) -> Response:
    systems = [(each.name, each.title) for each in connectors.systems()]
    return desk(
        request,
        "admin/holds.html",
        422 if problem else 200,
        holds=await cases.legal_holds.standing(),
        systems=systems,
        titles=dict(systems),
        given=given,
        wrong=problem.fields if problem else {},
        sentence=problem.sentence if problem else "",
    )


def _day(fields: dict[str, str]) -> date | None:
    try:
        return date.fromisoformat(fields["review"]) if fields.get("review") else None
    except ValueError as problem:
        raise Invalid(_("Please look at the marked fields."), {"review": _("This is no day.")}) from problem


changing = officer("holds.change")
routes = [
    get("/admin/holds", show, guard=officer("holds.see")),
    post("/admin/holds", set_on_system, guard=changing),
    post("/admin/holds/{hold}/review", keep, guard=changing),
    post("/admin/holds/{hold}/end", end, guard=changing),
    post("/admin/people/{subject}/hold", set_on_person, guard=changing),
]
