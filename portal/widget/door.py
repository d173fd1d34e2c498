"""How every route for a site is made: its public key found, its exact origins let in, refusals that its script can read.

CORS without credentials: no cookie is looked at, an origin is named only if it is registered, `null` and others get none
(Fetch standard). A POST takes a plain text body, so that browsers send it without asking first, also while a tab closes.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal import db, problems, settings, sites
from portal.lib.errors import NotAllowed, Refusal
from portal.paper import _
from portal.sites import Site

Handler = Callable[[Request, Site], Awaitable[Response]]
OpenHandler = Callable[[Request], Awaitable[Response]]

# Whoever may load it is not said by this header but by its origin (CORS) or by its hash.
FOR_OTHER_SITES = {"cross-origin-resource-policy": "cross-origin"}


def get(path: str, handler: Handler) -> Route:
    return Route(path, _registered(handler), methods=["GET"])


def post(path: str, handler: Handler) -> Route:
    return Route(path, _registered(handler), methods=["POST"])


def get_open(path: str, handler: OpenHandler) -> Route:
    """For everybody, and about no site."""

    async def endpoint(request: Request) -> Response:
        return await handler(request)

    endpoint.guard = anyone  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return Route(path, endpoint, methods=["GET"])


async def registered(request: Request) -> Site:
    """Guard: the site of the key in the path."""
    return sites.by_key(request.path_params["site"])


async def anyone(request: Request) -> None:
    """Guard: open to all."""


def require_origin(request: Request, site: Site) -> None:
    """Raises NotAllowed unless the page that sends this is one of the site's; noted for its owner."""
    origin = request.headers.get("origin", "")
    if origin not in site.origins:
        sites.traffic.note(site.name, sites.traffic.REFUSED, origin if origin.isprintable() else "?")
        raise NotAllowed(_("This page may not speak for this site."))


def is_ours(request: Request) -> bool:
    """Sent by a page of the portal itself: the preview. Browsers name no origin when a page reads from its own."""
    parts = urlsplit(settings.get().base_url)
    ours = f"{parts.scheme}://{parts.netloc}"
    return request.headers.get("origin") == ours or (
        "origin" not in request.headers and request.headers.get("referer", "").startswith(ours + "/admin/sites/")
    )


def wanted_language(request: Request) -> str:
    wanted = request.query_params.get("lang", "")
    return wanted if len(wanted) <= 20 else ""


def _registered(handler: Handler) -> OpenHandler:
    async def endpoint(request: Request) -> Response:
        site: Site | None = None
        try:
            site = await registered(request)
            response = await handler(request, site)
        except Exception as trouble:
            if not isinstance(trouble, (Refusal, *db.trouble())):
                raise
            response = await problems.answer(request, trouble)
        return _let_in(request, response, site)

    endpoint.__name__ = handler.__name__
    endpoint.guard = registered  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return endpoint


def _let_in(request: Request, response: Response, site: Site | None) -> Response:
    response.headers.update(FOR_OTHER_SITES)
    response.headers.add_vary_header("Origin")
    if site is not None and request.headers.get("origin") in site.origins:
        response.headers["access-control-allow-origin"] = request.headers["origin"]
        response.headers["access-control-expose-headers"] = "Retry-After"
    return response
