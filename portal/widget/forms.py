"""The text for a box in a site's own form: as JSON for the script, and as HTML for pages without one."""

import json
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from portal import sites
from portal.paper import in_language, render
from portal.sites import Site
from portal.widget.door import get, wanted_language


async def show(request: Request, site: Site) -> Response:
    box = await sites.forms.box(site, request.path_params["purpose"], wanted_language(request))
    return Response(json.dumps(asdict(box), ensure_ascii=False), media_type="application/json")


async def fragment(request: Request, site: Site) -> Response:
    """For the site's server to put into its page; fetched anew for each visitor, because its token names the minute."""
    box = await sites.forms.box(site, request.path_params["purpose"], wanted_language(request))
    with in_language(box.language):
        return HTMLResponse(render("widget/_box.html", box=box))


routes = [
    get("/w/v1/{site}/form/{purpose}.html", fragment),
    get("/w/v1/{site}/form/{purpose}", show),
]
