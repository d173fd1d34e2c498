"""One network that tries passwords at many accounts is stopped, and cannot use that to keep anybody else out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from portal import settings
from portal.identity import passwords
from portal.identity.sign_in import PASSWORDS_OF_A_NETWORK
from tests.conftest import House
from tests.people import OLGA, PASSWORD, PETRA, Browser, go_to_work, hire

MALLORYS, ELSEWHERE = "203.0.113.7", "198.51.100.20"


@pytest.fixture
async def behind_a_proxy(sqlite_house: House) -> AsyncIterator[House]:
    """As in production: our own proxy says where somebody comes from."""
    settings.use(replace(sqlite_house.settings, trusted_proxies="127.0.0.1/32"))
    yield sqlite_house


async def test_many_accounts_guessed_from_one_network_are_stopped_and_nobody_else_is(behind_a_proxy: House) -> None:
    olga, petra = await hire(OLGA, "privacy-officer"), await hire(PETRA, "approver")
    async with Browser() as olgas, Browser() as mallory:
        olgas.headers["x-forwarded-for"] = mallory.headers["x-forwarded-for"] = MALLORYS
        await go_to_work(olgas, olga)  # from now on a browser of hers, in the same office as Mallory
        await olgas.post("/admin/sign-out")
        # Olga's own sign-in, from a browser not known before, was the first try of this network. Her browser has no more
        # tries at colleagues' passwords than anybody else's.
        half = PASSWORDS_OF_A_NETWORK // 2
        assert set(await _guess(olgas, half) + await _guess(mallory, PASSWORDS_OF_A_NETWORK - 1 - half)) == {403}
        assert (await _try(olgas, PETRA)).status_code == 429
        refused = await _try(mallory, OLGA)  # the right one even
        assert refused.status_code == 429 and "many tries from your network" in refused.text
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        # Saying that she comes from elsewhere helps her nothing: the hop next to our proxy counts.
        assert (await _try(mallory, OLGA, f"{ELSEWHERE}, {MALLORYS}")).status_code == 429
        # Olga sits in the same network, at the browser she always uses.
        assert (await go_to_work(olgas, olga)).url.path == "/admin"
    async with Browser() as elsewhere:
        elsewhere.headers["x-forwarded-for"] = ELSEWHERE
        assert (await go_to_work(elsewhere, petra)).url.path == "/admin"


@pytest.mark.usefixtures("slow_passwords")
async def test_a_flood_at_the_door_reads_that_others_are_before_it(sqlite_house: House) -> None:
    olga = await hire(OLGA, "privacy-officer")
    full = [asyncio.create_task(passwords.hash_of(PASSWORD)) for _number in range(passwords.RUNNING + passwords.WAITING)]
    await asyncio.sleep(0)
    async with Browser() as browser:
        page = await _try(browser, OLGA)
        assert page.status_code == 503 and "Please try again in a minute." in page.text and OLGA in page.text
        await asyncio.gather(*full)
        assert (await go_to_work(browser, olga)).url.path == "/admin"


async def _guess(browser: Browser, times: int) -> list[int]:
    """One password at many accounts, as many at once as are let in."""
    statuses: list[int] = []
    for start in range(0, times, 6):
        accounts = [f"colleague{number}@example.com" for number in range(start, min(start + 6, times))]
        statuses += [each.status_code for each in await asyncio.gather(*(_try(browser, each) for each in accounts))]
    return statuses


async def _try(browser: Browser, account: str, came_from: str = "") -> httpx2.Response:
    headers = {"x-forwarded-for": came_from} if came_from else {}
    data = {"email": account, "password": PASSWORD}
    return await browser.post("/admin/sign-in", data=data, headers=headers, follow_redirects=False)
