"""What a site's pages really set: judged beside sites.toml, found by a real browser, kept without a value, shown to officers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portal import audit, db
from portal.lib.errors import Invalid, Unavailable
from portal.settings import HOME
from portal.sites import Site, inventory, scan
from portal.sites.inventory import BEFORE, NO, READY, YES, Finding, Look, Thing
from tests import browser
from tests.conftest import House
from tests.journeys.conftest import environment
from tests.people import OLGA, Browser, go_to_work, hire
from tests.sites.shops import SHOP, found_site
from tests.widget import site as shops
from tests.widget.conftest import Way, open_portal, publish_shop
from tests.widget.site import Shop

PAGE = "https://shop.example.com/"
NEEDED, EVERY = frozenset({"security"}), frozenset({"visits", "audiences", "partners", "security"})
LOAD = SHOP + '\n[shop.load.security]\nnames = ["basket", "maps.example"]\n'


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path, text=LOAD)


def looks(allowed_before: frozenset[str] = NEEDED, **found: set[Thing]) -> list[Look]:
    """Three looks at the first page: what was there before a choice, after a no, after a yes."""
    allowed = {BEFORE: allowed_before, NO: NEEDED, YES: EVERY}
    return [Look(PAGE, when, READY, allowed[when], frozenset(found.get(when, ()))) for when in (BEFORE, NO, YES)]


GA, KEY, PIXEL = (
    Thing("cookie", "_ga_1", "shop.example.com"),
    Thing("local", "visits", "shop.example.com"),
    Thing("host", "pixel.example", "pixel.example"),
)


async def judged(site: Site, thing: Thing, when: str, allowed_before: frozenset[str] = NEEDED) -> Finding:
    [finding] = inventory.judge(site, looks(allowed_before, **{each: {thing} for each in when.split()}))
    assert finding.when == tuple(when.split())
    return finding


@pytest.mark.parametrize(
    ("thing", "when", "purposes", "fault"),
    [
        (GA, "yes", ("visits",), False),
        (GA, "before yes", ("visits",), True),
        (GA, "no", ("visits",), True),
        (replace(GA, name="ga"), "yes", (), False),
        (replace(GA, name="ga"), "before", (), True),
        (KEY, "yes", ("visits",), False),
        (replace(KEY, kind="session"), "yes", (), False),  # declared for the other storage
        (replace(KEY, kind="cookie"), "yes", (), False),
        (PIXEL, "before no yes", (), True),
        (Thing("cookie", "basket", "shop.example.com"), "before no yes", ("security",), False),
        (Thing("frame", "maps.example", "maps.example"), "before no yes", ("security",), False),
    ],
)
async def test_what_no_purpose_in_force_allows_is_a_fault(
    shop: Site, thing: Thing, when: str, purposes: tuple[str, ...], fault: bool
) -> None:
    finding = await judged(shop, thing, when)
    assert (finding.purposes, finding.fault, finding.blocked) == (purposes, fault, when == "yes")


async def test_where_the_law_lets_it_run_it_is_no_fault_before_a_choice_but_after_a_no(shop: Site) -> None:
    assert not (await judged(shop, GA, "before yes", frozenset({"visits"}))).fault
    assert (await judged(shop, GA, "before no yes", frozenset({"visits"}))).fault


async def test_faults_come_first_with_the_page_that_has_them(shop: Site) -> None:
    other = [replace(each, page=PAGE + "basket") for each in looks(no={GA}, yes={GA})]
    found = inventory.judge(shop, [*looks(yes={GA, PIXEL, KEY}), *other])
    assert [(each.name, each.fault, each.page) for each in found] == [
        ("_ga_1", True, PAGE + "basket"),
        ("pixel.example", False, PAGE),
        ("visits", False, PAGE),
    ]


STRANGE = [
    *("https://evil.example/?q=ana%40example.com", "http://shop.example.com/", "https://shop.example.com:8443/", "/basket", ""),
    *("https://shop.example.com@evil.example/", "https://shop.example.com.evil.example/", "file:///etc/passwd"),
    *("javascript:alert(1)", "https://evil.example\\@shop.example.com/", "https://[", "https://shop.example.com:x/"),
]


@pytest.mark.parametrize("address", STRANGE)
async def test_only_a_page_of_the_site_is_opened(shop: Site, address: str) -> None:
    with pytest.raises(Invalid, match=r"its pages begin with: https://shop\.example\.com") as refused:
        await scan.scan(shop, [PAGE, address], by="system")
    assert "ana" not in refused.value.sentence
    assert await inventory.latest(shop) is None


async def test_a_page_of_the_site_may_name_the_usual_port(shop: Site) -> None:
    assert scan.page_of(shop, "https://SHOP.example.com:443/a?b#c") == "https://SHOP.example.com:443/a?b#c"
    assert scan.without_query("https://shop.example.com/a?b#c") == "https://shop.example.com/a"


async def test_without_playwright_it_says_what_to_type(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(Unavailable, match=r"pip install '\.\[test\]'"):
        await scan.scan(shop, [], by="system")


async def test_without_chromium_it_says_what_to_type(shop: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(Unavailable, match="CHROMIUM=/usr/bin/chromium"):
        await scan.scan(shop, [], by="system")
    assert await inventory.latest(shop) is None


async def test_the_latest_ten_are_kept_and_the_record_has_numbers_alone(house: House, tmp_path: Path) -> None:
    site = await found_site(house, tmp_path)
    for number in range(12):
        await inventory.keep(site, [(f"{PAGE}{number}", READY)], inventory.judge(site, looks(no={GA, PIXEL})), by="system")
    await inventory.keep(replace(site, name="other"), [], [], by="system")
    kept = await db.rows("SELECT pages FROM site_scan WHERE site = 'shop' ORDER BY id")
    assert [json.loads(each["pages"])[0][0] for each in kept] == [f"{PAGE}{number}" for number in range(2, 12)]
    latest = await inventory.latest(site)
    assert latest and latest.pages == ((f"{PAGE}11", READY),) and (latest.faults, latest.undeclared) == (2, 1)
    entries = await audit.search(event="site.scanned", object="site:shop")
    assert len(entries) == 12 and "_ga" not in repr(entries) and "pixel.example" not in repr(entries)
    assert (entries[0].actor, entries[0].count) == ("system", 2)


async def test_an_officer_sees_what_was_found(shop: Site) -> None:
    async with Browser() as olga:
        await go_to_work(olga, await hire(OLGA, "owner"))
        assert "Not looked at yet." in (await olga.get("/admin/sites/shop")).text
        strange = Thing("session", "<b>x</b>", "shop.example.com")
        found = inventory.judge(shop, looks(no={GA}, yes={GA, PIXEL, strange}))
        await inventory.keep(shop, [(PAGE, inventory.MISSING)], found, by="system")
        page = (await olga.get("/admin/sites/shop")).text
    assert f"{PAGE} <strong>Our script is not on this page.</strong>" in page and "1 thing runs though nobody allowed it." in page
    assert "after a no, after a yes" in page and "runs without a yes</span>" in page and "&lt;b&gt;x&lt;/b&gt;" in page
    assert page.index("_ga_1") < page.index("pixel.example") and "<strong>not declared</strong>" in page


@pytest.fixture(scope="module")
def third() -> Iterator[Shop]:
    """Somebody else's host."""
    with shops.opened() as shop:
        yield shop


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Way, Shop]]:
    """A portal, and the shop that has its tag; the command looks through the tests' Chromium."""
    var = tmp_path_factory.mktemp("scan") / "var"
    var.mkdir()
    with shops.opened() as shop, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHROMIUM", browser.path() or "")
        publish_shop(var, shop.address)
        with open_portal(var) as way:
            shop.portal, shop.tag = way.portal.address, way.tag()
            yield way, shop


def scan_command(way: Way, *addresses: str) -> subprocess.CompletedProcess[str]:
    """Beside the server, whose address it knows: what pages have from there is our own."""
    command = [sys.executable, "-m", "portal.cli", "sites", "scan", "shop", *addresses]
    settings = environment(way.portal.var, int(way.portal.address.rpartition(":")[2]))
    return subprocess.run(command, cwd=HOME, env=settings, capture_output=True, text=True, timeout=100, check=False)


def scanned(way: Way, *addresses: str) -> tuple[dict[tuple[str, str], Finding], list[list[str]], str]:
    """Of `portal sites scan`: findings by kind and name, each page with what was seen of our script, and what was printed."""
    done = scan_command(way, *addresses)
    assert done.returncode == 0, done.stdout + done.stderr
    [(pages, findings)] = way.rows("SELECT pages, findings FROM site_scan ORDER BY id DESC LIMIT 1")
    tuples = [{**each, "when": tuple(each["when"]), "purposes": tuple(each["purposes"])} for each in json.loads(findings)]
    found = [Finding(**each) for each in tuples]
    return {(each.kind, each.name): each for each in found}, json.loads(pages), done.stdout


def held(words: str) -> str:
    return shops.script(words, 'data-purpose="visits"')


def test_a_browser_finds_what_runs_and_what_waits(way: tuple[Way, Shop], third: Shop) -> None:
    portal, shop = way
    elsewhere = third.address.replace("127.0.0.1", "localhost")
    page = shop.page(
        "<script>document.cookie = 'early=secret-1'; localStorage.setItem('early-key', 'secret-2')</script>"
        f"<img src='{third.address}/pixel?who=secret-3'><iframe src='{elsewhere}/film?secret-4' title='Film'></iframe>"
        + held("document.cookie = '_ga=secret-5'; localStorage.setItem('visits', 'secret-6'); sessionStorage.setItem('late', 1)")
        + f"<template data-purpose='audiences'><img src='{elsewhere}/held'></template>",
        "/both",
    )
    found, pages, printed = scanned(portal, page + "?secret-7")
    own, other, framed = "127.0.0.1", third.address[7:], elsewhere[7:]
    at = shop.address[7:]
    assert pages == [[page, "ready"]]
    assert {key: (each.host, " ".join(each.when), each.purposes, each.fault) for key, each in found.items()} == {
        ("cookie", "early"): (own, "before no yes", (), True),
        ("local", "early-key"): (at, "before no yes", (), True),
        ("host", other): (other, "before no yes", (), True),
        ("frame", framed): (framed, "before no yes", (), True),
        ("cookie", "_ga"): (own, "yes", ("visits",), False),
        ("local", "visits"): (at, "yes", ("visits",), False),
        ("session", "late"): (at, "yes", (), False),
        ("host", framed): (framed, "yes", (), False),
    }
    assert "8 found; 4 run though nobody allowed it, 6 are not declared." in printed
    assert "runs without a yes  Cookie  early  127.0.0.1  before a choice, after a no, after a yes  not declared" in printed
    assert f"blocked  Local storage  visits  {at}  after a yes  visits" in printed
    kept = "".join(str(each) for each in portal.rows("SELECT * FROM site_scan"))
    assert "secret" not in printed + kept
    assert [row[0] for row in portal.rows("SELECT n FROM entry WHERE event = 'site.scanned'")] == [4]
    assert portal.decided() == [] and portal.rows("SELECT * FROM site_count") == []  # nobody answered


def test_a_page_without_the_script_is_said_so_and_scanned(way: tuple[Way, Shop]) -> None:
    portal, shop = way
    page, tag = shop.page("<script>document.cookie = 'early=1'</script>" + held("document.cookie = '_ga=1'"), "/bare"), shop.tag
    shop.tag = ""
    try:
        found, pages, printed = scanned(portal, page)
    finally:
        shop.tag = tag
    assert pages == [[page, "missing"]] and f"{page} Our script is not on this page." in printed
    assert list(found) == [("cookie", "early")]


def test_a_page_that_is_not_there_is_said_and_nothing_kept(way: tuple[Way, Shop]) -> None:
    portal, shop = way
    before = portal.rows("SELECT COUNT(*) FROM site_scan")
    for address, sentence in ((f"{shop.address}/w/v1/none", "answers 404"), (f"{shop.address}/away", "leads to another site")):
        shop.pages["/away"] = f"<script>location = '{portal.portal.address}/healthz'</script>"
        done = scan_command(portal, address)
        assert done.returncode == 1 and sentence in done.stderr, done.stdout + done.stderr
    assert portal.rows("SELECT COUNT(*) FROM site_scan") == before
