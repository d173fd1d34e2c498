"""The first page, the choice of language, and in the demo the mailbox that shows what the portal wrote."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import messages, settings
from portal.lib.errors import NotFound
from portal.pages import anyone, get, keep_cookie, local_path, page
from portal.paper import _

A_YEAR = 365 * 24 * 3600


async def show(request: Request) -> Response:
    return page(request, "public/home.html", demo=settings.get().demo)


async def choose_language(request: Request) -> Response:
    code = request.path_params["code"]
    if code not in settings.get().language_list:
        raise NotFound(_("We do not speak this language yet."))
    response = RedirectResponse(local_path(request.query_params.get("next", "/"), "/"), 303)
    return keep_cookie(response, "language", code, seconds=A_YEAR)


async def mailbox(request: Request) -> Response:
    """The demo's outgoing mail; real portals send it and show it to nobody."""
    if not settings.get().demo:
        raise NotFound(_("There is no page at this address."))
    return page(request, "public/mailbox.html", mails=await messages.mailbox(30))


routes = [
    get("/", show, guard=anyone),
    get("/language/{code}", choose_language, guard=anyone),
    get("/demo/mailbox", mailbox, guard=anyone),
]
