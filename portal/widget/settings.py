"""A site's settings for the script: public, cacheable, the same for every visitor but for a region, which stands last.

Without it their SHA-256 is in the log; the proof of that is where the answer's `link` says.
"""

import hashlib
import json

from starlette.requests import Request
from starlette.responses import Response

from portal import sites
from portal.paper import _, address, in_language
from portal.sites import Site
from portal.widget.compact import compact
from portal.widget.door import get, is_ours, wanted_language

KEPT = "public, max-age=300"


async def show(request: Request, site: Site) -> Response:
    told = await sites.manifest.manifest(site, wanted_language(request))
    with in_language(told["language"]):
        told["texts"] |= _news()
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    digest = await sites.told.note(site.name, told["edition"], content)
    if region := sites.manifest.region_of(request.headers.get(site.region_header, "") if site.region_header else ""):
        content = content[:-1] + f',"region":"{region}"}}'.encode()
    proof = address(f"/w/v1/{request.path_params['site']}/settings/{digest}")
    headers = {
        "cache-control": KEPT,
        "link": f'<{proof}>; rel="describedby"',
        "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    }
    if site.region_header:
        headers["vary"] = site.region_header
    if not is_ours(request):
        sites.traffic.note(site.name, sites.traffic.SETTINGS, told["edition"])
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return await compact(request, content, "application/json", headers)


def _news() -> dict[str, str]:
    """What the script tells of what became of an answer: nobody answers it, so it is no part of an edition."""
    stands = _(
        "Not everything you allowed counts: a no or a stop of yours stands. Choose again, or change it in your preferences."
    )
    return {"unlike": stands}


async def proof_file(request: Request, site: Site) -> Response:
    """The file that proves it: a C2SP tlog-proof."""
    receipt = await sites.told.receipt_of(site.name, request.path_params["digest"])
    return Response(receipt, media_type="text/plain")


routes = [get("/w/v1/{site}/settings", show), get("/w/v1/{site}/settings/{digest}", proof_file)]
