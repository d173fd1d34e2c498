"""How a call goes: to the address that was checked and no other, with an end to waiting and to the answer's length."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from portal.lib import outbound
from portal.lib.outbound import OutboundFailed, OutboundRefused, request
from tests.lib.certificates import certificate, server_context

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


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
