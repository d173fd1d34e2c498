"""Global Privacy Control: where a visitor's browser or an authority reads that we follow the signal (W3C, 2026)."""

import json

from starlette.requests import Request
from starlette.responses import Response

from portal.widget.door import FOR_OTHER_SITES, get_open

SINCE = "2026-11-23"  # when what follows from the signal last changed


async def show(request: Request) -> Response:
    headers = {**FOR_OTHER_SITES, "cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}
    return Response(json.dumps({"gpc": True, "lastUpdate": SINCE}), media_type="application/json", headers=headers)


routes = [get_open("/.well-known/gpc.json", show)]
