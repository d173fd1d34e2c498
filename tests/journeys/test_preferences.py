"""Withdrawing is as easy as giving, counted in a browser: by switch, by keyboard alone, by the link of a message."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import press, sign_in, somebody

CUSTOMERS = count(20)
CLICKS = "document.addEventListener('click', () => sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1, true)"


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    return shared_portal


@pytest.fixture
def page(chromium: Browser, portal: Portal) -> Iterator[Page]:
    context = chromium.new_context(base_url=portal.address, locale="en-GB", viewport={"width": 320, "height": 640})
    context.set_default_timeout(30_000)
    page = context.new_page()
    sign_in(page, somebody(portal.var, "language = 'en'", skip=next(CUSTOMERS))[1])
    yield page
    context.close()


def test_giving_and_withdrawing_take_the_same_clicks_on_the_same_page(page: Page) -> None:
    page.add_init_script(CLICKS)
    page.reload()
    page.evaluate("sessionStorage.clear()")
    clicks = []
    for _time in range(2):  # one way and back
        before, was = _clicks(page), _newsletter(page).get_attribute("aria-checked")
        _newsletter(page).click()
        expect(_newsletter(page)).to_have_attribute("aria-checked", "false" if was == "true" else "true")
        assert page.url.endswith("/preferences")
        clicks.append(_clicks(page) - before)
    assert clicks == [1, 1]


def test_the_keyboard_alone_gives_and_withdraws_with_one_key(page: Page) -> None:
    for _time in range(2):
        was = _newsletter(page).get_attribute("aria-checked")
        for _tab in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id.startsWith('newsletter-email-')"):
                break
        page.keyboard.press("Space")
        expect(_newsletter(page)).to_have_attribute("aria-checked", "false" if was == "true" else "true")
        page.reload()


def test_a_break_until_a_chosen_day_wishes_and_history_fit_a_small_telephone(page: Page) -> None:
    page.get_by_label("Or until a day you choose").fill(page.locator("#until").get_attribute("max") or "")
    press(page, "Pause until then")
    expect(page.get_by_text("Advertising is paused.")).to_be_visible()
    press(page, "Start again now")
    page.get_by_label("How often at most").select_option("monthly")
    page.locator("#wishes").get_by_role("button", name="Save").click()
    expect(page.locator("#wishes .saved")).to_have_text("Saved.")
    for path in ("/preferences", "/preferences/history"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    expect(page.locator("#main")).to_contain_text("Your answers")


def _newsletter(page: Page) -> Locator:
    return page.locator("#purpose-newsletter button.switch[id^=newsletter-email-]").first


def _clicks(page: Page) -> int:
    return int(page.evaluate("Number(sessionStorage.clicks || 0)"))
