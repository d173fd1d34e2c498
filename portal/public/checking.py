"""How to check us: the signed log in plain words, and its latest checkpoint for whoever wants to hold us to it.

The checkpoint is a C2SP signed note; the verifier key beside it checks every proof that customers hold. Where the operator opens
the log, the tiles and entries below it can be read as c2sp.org/tlog-tiles lays them out.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from portal import audit, settings
from portal.lib.errors import NotFound
from portal.pages import anyone, get, page
from portal.paper import _


async def show(request: Request) -> Response:
    """After a restore the log goes on under its next name; proofs of the part before keep the key with that name."""
    key, *before = await audit.log_keys()
    lost = {each.origin: each.lost for each in await audit.earlier.stored_beginnings()}
    context = {"key": key, "before": before, "lost": lost, "whole": settings.get().log_open}
    return page(request, "public/check.html", checkpoint=await audit.checkpoint(), **context)


async def latest(request: Request) -> Response:
    checkpoint = await audit.checkpoint()
    if checkpoint is None:
        raise NotFound(_("Nothing has been recorded yet."))
    return PlainTextResponse(checkpoint.note, headers={"cache-control": "no-cache"})


async def tile(request: Request) -> Response:
    found = await audit.served(f"tile/{request.path_params['path']}") if settings.get().log_open else None
    if found is None:
        raise NotFound(_("There is no such part of the record, or it is not open to everybody."))
    return Response(
        found, media_type="application/octet-stream", headers={"cache-control": "public, max-age=31536000, immutable"}
    )


routes = [
    get("/check", show, guard=anyone),
    get("/audit/checkpoint", latest, guard=anyone),
    get("/audit/tile/{path:path}", tile, guard=anyone),
]
