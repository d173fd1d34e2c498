"""The first page and the choice of language."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import settings
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


routes = [
    get("/", show, guard=anyone),
    get("/language/{code}", choose_language, guard=anyone),
]
