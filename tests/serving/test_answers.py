"""An answer leaves in one piece, and one that nobody reads is not gathered in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from portal.server import Protocol

BLOCK, BLOCKS = b"x" * 10_000, 10_000
GET = b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Site:
    def __init__(self) -> None:
        self.port, self.written = 0, 0
        self.app = Starlette(routes=[Route("/short", self._short), Route("/long", self._long)])

    async def _short(self, request: Request) -> Response:
        return PlainTextResponse("all of it")

    async def _long(self, request: Request) -> Response:
        async def blocks() -> AsyncIterator[bytes]:
            for _each in range(BLOCKS):
                self.written += len(BLOCK)
                yield BLOCK

        return StreamingResponse(blocks())


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as free:
        free.bind(("127.0.0.1", 0))
        made.port = free.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(made.app, http=Protocol, lifespan="off", access_log=False, log_config=None))
        task = asyncio.create_task(server.serve([free]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield made
        server.should_exit = server.force_exit = True
        with suppress(SystemExit):
            await task


async def test_head_and_body_of_an_answer_are_sent_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    transports: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # what the system is called by
    sent, send = list[bytes](), transports.write

    def watched(transport: object, data: bytes) -> None:
        sent.append(data)
        send(transport, data)

    monkeypatch.setattr(transports, "write", watched)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    for last in (False, False, True):
        writer.write((GET % b"short").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n" if last else b"\r\n\r\n"))
        assert (await reader.readuntil(b"all of it")).startswith(b"HTTP/1.1 200")
    assert await reader.read() == b""
    answers = [each for each in sent if not each.startswith(b"GET")]
    assert len(answers) == 3 and all(each.endswith(b"all of it") for each in answers)
    writer.close()


async def test_what_nobody_reads_is_not_gathered_in_memory(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(GET % b"long")
    before = -1
    while site.written > before or not before:
        before = site.written
        await asyncio.sleep(0.2)
    assert 0 < site.written < len(BLOCK) * BLOCKS / 4
    read = 0
    while b"\r\n0\r\n\r\n" not in (part := await reader.read(1_000_000))[-7:]:
        read += len(part)
    assert read > len(BLOCK) * BLOCKS * 0.9
    writer.close()
