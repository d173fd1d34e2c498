"""Whom we call and whom never: an address typed by a stranger must not reach inside (SSRF)."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from portal.lib import outbound
from portal.lib.outbound import OutboundFailed, OutboundRefused, is_public, request
from tests.lib.certificates import certificate, server_context

REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f000001/",
    "http://0x7F.1/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://192.0.0.8/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127.0.0.1./",
    "http://localhost/",
    "http://LOCALHOST:8000/",
    "http://localhost./",
    "http://inside.example/",
    "http://both.example/",
    "http://mapped.example/",
    "http://scoped.example/",
    "http://ana:secret@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1:80\\@example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "javascript:alert(1)",
    "//example.com/",
    "example.com",
    "http:///",
    "http://",
]

NAMES = {
    "localhost": ["127.0.0.1"],
    "localhost.": ["::1", "127.0.0.1"],
    "inside.example": ["10.1.2.3"],
    "both.example": ["93.184.216.34", "10.1.2.3"],
    "mapped.example": ["::ffff:10.1.2.3"],
    "scoped.example": ["fe80::1%eth0"],
}
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


async def fake_resolver(host: str, port: int) -> list[str]:
    return NAMES[host]


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_leads_inside_is_never_called(url: str) -> None:
    with pytest.raises(OutboundRefused):
        await request("GET", url, resolve=fake_resolver, timeout=2)


def test_there_are_about_forty_ways_in_on_the_table() -> None:
    assert len(REFUSED) >= 40


@pytest.mark.parametrize(
    "url", ["http://example.com/\r\nX: y", "http://exa mple.com/", "http://example.com/\x00", "http://e\tx/"]
)
async def test_an_address_with_control_characters_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused):
        await request("GET", url, resolve=fake_resolver)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "223.255.255.1", "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]
)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


def test_no_ipv4_address_passes_that_the_standard_library_calls_private() -> None:
    for first in range(256):
        for second in range(0, 256, 3):
            address = ipaddress.IPv4Address(f"{first}.{second}.77.1")
            assert not (is_public(address) and (address.is_private or address.is_loopback or address.is_multicast))


async def test_the_name_is_resolved_once_and_a_change_of_mind_gains_nothing() -> None:
    answers = [["127.0.0.1"], ["10.9.9.9"]]
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers.pop(0)

    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, seen):
        answer = await request("GET", f"http://shop.example:{port}/a?b=c", resolve=rebinding, allow=LOOPBACK)
    assert (answer.status, answer.content) == (200, b"ok") and asked == ["shop.example"]
    assert seen[0].startswith(b"GET /a?b=c HTTP/1.1\r\n") and f"Host: shop.example:{port}\r\n".encode() in seen[0]


async def test_only_the_network_that_the_operator_opened_is_open() -> None:
    async with _server(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, _seen):
        with pytest.raises(OutboundRefused, match=r"127\.0\.0\.1"):
            await request("GET", f"http://127.0.0.1:{port}/", allow=outbound.networks("10.0.0.0/8, fd00::/8"))
        assert (await request("GET", f"http://127.0.0.1:{port}/", allow=outbound.networks("127.0.0.1/32"))).status == 204


async def test_a_kept_connection_is_for_one_name_and_the_name_is_checked_each_time() -> None:
    answers = [["127.0.0.1"], ["127.0.0.1"], ["10.9.9.9"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    kept = outbound.Kept()
    try:
        async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as (port, _seen):
            address = f"http://shop.example:{port}/"
            for _call in range(2):
                assert (await request("GET", address, resolve=rebinding, allow=LOOPBACK, kept=kept)).status == 200
            with pytest.raises(OutboundRefused, match=r"10\.9\.9\.9"):
                await request("GET", address, resolve=rebinding, allow=LOOPBACK, kept=kept)
            with pytest.raises(ValueError, match="one host name"):
                await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK, kept=kept)
    finally:
        await kept.close()


async def test_a_redirect_is_handed_back_and_not_followed() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with _server(redirect) as (port, seen):
        answer = await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK)
    assert (answer.status, answer.headers["location"], len(seen)) == (302, "http://169.254.169.254/", 1)


async def test_a_body_beyond_the_cap_is_cut_off() -> None:
    body = b"x" * 50_000
    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + body) as (port, _seen):
        assert (await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK, max_bytes=50_000)).content == body
        with pytest.raises(OutboundFailed, match="larger than 49999"):
            await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK, max_bytes=49_999)


async def test_an_endless_answer_ends() -> None:
    async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with _serving(forever) as port:
        with pytest.raises(OutboundFailed, match="larger"):
            await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK)


async def test_a_server_that_trickles_is_left_after_the_time_is_over() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with _serving(trickle) as port:
        with pytest.raises(OutboundFailed, match=r"within 0\.4 seconds"):
            await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK, timeout=0.4)


async def test_a_compressed_bomb_is_not_opened() -> None:
    bomb = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    async with _server(bomb) as (port, seen):
        with pytest.raises(OutboundFailed, match="compressed"):
            await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK)
    assert b"Accept-Encoding: identity" in seen[0]


async def test_the_body_and_headers_arrive_and_our_own_headers_stay_ours() -> None:
    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, seen):
        headers = {"X-Signature": "abc", "Host": "evil.example", "accept-encoding": "gzip"}
        await request("POST", f"http://127.0.0.1:{port}/", headers=headers, content=b"hello", allow=LOOPBACK)
        with pytest.raises(OutboundRefused, match="line breaks"):
            await request("POST", f"http://127.0.0.1:{port}/", headers={"X": "a\r\nHost: b"}, allow=LOOPBACK)
    assert seen[0].endswith(b"\r\n\r\nhello") and b"X-Signature: abc" in seen[0]
    assert b"evil.example" not in seen[0] and b"gzip" not in seen[0]


async def test_a_proxy_in_the_environment_does_not_get_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://10.9.9.9:3128")
    monkeypatch.setenv("ALL_PROXY", "http://10.9.9.9:3128")
    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, _seen):
        assert (await request("GET", f"http://127.0.0.1:{port}/", allow=LOOPBACK, timeout=2)).status == 200


async def test_a_second_address_is_tried_when_nobody_listens_at_the_first() -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, _seen):
        assert (await request("GET", f"http://shop.example:{port}/", allow=LOOPBACK, resolve=two)).status == 200
    with pytest.raises(OutboundFailed, match="ConnectError"):
        await request("GET", f"http://shop.example:{port}/", allow=LOOPBACK, resolve=two)


async def test_an_unknown_name_and_a_name_without_address_may_work_later() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError

    async def empty(host: str, port: int) -> list[str]:
        return []

    for resolver in (unknown, empty):
        with pytest.raises(OutboundFailed, match=r"shop\.example"):
            await request("GET", "http://shop.example/", resolve=resolver)


async def test_the_certificate_must_be_the_names_although_we_connect_to_the_number(tmp_path: Path) -> None:
    own = certificate(tmp_path, "shop.example")
    context = server_context(own)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    trust = ssl.create_default_context(cafile=str(own))

    async def local(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", context) as (port, _seen):
        answer = await request("GET", f"https://shop.example:{port}/", allow=LOOPBACK, resolve=local, trust=trust)
        assert answer.content == b"ok" and names == ["shop.example"]
        with pytest.raises(OutboundFailed):
            await request("GET", f"https://other.example:{port}/", allow=LOOPBACK, resolve=local, trust=trust)
        with pytest.raises(OutboundFailed):
            await request("GET", f"https://shop.example:{port}/", allow=LOOPBACK, resolve=local)


@asynccontextmanager
async def _server(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that gives one answer to everybody, and what it was asked."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        seen.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with _serving(handle, tls) as port:
        yield port, seen


@asynccontextmanager
async def _serving(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
