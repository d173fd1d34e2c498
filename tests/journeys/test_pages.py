"""Every main page, wide and narrow, light and dark: accessible (axe), nothing cut off sideways, and light to load.

`make test` looks crosswise (narrow and light, wide and dark), `make deep` at all four.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.journeys.conftest import Portal
from tests.journeys.steps import ask, officer_signs_in, press, sign_in, somebody

AXE = Axe()
WIDE, NARROW = 1280, 320
Look = tuple[int, Literal["light", "dark"]]
CROSSWISE: list[Look] = [(NARROW, "light"), (WIDE, "dark")]
ALL: list[Look] = [*CROSSWISE, (NARROW, "dark"), (WIDE, "light")]
HEAVIEST = 60_000

FOR_ANYBODY = [
    "/",
    "/promises",
    "/notices",
    "/check",
    "/sign-in",
    "/requests/new",
    "/demo/mailbox",
    "/demo/codes",
    "/admin/sign-in",
    "/no-such-page",
]
FOR_CUSTOMERS = ["/preferences", "/preferences/history", "/requests", "/requests/new", "/looks"]
FOR_OFFICERS = [
    "/admin",
    "/admin/cases",
    "/admin/cases?open=no",
    "/admin/people",
    "/admin/audit",
    "/admin/evidence/new",
    "/admin/autopilot",
]


@pytest.fixture(params=[pytest.param(CROSSWISE, id="crosswise"), pytest.param(ALL, id="all", marks=pytest.mark.deep)])
def looks(request: pytest.FixtureRequest) -> list[Look]:
    found: list[Look] = request.param
    return found


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    return shared_portal


def test_public_pages_are_accessible_and_fit(chromium: Browser, portal: Portal, looks: list[Look]) -> None:
    with _looking(chromium, portal) as page:
        _check(page, FOR_ANYBODY, looks)


def test_pages_of_customers_are_accessible_and_fit(chromium: Browser, portal: Portal, looks: list[Look]) -> None:
    with _looking(chromium, portal) as page:
        address = somebody(portal.var, "language = 'en'")[1]
        sign_in(page, address)
        page.context.clear_cookies()
        request = ask(page, "Get a copy of my data", address)
        _check(page, [*FOR_CUSTOMERS, request], looks)
        page.goto("/requests/new")
        press(page, "Send the request")  # nothing chosen: the page with its error summary
        _check_here(page, "/requests, with errors", looks)
        page.goto("/preferences")
        page.locator("button.switch").first.click()
        page.locator(".saved").first.wait_for()
        _check_here(page, "/preferences, just saved", looks)


def test_pages_of_officers_are_accessible_and_fit(chromium: Browser, portal: Portal, looks: list[Look]) -> None:
    with _looking(chromium, portal) as page:
        officer_signs_in(page, "olga")
        pages = list(FOR_OFFICERS)
        for asked in ("state=triage", "state=reviewing&right=access", "state=reviewing&right=rectification", "state=approving"):
            page.goto(f"/admin/cases?{asked}")
            case = str(page.locator("table.ledger th a").first.get_attribute("href"))
            pages += [case, f"{case}/findings"] if "reviewing" in asked else [case, f"{case}/messages"]
        page.goto("/admin/audit")
        pages.append(str(page.locator("table.ledger th a").first.get_attribute("href")))
        _check(page, pages, looks)
        page.goto("/admin/people")
        page.get_by_label("E-mail address or phone number").fill(somebody(portal.var)[1])
        press(page, "Find")
        _check_here(page, "/admin/people/…", looks)
        page.goto("/admin/audit")
        press(page, "Check the whole record")
        _check_here(page, "/admin/audit/check", looks)


def test_the_page_of_a_map_is_accessible_and_fits(chromium: Browser, portal: Portal, looks: list[Look]) -> None:
    with _looking(chromium, portal) as page:
        officer_signs_in(page, "olga")
        page.goto("/admin/systems/shop/map")
        page.get_by_label("Address").fill(somebody(portal.var)[1])
        press(page, "Count rows")
        for closed in page.locator("details summary").all():
            closed.click()
        _check_here(page, "/admin/systems/shop/map, tried", looks)
        page.get_by_label("The map to work on").fill('[tables.customer]\nlabel = "A"')
        press(page, "Check it")
        _check_here(page, "/admin/systems/shop/map, with faults", looks)


def test_the_first_look_at_a_public_page_is_light(chromium: Browser, portal: Portal) -> None:
    heavy = {}
    for path in ("/", "/promises", "/notices", "/sign-in", "/requests/new", "/check"):
        with _looking(chromium, portal) as page:
            weight = _weight(page, path)
            assert weight > 1000, "Nothing was measured."
            if weight > HEAVIEST:
                heavy[path] = weight
    assert heavy == {}


@contextmanager
def _looking(chromium: Browser, portal: Portal) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(base_url=portal.address, locale="en-GB")
    context.set_default_timeout(30_000)
    try:
        yield context.new_page()
    finally:
        context.close()


def _check(page: Page, paths: list[str], looks: list[Look]) -> None:
    problems: list[str] = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None and answer.status == (404 if path == "/no-such-page" else 200), path
        problems += _problems(page, path, looks)
    assert not problems, "\n".join(problems)


def _check_here(page: Page, name: str, looks: list[Look]) -> None:
    problems = _problems(page, name, looks)
    assert not problems, "\n".join(problems)


def _problems(page: Page, name: str, looks: list[Look]) -> list[str]:
    """Everything folded away is opened first."""
    problems: list[str] = []
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for width, colours in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=colours)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            problems.append(f"{name} is {overflow} pixels wider than {width}.")
        found = AXE.run(page)
        if found.violations_count:
            problems.append(f"{name} at {width}, {colours}: {found.generate_report()}")
    return problems


def _weight(page: Page, path: str) -> int:
    """Bytes over the wire with an empty cache, headers included."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    page.goto(path, wait_until="networkidle")
    return sum(received)
