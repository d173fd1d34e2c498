"""The built files of the script, each under the hash of its bytes: kept for ever, loaded by any site (SRI)."""

from starlette.requests import Request
from starlette.responses import Response

from portal import sites
from portal.widget.compact import compact
from portal.widget.door import FOR_OTHER_SITES, get_open

_HEADERS = {
    **FOR_OTHER_SITES,
    "cache-control": "public, max-age=31536000, immutable",
    "access-control-allow-origin": "*",
}


async def script(request: Request) -> Response:
    return await _file(sites.releases.SCRIPT, request)


async def form_script(request: Request) -> Response:
    return await _file(sites.releases.FORM, request)


async def types(request: Request) -> Response:
    """Beside the script that they describe, for who writes a site in TypeScript."""
    content = sites.releases.types(request.path_params["hash"])
    return Response(content, media_type="text/plain; charset=utf-8", headers=_HEADERS | {"cache-control": "public, max-age=3600"})


async def _file(name: str, request: Request) -> Response:
    release = sites.releases.released(name, request.path_params["hash"])
    return await compact(request, release.content, "text/javascript; charset=utf-8", _HEADERS)


routes = [
    get_open(f"/w/v1/{{hash}}/{sites.releases.SCRIPT}", script),
    get_open(f"/w/v1/{{hash}}/{sites.releases.FORM}", form_script),
    get_open(f"/w/v1/{{hash}}/{sites.releases.TYPES}", types),
]
