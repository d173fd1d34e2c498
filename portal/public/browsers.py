"""A browser that answered on a website becomes its person's own: they signed in, and they hold the proof of that answer."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import sites
from portal.identity import Session
from portal.pages import customer, get, page, post
from portal.public.addresses import is_their_own, only_with_their_own


async def show(request: Request) -> Response:
    session: Session = request.state.customer
    token = request.path_params["token"]
    lines = await sites.proofs.lines_of(token)
    added = await sites.proofs.is_with(token, session.subject or "")
    context = {"added": added, "personal": await is_their_own(session), "why_not": await sites.proofs.why_not(token)}
    context["where"] = _where(lines[0][0].actor)
    response = page(request, "public/browser.html", lines=lines, token=token, **context)
    response.headers["referrer-policy"] = "no-referrer"
    return response


def _where(actor: str) -> str:
    """The website that brought the answer, by its title as long as it is listed."""
    name = actor.partition(":")[2]
    known = sites.sites().get(name)
    return known.title if known else name


async def add(request: Request) -> Response:
    session: Session = request.state.customer
    await only_with_their_own(session)
    token = request.path_params["token"]
    await sites.proofs.take_home(token, session.subject or "", by=f"customer:{session.subject}")
    return RedirectResponse(f"/browsers/{token}", 303)


routes = [get("/browsers/{token}", show, guard=customer), post("/browsers/{token}", add, guard=customer)]
