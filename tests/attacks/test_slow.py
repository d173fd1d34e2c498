"""SEC-31: requests that never end are ended, and a thousand of them keep nobody else waiting."""

import asyncio
import http.client
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from portal.app import build
from portal.server import Protocol
from portal.settings import HOME
from tests.conftest import House
from tests.journeys.conftest import serving

LIMIT = 0.2
ASKED = b"GET /slow HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
FORM = (
    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1:8000\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
)
NO_KEY = b"POST /api/v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n"

# How a request begins, and what then comes again and again.
ENDLESS = [
    (b"", b""),
    (b"G", b""),
    (b"", b"\r\n"),
    (b"GET /healthz HTTP/1.1\r\nX-Slow: ", b"a"),
    (b"GET /healthz HTTP/1.1\r\n", b"X: 1\r\n"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: ", b"a"),
    (FORM % 100_000, b"a"),
    (FORM % 100_000, b""),
    (FORM.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked"), b"1\r\na\r\n"),
    (FORM % 100_000_000, b"a"),
    (NO_KEY, b"a"),
]


class _Impatient(Protocol):
    HEAD_SECONDS = BODY_SECONDS = LIMIT


@pytest.fixture
async def port(sqlite_house: House) -> AsyncIterator[int]:
    """The site, with a page that takes its time, served with short limits."""

    async def slow(request: Request) -> Response:
        await asyncio.sleep(3 * LIMIT)
        return PlainTextResponse(f"{len(await request.body())}")

    site = build()
    site.router.routes.insert(0, Route("/slow", slow, methods=["GET", "POST"]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        config = uvicorn.Config(site, http=_Impatient, lifespan="off", access_log=False, log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([free]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield free.getsockname()[1]
        server.should_exit = True
        with suppress(SystemExit):
            await task


async def test_requests_that_never_end_are_hung_up_on(port: int) -> None:
    held = await asyncio.gather(*(_held(port, begun, drop) for begun, drop in ENDLESS))
    kept = {each: round(seconds, 2) for each, seconds in zip(ENDLESS, held, strict=True)}
    assert {each: seconds for each, seconds in kept.items() if not LIMIT / 2 < seconds < 9 * LIMIT} == {}


async def test_what_was_hung_up_on_is_no_error_of_ours(port: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    with structlog.testing.capture_logs() as told:
        await _held(port, FORM % 100_000, b"a")
        await asyncio.sleep(0.1)
    assert [each["event"] for each in told] == ["request"] and told[0]["status"] == 400
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_whoever_waits_for_us_is_not_slow(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _time in range(2):
        writer.write(ASKED)
        await asyncio.sleep(LIMIT)
        writer.write(b"\r\n")  # a line too many is nothing to end an answer for
        assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 OK")
    writer.close()


async def test_a_steady_sender_may_take_longer_than_the_limit(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(FORM.replace(b"/sign-in", b"/slow") % 50_000)
    for _piece in range(25):
        writer.write(b"x" * 2_000)
        await asyncio.sleep(LIMIT / 5)
    assert (await reader.readuntil(b"50000")).startswith(b"HTTP/1.1 200 OK")
    writer.close()


@pytest.mark.deep
@pytest.mark.timeout(300)
def test_a_thousand_requests_without_end_keep_nobody_else_waiting(migrated_sqlite: Path, tmp_path: Path) -> None:
    """For 60 seconds, 500 with a slow head and 500 with a slow body, each opened anew when it is hung up on."""
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    with serving(tmp_path, PORTAL_DEMO="0", PORTAL_SYSTEMS="", PORTAL_LOG_LEVEL="error") as portal:
        port = int(portal.address.rpartition(":")[2])
        _visits(port, 5)
        before = _visits(port, 15)
        command = [sys.executable, "-m", "tests.attacks.slow_sender", str(port), "500", "500", "60"]
        with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, text=True) as attack:
            assert attack.stdout is not None and attack.stdout.readline() == "attacking\n"
            time.sleep(5)
            held = _connections(portal.process.pid)
            during = _visits(port, 45)
            hung_up = int(attack.stdout.readline())
        after = _visits(port, 15)
    quiet = _p95(before + after)
    print(f"p95 of {len(during)} visits {_p95(during):.1f} ms, without the attack {quiet:.1f} ms; {held} connections held")
    assert held >= 900 and hung_up >= 1_000
    assert _p95(during) <= 2 * quiet


async def _held(port: int, begun: bytes, drop: bytes) -> float:
    """How long the server lets somebody go on like this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.monotonic()
    with suppress(ConnectionError):
        writer.write(begun)
        while time.monotonic() - started < 10 * LIMIT:
            with suppress(TimeoutError):
                if not await asyncio.wait_for(reader.read(10_000), LIMIT / 8):
                    break
            writer.write(drop)
    writer.close()
    return time.monotonic() - started


def _visits(port: int, seconds: float) -> list[float]:
    """A visitor on a connection of their own, one after the other; how many milliseconds each took."""
    took, ends = list[float](), time.monotonic() + seconds
    while (started := time.monotonic()) < ends:
        visit = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        visit.request("GET", "/sign-in")
        answer = visit.getresponse()
        assert answer.status == 200 and b"<h1" in answer.read()
        visit.close()
        took.append((time.monotonic() - started) * 1000)
        time.sleep(0.02)
    return took


def _p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)]


def _connections(process: int) -> int:
    return sum(each.readlink().name.startswith("socket:") for each in Path(f"/proc/{process}/fd").iterdir())
