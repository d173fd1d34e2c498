"""A person who does not agree with our answer asks, on the page of their request, that somebody else looks at it again."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases
from portal.lib.errors import Invalid, NotFound
from portal.pages import customer, form, page, post
from portal.paper import _, language


async def ask(request: Request) -> Response:
    reference, why = request.path_params["reference"], (await form(request)).get("message", "")
    status = await cases.status_for_person(reference)
    if not await cases.is_of(status.id, request.state.customer):
        raise NotFound(_("There is no such request."))
    try:
        opened = await cases.appeals.ask(status.id, why, request.state.customer, language=language())
    except Invalid as problem:
        return page(request, "public/appeal.html", 422, reference=reference, given=why, wrong=problem.fields)
    return RedirectResponse(f"/proofs/{opened.challenge}" if opened.challenge else f"/requests/{opened.reference}", 303)


routes = [post("/requests/{reference}/appeal", ask, guard=customer)]
