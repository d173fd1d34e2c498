"""SEC-11, SEC-21, SEC-30: what stands before every door, tried on a bare application."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from portal import settings
from portal.app import body_too_large
from portal.shield import BodyTooLarge, Shield, client_network
from tests.conftest import House

OURS = "http://127.0.0.1:8000"


async def _swallow(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}")


@pytest.fixture
async def browser(sqlite_house: House) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=[Route("/", _swallow, methods=["GET", "POST"])], exception_handlers={BodyTooLarge: body_too_large})
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=Shield(app)), base_url=OURS) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": OURS},
        {"origin": OURS + ".evil.example"},
    ],
)
async def test_a_post_from_elsewhere_does_nothing(browser: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    assert (await browser.post("/", content=b"x", headers=headers)).status_code == 403


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": OURS}])
async def test_a_post_from_our_own_page_passes(browser: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    assert (await browser.post("/", content=b"xyz", headers=headers)).text == "3"


async def test_a_body_that_says_it_is_too_large_is_not_read(browser: httpx2.AsyncClient) -> None:
    answer = await browser.post("/", content=b"x" * 1_000_001, headers={"origin": OURS})
    assert answer.status_code == 413 and "Nothing was saved" in answer.text


async def test_a_body_that_lies_about_its_size_is_cut_off(browser: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 65536
            yield b"x" * 65536

    answer = await browser.post("/", content=endless(), headers={"origin": OURS})
    assert answer.status_code == 413


async def test_a_compressed_body_is_refused(browser: httpx2.AsyncClient) -> None:
    assert (await browser.post("/", content=b"x", headers={"origin": OURS, "content-encoding": "gzip"})).status_code == 415


async def test_every_answer_forbids_framing_sniffing_and_foreign_scripts(browser: httpx2.AsyncClient) -> None:
    for answer in (await browser.get("/"), await browser.post("/"), await browser.get("/nowhere")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9/32"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7/32"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7/32"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7/32"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7/32"),
        ("10.0.0.1", "rubbish", "unreadable"),
        ("10.0.0.1", "", "10.0.0.1/32"),
        ("unix", "198.51.100.7", "unreadable"),
    ],
)
def test_only_our_own_proxies_say_where_somebody_comes_from(peer: str, forwarded: str, network: str) -> None:
    before = settings.get()
    settings.use(replace(before, trusted_proxies="10.0.0.0/8"))
    try:
        scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
        assert client_network(Request(scope)) == network
    finally:
        settings.use(before)
