"""Pages that work where the script does not: what a site asks about, and the proof of an answer."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, sites
from portal.pages import page
from portal.paper import in_language, language
from portal.shield import client_network
from portal.sites import Site
from portal.widget.door import get, post, wanted_language


async def show(request: Request, site: Site) -> Response:
    shown = sites.texts.in_language_of(await sites.texts.texts_of(site), wanted_language(request))
    with in_language(shown.language):
        return page(request, "widget/page.html", site=site, shown=shown)


async def proof(request: Request, site: Site) -> Response:
    """Whoever has the address made the choice, or was given it; it says nothing about who that is."""
    token = request.path_params["token"]
    lines = await sites.proofs.lines_of(token, site.name)
    shown = {"lines": lines, "path": request.url.path, "token": token, "key": await audit.log_key()}
    said_yes = any(entry.event == "consent.granted" for entry, _heading in lines)
    response = page(request, "widget/proof.html", site=site, said_yes=said_yes, **shown)
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def take_back(request: Request, site: Site) -> Response:
    """A press that needs no script, and nobody signed in: the proof's address says whose yes it was."""
    await sites.traffic.admit(site.name, client_network(request))
    new = await sites.answers.taken_back(site, request.path_params["token"], language())
    # Where the site passes /w/ on, the person stays at its own address.
    return RedirectResponse(f"/w/{new.partition('/w/')[2]}", 303)


async def proof_file(request: Request, site: Site) -> Response:
    """The file of one of its decisions: a C2SP tlog-proof."""
    token, number = request.path_params["token"], request.path_params["number"]
    entry, receipt = await sites.proofs.receipt_of(token, number, site.name)
    name = f'attachment; filename="proof-{entry[:8]}.txt"'
    headers = {"content-disposition": name, "referrer-policy": "no-referrer"}
    return Response(receipt, media_type="text/plain", headers=headers)


routes = [
    get("/w/v1/{site}/page", show),
    get("/w/v1/{site}/proof/{token}", proof),
    post("/w/v1/{site}/proof/{token}/no", take_back),
    get("/w/v1/{site}/proof/{token}/{number:int}", proof_file),
]
