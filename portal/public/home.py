"""The first page and the choice of language."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import documents, settings
from portal.lib.errors import NotFound
from portal.pages import A_YEAR, anyone, get, keep_cookie, local_path, page
from portal.paper import _


async def show(request: Request) -> Response:
    return page(request, "public/home.html", demo=settings.get().demo)


async def choose_language(request: Request) -> Response:
    code = request.path_params["code"]
    if code not in settings.get().language_list:
        raise NotFound(_("We do not speak this language yet."))
    response = RedirectResponse(local_path(request.query_params.get("next", "/"), "/"), 303)
    return keep_cookie(response, "language", code, seconds=A_YEAR)


async def brand(request: Request) -> Response:
    return Response(brand_style(), media_type="text/css", headers={"cache-control": "public, max-age=3600"})


def brand_style() -> str:
    """The company's five tokens (policies/company.toml) as a style sheet after our own."""
    look = documents.company().brand
    light = f"--brand: {look.accent}; --brand-ink: {look.on_accent}; --radius: {look.radius}"
    dark = f"--brand: {look.accent_dark}; --brand-ink: {look.on_accent_dark}"
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


routes = [
    get("/brand.css", brand, guard=anyone),
    get("/", show, guard=anyone),
    get("/language/{code}", choose_language, guard=anyone),
]
