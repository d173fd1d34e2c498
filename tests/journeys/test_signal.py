"""A browser that asks not to be sold: the preference centre says what became of that, and a yes takes two presses."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import sign_in, somebody

STOPPED = "Your browser asked us not to sell or share your data. We have stopped."
ASKS = "Your browser asks us not to. Allow it all the same?"


@pytest.fixture
def page(chromium: Browser, shared_portal: Portal) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=shared_portal.address,
        locale="en-GB",
        viewport={"width": 320, "height": 640},
        extra_http_headers={"sec-gpc": "1"},
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    sign_in(page, somebody(shared_portal.var, "language = 'en'", skip=50)[1])
    yield page
    context.close()


def test_the_page_says_that_it_stopped_and_asks_once_more_before_it_allows(page: Page) -> None:
    expect(page.get_by_text(STOPPED)).to_be_visible()
    switch = page.locator("#purpose-audiences [role=switch]").first
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(page.locator("#main").get_by_text(ASKS)).to_be_visible()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="Allow all the same").click()
    expect(switch).to_have_attribute("aria-checked", "true")
    page.reload()
    expect(page.get_by_text("What you allowed all the same stays on until you end it.")).to_be_visible()
    expect(page.locator("#purpose-audiences [role=switch]").first).to_have_attribute("aria-checked", "true")
    page.locator("#purpose-audiences [role=switch]").first.click()
    expect(page.locator("#purpose-audiences [role=switch]").first).to_have_attribute("aria-checked", "false")
