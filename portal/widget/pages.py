"""Pages that work where the script does not: what a site asks about, and the proof of an answer."""

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, sites, subjects
from portal.consent import proof_words
from portal.lib.errors import NotFound
from portal.pages import page
from portal.paper import _, in_language
from portal.sites import Site
from portal.widget.door import get, wanted_language


async def show(request: Request, site: Site) -> Response:
    shown = sites.texts.in_language_of(await sites.texts.texts_of(site), wanted_language(request))
    with in_language(shown.language):
        return page(request, "widget/page.html", site=site, shown=shown)


async def proof(request: Request, site: Site) -> Response:
    """Whoever has the address made the choice, or was given it; it says nothing about who that is."""
    lines = [(entry, await _heading(entry)) for entry in await _entries(request)]
    response = page(request, "widget/proof.html", site=site, lines=lines, path=request.url.path, key=await audit.log_key())
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def proof_file(request: Request, site: Site) -> Response:
    """The file of one of its decisions: a C2SP tlog-proof."""
    entries, number = await _entries(request), request.path_params["number"]
    if not 1 <= number <= len(entries):
        raise _gone()
    entry = entries[number - 1]
    name = f'attachment; filename="proof-{entry.id[:8]}.txt"'
    headers = {"content-disposition": name, "referrer-policy": "no-referrer"}
    return Response(await audit.prove(entry.id), media_type="text/plain", headers=headers)


async def _entries(request: Request) -> list[audit.Entry]:
    found = [await audit.entry(each) for each in sites.answers.entries_of(request.path_params["token"])]
    living = [each for each in found if each is not None and not await subjects.evidence.closed_entry(each)]
    if not living or len(living) < len(found):
        raise _gone()
    return living


async def _heading(entry: audit.Entry) -> str:
    report = audit.verify_receipt(await audit.prove(entry.id), [await audit.log_key()])
    return await proof_words.heading(entry, (report.statement or {}).get("payload", {}))


def _gone() -> NotFound:
    return NotFound(_("There is no such proof."))


routes = [
    get("/w/v1/{site}/page", show),
    get("/w/v1/{site}/proof/{token}", proof),
    get("/w/v1/{site}/proof/{token}/{number:int}", proof_file),
]
