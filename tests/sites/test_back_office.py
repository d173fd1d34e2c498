"""The back office's pages about websites: what to paste, what visitors answered, the secret of a site's server."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import settings, sites
from portal.lib import clock
from portal.sites import Site
from tests.conftest import House
from tests.people import ANA, OLGA, Browser, go_to_work, hire
from tests.sites.shops import SHOP, Visitor, found_site, policies_of_shop, token


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    with clock.at(clock.now() - timedelta(days=3)):
        return await found_site(sqlite_house, tmp_path)


@pytest.fixture
async def olga(shop: Site) -> AsyncIterator[Browser]:
    async with Browser() as browser:
        await go_to_work(browser, await hire(OLGA, "owner"))
        yield browser


async def test_a_site_is_heard_of_and_its_answers_are_drawn(shop: Site, olga: Browser) -> None:
    assert "never" in (await olga.get("/admin/sites")).text
    async with Visitor(shop) as visitor, Visitor(shop, "https://evil.example") as mallory:
        await visitor.get(visitor.at + "/settings")
        await mallory.answer()
        with clock.at(clock.now() - timedelta(days=2)):
            await visitor.answer(answers={"visits": True, "audiences": True}, how="accept")
        for _time in range(3):
            await visitor.answer(answers={"visits": False, "audiences": False}, how="refuse", device=None)
    await sites.traffic.fold()
    await sites.counts.fold()
    page = (await olga.get("/admin/sites/shop")).text
    assert "Last heard of" in page and "1 time refused" in page and "https://evil.example" in page
    assert "Measuring our website: 1 yes, 3 no" in page and "25 %" in page
    assert '<rect class="no" x="291" y="0.0" width="8" height="48.0"/>' in page  # today, the highest day, all no
    assert '<rect x="271" y="32.0" width="8" height="16.0"/>' in page  # the day before yesterday, a third as high, all yes
    assert "never" not in (await olga.get("/admin/sites")).text
    assert (await olga.get("/admin/sites/other")).status_code == 404


async def test_what_to_paste_is_what_the_portal_serves(shop: Site, olga: Browser) -> None:
    page = (await olga.get("/admin/sites/shop?lang=ro")).text
    source = re.search(r"src=&#34;(http://127.0.0.1:8000(/w/v1/\w{16}/choice.js))&#34;", page)
    assert source and f"script-src {source[1]}" in page and "data-lang=&#34;ro&#34;" in page
    assert sites.key_of(shop) in page and (await olga.get(source[2])).status_code == 200
    preview = (await olga.get("/admin/sites/shop/preview?lang=ro")).text
    assert f'<script src="{source[2]}" integrity="sha384-' in preview and "Preview: The shop" in preview


async def test_a_secret_is_shown_once_and_counts(shop: Site, olga: Browser) -> None:
    made = await olga.post("/admin/sites/shop/secret")
    secret = re.search(r"ss_[\w-]{43}", made.text)
    assert made.status_code == 200 and secret and secret[0] not in (await olga.get("/admin/sites/shop")).text
    assert await sites.links.read(shop, token(secret[0], email=ANA)) is not None


async def test_a_site_that_was_not_published_says_what_is_missing(shop: Site, olga: Browser, tmp_path: Path) -> None:
    policies_of_shop(tmp_path, text=SHOP + SHOP.replace("[shop", "[other").replace("{origins}", '["https://other.example.com"]'))
    settings.use(replace(settings.get()))
    assert "have not been published yet" in (await olga.get("/admin/sites/other")).text
