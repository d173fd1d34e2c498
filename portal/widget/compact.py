"""What is the same for every visitor of a site, as small as it can be: compressed once, by brotli (RFC 7932)."""

import asyncio
from collections.abc import Mapping

import brotli
from starlette.requests import Request
from starlette.responses import Response

MOST = 256  # sites, languages and regions; a few kilobytes each
_known: dict[bytes, bytes] = {}


async def compact(request: Request, content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """A browser that does not take brotli gets it as it is; larger answers are then compressed on their way, like pages."""
    if not _takes_brotli(request.headers.get("accept-encoding", "")):
        response = Response(content, media_type=media_type, headers=headers)
    else:
        response = Response(await _smallest(content), media_type=media_type, headers={**headers, "content-encoding": "br"})
    response.headers.add_vary_header("Accept-Encoding")
    return response


def _takes_brotli(accepted: str) -> bool:
    for each in accepted.split(","):
        name, _separator, weight = each.replace(" ", "").lower().partition(";q=")
        if name == "br":
            return weight.strip("0.") != "" or weight == ""
    return False


async def _smallest(content: bytes) -> bytes:
    if content not in _known:
        if len(_known) >= MOST:
            _known.clear()
        _known[content] = await asyncio.to_thread(brotli.compress, content, quality=11)
    return _known[content]
