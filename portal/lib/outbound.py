"""Calls an address that somebody else typed: a webhook, a connected system, a website. Made against SSRF.

The name is resolved once, every address it has is checked, and the connection goes to a checked address, so that a
name that changes its mind (DNS rebinding) gains nothing. Only public addresses, unless the operator allowed a
network. No redirects, no proxies, no cookies, no compressed bodies; time and size are bounded.
"""

import asyncio
import ipaddress
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from socket import SOCK_STREAM

import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[list[str]]]


class OutboundRefused(Exception):
    """We will not call this address, now or later; the message says why."""


class OutboundFailed(Exception):
    """The call was allowed and did not work (no answer, too slow, too large); it may work later."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: httpx2.Headers
    content: bytes


class Kept:
    """Connections that stay open between many calls to one host name; `close` them in the end.

    For one name alone: a connection is found again by its address, and its certificate was checked for the name.
    """

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.host = b""
        self.client = _client(trust)

    async def close(self) -> None:
        await self.client.aclose()


class Transport(httpx2.AsyncBaseTransport):
    """For libraries that speak HTTP themselves: each call of theirs goes through `request`."""

    def __init__(self, allow: Sequence[Network] = ()) -> None:
        self.allow = allow

    async def handle_async_request(self, call: httpx2.Request) -> httpx2.Response:
        content = await call.aread()
        answer = await request(call.method, str(call.url), headers=dict(call.headers), content=content, allow=self.allow)
        kind = {"content-type": answer.headers.get("content-type", "")}
        return httpx2.Response(answer.status, headers=kind, content=answer.content, request=call)


async def resolve_by_system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    timeout: float = 7,  # noqa: ASYNC109  # the limit of the whole call, resolving included
    max_bytes: int = 100_000,
    allow: Sequence[Network] = (),
    resolve: Resolver = resolve_by_system,
    trust: ssl.SSLContext | None = None,
    kept: Kept | None = None,
) -> Response:
    """Answers whatever status came back, redirects included; raises OutboundRefused or OutboundFailed.

    `allow` are networks that the operator opened beyond the public ones; `trust` another set of certificate authorities.
    With `kept` the connection may be one of an earlier call; the name is resolved and checked all the same.
    """
    try:
        async with asyncio.timeout(timeout):
            target = _parsed(url)
            addresses = await _checked_addresses(target, allow, resolve)
            sent_headers = _without_ours(headers or {}) | {"Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"}
            async with AsyncExitStack() as stack:
                client = _of(kept, target) if kept else await stack.enter_async_context(_client(trust))
                return await _first_that_answers(client, method, target, addresses, sent_headers, content, max_bytes)
    except TimeoutError as problem:
        raise OutboundFailed(f"No answer within {timeout:g} seconds.") from problem
    except (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError) as problem:
        raise OutboundFailed(f"The connection failed ({type(problem).__name__}).") from problem


def networks(text: str) -> list[Network]:
    """The networks in a comma-separated setting; raises ValueError naming the one that is wrong."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def is_public(address: Address) -> bool:
    """Whether everybody on the internet means the same machine by this address."""
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(address.packed[-4:]))
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


# Written out after IANA's special-purpose registries, because `is_global` differs between Python versions.
_NOT_PUBLIC = networks(
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, 192.0.2.0/24,"
    "192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/4, 240.0.0.0/4,"
    # IETF's own assignments with Teredo, documentation (two), and 6to4, which carries any IPv4 address inside
    "2001::/23, 2001:db8::/32, 3fff::/20, 2002::/16"
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def _parsed(url: str) -> httpx2.URL:
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise OutboundRefused("An address has no spaces, backslashes or control characters.")
    try:
        target = httpx2.URL(url)
        host = target.raw_host.decode("ascii")
    except (httpx2.InvalidURL, ValueError) as problem:
        raise OutboundRefused("This is not an address we can read.") from problem
    if target.scheme not in {"http", "https"} or not host:
        raise OutboundRefused("Only http:// and https:// addresses are called.")
    if target.userinfo:
        raise OutboundRefused("An address must not carry a user name or a password.")
    last_label = host.rstrip(".").rpartition(".")[2]
    if ":" not in host and re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last_label) and not _is_dotted_quad(host):
        # Old resolvers read 2130706433, 0177.1 or 0x7f.1 as 127.0.0.1.
        raise OutboundRefused("An IPv4 address is written as four decimal numbers.")
    return target


def _is_dotted_quad(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


async def _checked_addresses(target: httpx2.URL, allow: Sequence[Network], resolve: Resolver) -> list[Address]:
    host = target.raw_host.decode("ascii").strip("[]")
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        found = [host] if _is_ip(host) else await resolve(host, port)
    except (OSError, UnicodeError) as problem:
        raise OutboundFailed(f"The name {host} is not known.") from problem
    addresses = []
    for text in found:
        if "%" in text or not _is_ip(text):
            raise OutboundRefused(f"{host} leads to {text}, which is no public address.")
        address = ipaddress.ip_address(text)
        if not is_public(address) and not any(address in network for network in allow):
            raise OutboundRefused(f"{host} leads to {text}, which is no public address. The operator can allow its network.")
        addresses.append(address)
    if not addresses:
        raise OutboundFailed(f"The name {host} has no address.")
    return addresses


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _without_ours(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if re.search(r"[\r\n\x00]", name + value):
            raise OutboundRefused("A header has no line breaks.")
    return {name: value for name, value in headers.items() if name.lower() not in {"host", "accept-encoding"}}


def _client(trust: ssl.SSLContext | None) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=5)
    transport = httpx2.AsyncHTTPTransport(verify=trust or _system_trust(), trust_env=False, limits=limits)
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False, timeout=None, cookies=no_cookies)


def _of(kept: Kept, target: httpx2.URL) -> httpx2.AsyncClient:
    kept.host = kept.host or target.raw_host
    if kept.host != target.raw_host:
        raise ValueError("Kept connections are for one host name.")
    return kept.client


async def _first_that_answers(
    client: httpx2.AsyncClient,
    method: str,
    target: httpx2.URL,
    addresses: list[Address],
    headers: dict[str, str],
    content: bytes,
    max_bytes: int,
) -> Response:
    for address in addresses:
        call = client.build_request(
            method,
            target.copy_with(host=str(address)),
            headers=headers,
            content=content,
            # The certificate must be that of the name, though we connect to the number.
            extensions={"sni_hostname": target.raw_host.decode("ascii").strip("[]")},
        )
        try:
            return await _answer(client, call, max_bytes)
        except httpx2.ConnectError:
            # Nothing was sent yet, so the next address may be tried.
            if address == addresses[-1]:
                raise
    raise AssertionError("there is always an address")


async def _answer(client: httpx2.AsyncClient, call: httpx2.Request, max_bytes: int) -> Response:
    answer = await client.send(call, stream=True)
    try:
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise OutboundFailed("The answer is compressed although we asked for it plain.")
        content = b""
        async for piece in answer.aiter_raw():
            content += piece
            if len(content) > max_bytes:
                raise OutboundFailed(f"The answer is larger than {max_bytes} bytes.")
        return Response(answer.status_code, answer.headers, content)
    finally:
        await answer.aclose()


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    return httpx2.create_ssl_context()
