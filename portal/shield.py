"""What stands before every door: size of bodies, where a request came from, headers, language, the access log.

CSRF without tokens: an unsafe request must come from our own pages, which a browser states in Sec-Fetch-Site or Origin
(OWASP ASVS 5.0 V3.5). Doors for machines and one-click unsubscribe name themselves exempt by their path.
"""

import re
import sys
import time
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import MutableHeaders
from starlette.formparsers import MultiPartParser
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal import settings
from portal.paper import in_language, spoken
from portal.problems import is_for_machines, problem

CSP = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:"
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
_RAW = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
LONGEST_ADDRESS = 4_000
LISTS = ("/api/v1/imports", "/api/v1/permissions/scrub")
WITH_FILES = re.compile(r"/requests/[^/]+/messages|/answer/[^/]+")
# Else what is longer than a mebibyte would lie in clear in a temporary file. The limit of bodies is that of memory as well.
MultiPartParser.spool_max_size = sys.maxsize
EXEMPT_FROM_CSRF = ("/u/", "/api/", "/w/", "/answer/")
Asked = dict[bytes, bytes]


class Shield:
    """ASGI middleware, on raw headers because every request pays for it; the order of its checks is the order of this method."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger("portal.access").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, started, status = _first_of_each(scope), time.perf_counter(), 500

        async def send_shielded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, headers)
            await send(message)

        refusal = _refusal(scope, headers)
        with in_language(_language(headers)):
            try:
                inner = refusal or self.app
                await inner(scope, _capped(receive, _limit(scope["path"])), send_shielded)
            finally:
                # The route's pattern, never the path: paths carry secrets of links.
                route = getattr(scope.get("route"), "path", "-")
                took = round((time.perf_counter() - started) * 1000, 1)
                self.log.info("request", method=scope["method"], route=route, status=status, ms=took)


class BodyTooLarge(Exception):
    """The body grew past PORTAL_BODY_LIMIT while it was read; app.py answers 413."""


def too_large(path: str = "") -> str:
    return f"This is larger than we can take ({_limit(path) // 1000} kB). Nothing was saved."


def _limit(path: str) -> int:
    """Lists are read as they come in and never held whole; files come from somebody whom the route's guard knows."""
    if WITH_FILES.fullmatch(path):
        return settings.get().files_limit
    return settings.get().list_limit if path.startswith(LISTS) else settings.get().body_limit


def outside(request: Request) -> tuple[str, dict[str, str]]:
    """Language and headers for the one answer that is made outside of the shield: an unexpected error's."""
    return _language(_first_of_each(request.scope)), HEADERS


def plain(path: str, sentence: str, status: int) -> Response:
    """A refusal before any door: a line of text, for machines a problem."""
    return problem(status, sentence) if is_for_machines(path) else PlainTextResponse(sentence, status)


def _first_of_each(scope: Scope) -> Asked:
    return dict(reversed(scope["headers"]))


def _refusal(scope: Scope, asked: Asked) -> Response | None:
    query: bytes = scope["query_string"]
    if "\x00" in scope["path"] or b"%00" in query or len(scope["path"]) + len(query) > LONGEST_ADDRESS:
        return plain(scope["path"], "There is nothing at this address.", 404)
    length = asked.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > _limit(scope["path"]):
        return plain(scope["path"], too_large(scope["path"]), 413)
    if asked.get(b"content-encoding", b"identity") != b"identity":
        return plain(scope["path"], "Send the body uncompressed. Nothing was saved.", 415)
    if scope["method"] not in {"GET", "HEAD", "OPTIONS"} and not _same_origin(scope, asked):
        return plain(scope["path"], "This did not come from our own page, so we did nothing. Open the page and try again.", 403)
    return None


def _same_origin(scope: Scope, asked: Asked) -> bool:
    if scope["path"].startswith(EXEMPT_FROM_CSRF):
        return True
    site = asked.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    # Browsers without Sec-Fetch-Site send Origin with every POST; neither header means no browser of ours.
    ours = urlsplit(settings.get().base_url)
    return asked.get(b"origin") == f"{ours.scheme}://{ours.netloc}".encode()


def _capped(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def receive_capped() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise BodyTooLarge
        return message

    return receive_capped


def _add_headers(message: Message, asked: Asked) -> None:
    given = {name for name, _value in message["headers"]}
    message["headers"] = [*message["headers"], *(each for each in _RAW if each[0] not in given)]
    if settings.get().base_url.startswith("https:"):
        message["headers"].append(_HSTS)
    if b"hx-request" in asked:
        MutableHeaders(scope=message).add_vary_header("HX-Request")


def _language(asked: Asked) -> str:
    offered, cookies = settings.get().language_list, asked.get(b"cookie")
    chosen = cookie_parser(cookies.decode("latin-1")).get("language") if cookies else None
    if chosen in offered:
        return chosen
    accepted = asked.get(b"accept-language")
    return (spoken(accepted.decode("latin-1")) if accepted else None) or offered[0]


def client_network(request: Request) -> str:
    """The network (one IPv4 address, an IPv6 /64) a request came from, for throttles.

    X-Forwarded-For is believed from the proxies in PORTAL_TRUSTED_PROXIES alone, from the nearest hop outwards.
    """
    trusted = [ip_network(each.strip(), strict=False) for each in settings.get().trusted_proxies.split(",") if each.strip()]
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    hops = [each.strip() for each in forwarded.split(",") if each.strip()]
    address = _address(request.client.host if request.client else "")
    while address and hops and any(address in network for network in trusted):
        address = _address(hops.pop())
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False)) if address else "unreadable"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
