"""The guard of a site: a page loads from its own hosts, the portal and the declared ones, before a yes as after it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.settings import HOME
from portal.sites import Site, snippet
from tests import browser
from tests.conftest import House
from tests.journeys.conftest import environment
from tests.people import OLGA, go_to_work, hire
from tests.people import Browser as Officer
from tests.sites.shops import SHOP, found_site
from tests.sites.test_scan import scanned
from tests.widget import conftest as widget
from tests.widget import site as shops
from tests.widget.conftest import Way, open_portal
from tests.widget.site import Shop

GUARD = SHOP.replace("sells = true", "sells = true\nguard = true")


def guarded(*hosts: str) -> str:
    """The shop's part of sites.toml, with hosts declared for advertising."""
    names = ", ".join(f'"{each}"' for each in hosts)
    return f"{GUARD}\n[shop.load.audiences]\nnames = [{names}]\n"


async def test_it_names_the_declared_hosts_alone_and_only_where_it_is_wanted(sqlite_house: House, tmp_path: Path) -> None:
    site = await found_site(
        sqlite_house, tmp_path, text=guarded("ads.example.net", "_gcl*", "gclid", "Ads.Example", "maps.example:8443")
    )
    assert site.hosts == ["ads.example.net", "maps.example:8443"]
    found = re.fullmatch(r'<meta http-equiv="Content-Security-Policy" content="default-src ([^";]+)">', snippet(site).guard)
    assert found and found[1].split()[5:] == [*site.origins, "http://127.0.0.1:8000", *site.hosts]
    async with Officer() as olga:
        await go_to_work(olga, await hire(OLGA, "owner"))
        assert "First of all in the head" in (await olga.get("/admin/sites/shop")).text


async def test_without_the_setting_nothing_is_said_of_it(sqlite_house: House, tmp_path: Path) -> None:
    site: Site = await found_site(sqlite_house, tmp_path)
    assert snippet(site).guard == ""


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Shop, Shop]]:
    """One that is declared for advertising, and one that nobody declared."""
    with shops.opened() as declared, shops.opened() as other:
        yield declared, other


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, hosts: tuple[Shop, Shop]) -> Iterator[tuple[Way, Shop]]:
    """A portal and the shop, which has the guard and the tag as the command prints them."""
    var = tmp_path_factory.mktemp("guard") / "var"
    var.mkdir()
    with shops.opened() as shop, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHROMIUM", browser.path() or "")
        patch.setattr(widget, "SHOP", guarded(hosts[0].address.removeprefix("http://")))
        widget.publish_shop(var, shop.address)
        with open_portal(var) as way:
            shop.portal, shop.tag = way.portal.address, printed_guard(way) + way.tag()
            yield way, shop


def printed_guard(way: Way) -> str:
    """The first line of the snippet, as the command prints it beside the server."""
    command = [sys.executable, "-m", "portal.cli", "sites", "snippet", "shop"]
    settings = environment(way.portal.var, int(way.portal.address.rpartition(":")[2]))
    return subprocess.run(command, cwd=HOME, env=settings, capture_output=True, text=True, check=True).stdout.splitlines()[0]


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with browser.opened() as chromium:
        yield chromium


def loads(declared: Shop, other: Shop) -> str:
    """A page that loads in every way from a host that nobody declared, and from a declared one when that was allowed."""
    at = other.address
    return (
        f"<link rel='stylesheet' href='{at}/style.css'><script src='{at}/parsed.js'></script><img src='{at}/pixel'>"
        f"<iframe src='{at}/film'></iframe><script>document.cookie = 'own=1';"
        f" const late = document.createElement('script'); late.src = '{at}/late.js'; document.body.append(late);"
        f" fetch('{at}/fetched').catch(() => 0); navigator.sendBeacon('{at}/beacon'); new Image().src = '{at}/image';"
        f" import('{at}/module.js').catch(() => 0)</script>"
        f"<script type='text/plain' data-purpose='audiences' src='{declared.address}/ads.js'></script>"
        f"<template data-purpose='audiences'><script src='{at}/allowed.js'></script></template>"
    )


def test_what_nobody_declared_stays_out_before_a_yes_and_after_it(
    way: tuple[Way, Shop], hosts: tuple[Shop, Shop], chromium: Browser
) -> None:
    (portal, shop), (declared, other) = way, hosts
    page: Page = chromium.new_context(locale="en-GB").new_page()
    page.goto(shop.page(loads(declared, other)))
    expect(page.get_by_role("button", name="No to all")).to_be_visible()
    page.wait_for_timeout(300)
    assert other.seen == [] == declared.seen and page.evaluate("document.cookie") == "own=1"
    page.get_by_role("button", name="Yes to all").click()
    page.wait_for_function("window.ran?.includes('/ads.js')")
    page.wait_for_function("privacyChoices.get().proof")
    page.reload()
    page.wait_for_function("window.ran?.includes('/ads.js')")
    assert other.seen == [], "What nobody declared was loaded after a yes to something else."
    assert len(portal.decided()) == 3
    tag, shop.tag = shop.tag, portal.tag()
    page.reload()
    page.wait_for_function("window.ran?.includes('/allowed.js')")
    assert {"/parsed.js", "/late.js", "/pixel", "/film", "/fetched", "POST /beacon"} <= set(other.seen)
    shop.tag = tag


def test_a_scan_shows_the_officer_what_was_kept_out(way: tuple[Way, Shop], hosts: tuple[Shop, Shop]) -> None:
    (portal, shop), (declared, other) = way, hosts
    host = other.address.removeprefix("http://")
    found, _pages, printed = scanned(portal, shop.page(loads(declared, other), "/scanned"))
    kept_out = found["host", host]
    assert (kept_out.when, kept_out.fault, kept_out.purposes) == ((), False, ())
    assert f"kept out  Request to another host  {host}  not declared" in printed
    assert found["host", declared.address.removeprefix("http://")].purposes == ("audiences",)
