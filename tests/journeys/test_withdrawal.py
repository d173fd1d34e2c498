"""A customer withdraws newsletter-by-e-mail: one click, in force at once, told to the newsletter database, in the log."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import eventually, rows, sign_in, somebody

CUSTOMERS = count()


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    return shared_portal


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def browser_page(request: pytest.FixtureRequest, chromium: Browser, portal: Portal) -> Iterator[Page]:
    scripts = request.param == "with JavaScript"
    context = chromium.new_context(base_url=portal.address, locale="en-GB", java_script_enabled=scripts)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def address(browser_page: Page, portal: Portal) -> str:
    """Each test has a customer of its own, signed in."""
    chosen = somebody(portal.var, "language = 'en'", skip=next(CUSTOMERS))[1]
    sign_in(browser_page, chosen)
    return chosen


def test_withdrawing_the_newsletter_is_one_click_and_counts_everywhere(browser_page: Page, address: str, portal: Portal) -> None:
    page = browser_page
    if _newsletter(page).get_attribute("aria-checked") == "false":
        _newsletter(page).click()
    expect(_newsletter(page)).to_have_attribute("aria-checked", "true")
    eventually(lambda: _subscribed(portal, address) == 1)

    _newsletter(page).click()  # the one click
    expect(_newsletter(page)).to_have_attribute("aria-checked", "false")
    page.reload()
    expect(_newsletter(page)).to_have_attribute("aria-checked", "false")
    eventually(lambda: _subscribed(portal, address) == 0, seconds=5)

    page.goto("/preferences/history")
    expect(page.locator(".timeline li").first).to_contain_text("No to: Newsletter")
    _newest_proof_is_in_the_log(page, portal)

    page.goto("/preferences")
    _newsletter(page).click()  # giving takes as many clicks as withdrawing: one
    expect(_newsletter(page)).to_have_attribute("aria-checked", "true")
    eventually(lambda: _subscribed(portal, address) == 1, seconds=5)
    portal.verify_log()


@pytest.mark.usefixtures("address")
def test_a_withdrawal_can_be_taken_back_where_it_was_made(browser_page: Page) -> None:
    page = browser_page
    if _newsletter(page).get_attribute("aria-checked") == "false":
        _newsletter(page).click()
        expect(_newsletter(page)).to_have_attribute("aria-checked", "true")
    _newsletter(page).click()
    expect(_newsletter(page)).to_have_attribute("aria-checked", "false")
    page.get_by_role("button", name="Undo").click()
    expect(_newsletter(page)).to_have_attribute("aria-checked", "true")
    page.reload()
    expect(_newsletter(page)).to_have_attribute("aria-checked", "true")


def _newsletter(page: Page) -> Locator:
    return page.locator("#purpose-newsletter button.switch[id^=newsletter-email-]").first


def _subscribed(portal: Portal, address: str) -> int | None:
    sql = "SELECT active FROM subscription WHERE email = ? AND list = 'newsletter'"
    found = rows(portal.var / "demo" / "newsletter.db", sql, address)
    return int(found[0][0]) if found else None


def _newest_proof_is_in_the_log(page: Page, portal: Portal) -> None:
    """The customer's own copy of the proof, checked by the command line against the log's key."""
    with page.expect_navigation():
        page.locator("a[href^='/receipts/']").first.click()
    with page.expect_download() as loading:
        page.get_by_role("link", name="Download the proof").click()
    receipt = portal.var / "receipt.txt"
    loading.value.save_as(receipt)
    done = portal.command("audit", "verify", str(receipt))
    assert done.returncode == 0, done.stdout + done.stderr
