"""SEC-36: an allowance belongs to a network, an account or a key, and nothing that the asker can change buys another one.

That one account is counted across networks, browsers and restarts is shown in tests/identity/test_guessing.py; that
officers' passwords are counted per network, in test_guessing_officers.py.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from portal import db, settings
from portal.app import build
from portal.public.sign_in import ASKS_PER_HOUR
from tests.api.machines import key, question
from tests.conftest import House, opened, settings_in
from tests.journeys.conftest import Portal, serving

MALLORYS = "203.0.113.7"
OURS = "http://127.0.0.1:8000"
# What servers of this world believe about where somebody comes from.
ALLEGED = (
    *("x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "x-cluster-client-ip"),
    *("x-originating-ip", "x-remote-ip", "x-remote-addr", "fastly-client-ip", "x-forwarded", "forwarded-for", "via"),
)
Headers = list[tuple[str, str]]


def _alleged(number: int) -> Headers:
    address = f"198.51.100.{number}"
    return [(name, f"for={address}" if name == "forwarded" else address) for name in ALLEGED]


def _behind_our_proxy(number: int) -> Headers:
    """Our proxy adds the real address behind whatever came with the request, on the same line or on one of its own."""
    forged = f"198.51.100.{number}"
    lines = {
        0: [("x-forwarded-for", f"{forged}, {MALLORYS}")],
        1: [("x-forwarded-for", forged), ("x-forwarded-for", MALLORYS)],
        2: [("X-Forwarded-For", f"{forged}, 127.0.0.1,,unknown,  {MALLORYS} ")],
        3: [("x-forwarded-for", f"2001:db8:{number}::1, ::ffff:{MALLORYS}")],
    }
    return [*_alleged(number)[1:], *lines[number % 4]]


@pytest.mark.parametrize(
    ("proxies", "peer", "headers"),
    [
        ("", MALLORYS, _alleged),
        ("10.0.0.0/8,fd00::/8", MALLORYS, _alleged),
        ("10.0.0.0/8", "10.0.0.1", _behind_our_proxy),
        ("fd00::/8", "fd00::1", _behind_our_proxy),
        ("10.0.0.0/8", "2001:db8:7:7::{:x}", _alleged),
    ],
    ids=["no proxy", "not a proxy of ours", "our proxy", "our proxy by IPv6", "neighbours of one /64"],
)
async def test_one_network_has_one_allowance_whatever_it_says(
    sqlite_house: House, proxies: str, peer: str, headers: Callable[[int], Headers]
) -> None:
    settings.use(replace(sqlite_house.settings, trusted_proxies=proxies))
    given = [await _ask(peer.format(number + 1), headers(number), number) for number in range(ASKS_PER_HOUR)]
    assert given == [303] * ASKS_PER_HOUR
    assert {await _ask(peer.format(number), headers(number), number) for number in range(61, 67)} == {429}
    assert [each["count"] for each in await db.rows("SELECT count FROM throttle WHERE name LIKE 'ask:%'")] == [ASKS_PER_HOUR + 6]
    # The same allowance for the other door that writes mails, and nothing is taken from anybody else.
    assert await _ask(peer.format(70), headers(70), 70, path="/requests") == 429
    for number, other in enumerate(("192.0.2.9", "2001:db8:7:8::1")):
        assert await _ask(other, [], 80 + number) == 303


async def test_neighbours_of_one_64_share_it_behind_our_proxy_too(sqlite_house: House) -> None:
    settings.use(replace(sqlite_house.settings, trusted_proxies="127.0.0.1/32"))
    for number in range(8):
        neighbour = f"2001:db8:1:2:{number:x}:{number:x}::{number:x}"
        assert await _ask("127.0.0.1", [("x-forwarded-for", neighbour)], number) == 303
    assert await _ask("127.0.0.1", [("x-forwarded-for", "2001:db8:1:3::1")], 9) == 303
    counted = await db.rows("SELECT name, count FROM throttle WHERE name LIKE 'ask:%' ORDER BY name")
    assert [(each["name"], each["count"]) for each in counted] == [("ask:2001:db8:1:2::/64", 8), ("ask:2001:db8:1:3::/64", 1)]


async def test_a_new_process_forgets_no_limit(migrated_sqlite: Path, tmp_path: Path) -> None:
    """A real server is killed, and a second one serves the same database."""
    (tmp_path / "portal.db").write_bytes(migrated_sqlite.read_bytes())
    async with opened(settings_in(tmp_path)):
        keys = [await key(), await key()]
    more = {"PORTAL_DEMO": "0", "PORTAL_SYSTEMS": "", "PORTAL_API_PER_MINUTE": "4", "PORTAL_LOG_LEVEL": "error"}
    with serving(tmp_path, None, **more) as first:
        asked = [_ask_of(first, number) for number in range(ASKS_PER_HOUR + 1)]
        assert asked == [303] * ASKS_PER_HOUR + [429]
        checked = [_check(first, keys[0]) for _time in range(5)]
        assert checked[-1] == 429 and 429 not in checked[:4]
        time.sleep(1.2)  # what one key sent stands in memory for at most a second
        first.process.kill()
        first.process.wait(10)
    with serving(tmp_path, None, **more) as second:
        assert second.process.pid != first.process.pid
        assert [_ask_of(second, 100 + number) for number in range(3)] == [429] * 3
        assert _check(second, keys[0]) == 429
        assert _check(second, keys[1]) != 429


async def _ask(peer: str, headers: Headers, number: int, path: str = "/sign-in") -> int:
    """Somebody with a new browser asks for a mail to a new address."""
    transport = httpx2.ASGITransport(app=build(), raise_app_exceptions=False, client=(peer, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url=OURS) as browser:
        sent = [("origin", OURS), *headers]
        data = {"email": f"ana{number}@example.com", "right": "access", "country": "RO"}
        return (await browser.post(path, data=data, headers=sent, follow_redirects=False)).status_code


def _ask_of(portal: Portal, number: int) -> int:
    data, headers = {"email": f"ana{number}@example.com"}, {"origin": portal.address, **dict(_alleged(number))}
    return httpx2.post(f"{portal.address}/sign-in", data=data, headers=headers, timeout=20).status_code


def _check(portal: Portal, secret: str) -> int:
    headers = {"authorization": f"Bearer {secret}"}
    return httpx2.post(f"{portal.address}/api/v1/permissions/check", json=question(), headers=headers, timeout=20).status_code
