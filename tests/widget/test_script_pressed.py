"""A press is answered honestly: the order of the presses counts and no browser's clock, and what came out otherwise is said."""

import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way
from tests.widget.site import TEXT, Shop, script
from tests.widget.test_script_honest import _say_elsewhere, remembered
from tests.widget.test_script_signals import answers

NO, YES, BACK = "No to all", "Yes to all", "Your Privacy Choices"
UNLIKE = "Not everything you allowed counts"


def press(page: Page, way: Way, button: str) -> None:
    """In the choices, and until the portal has it."""
    page.get_by_role("button", name=BACK).click()
    page.get_by_role("dialog").get_by_role("button", name=button).click()
    eventually(lambda: remembered(page, way)["queue"] == [])


@pytest.mark.parametrize("minutes", [-7, 7], ids=["slow", "fast"])
def test_a_yes_after_a_no_counts_whatever_the_browsers_clock_shows(way: Way, shop: Shop, visit: Visit, minutes: int) -> None:
    page = visit()
    page.clock.set_system_time(time.time() + minutes * 60)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    for button, expected in ((NO, "no"), (YES, "yes"), (NO, "no"), (YES, "yes")):
        press(page, way, button)
        assert answers(page)["visits"] is (expected == "yes")
        assert dict(way.decided())["visits"] == expected
    _say_elsewhere(way, shop.address, remembered(page, way)["device"])
    press(page, way, YES)
    assert answers(page)["visits"] is True
    expect(page.get_by_role("status").first).not_to_contain_text(UNLIKE)


def _yes_without_a_portal_and_a_no_elsewhere(page: Page, way: Way, shop: Shop) -> None:
    """As on a train: what the page shows is what was pressed, until the portal answers."""
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    page.route("**/choices", lambda route: route.abort())
    page.evaluate("privacyChoices.set({visits: true})")
    time.sleep(0.05)
    _say_elsewhere(way, shop.address, remembered(page, way)["device"])
    assert answers(page)["visits"] is True


def test_a_yes_that_arrives_after_a_later_no_is_said_not_to_count(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    _yes_without_a_portal_and_a_no_elsewhere(page, way, shop)
    page.unroute("**/choices")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("status").first).to_contain_text(UNLIKE)
    assert answers(page) == {"visits": False, "audiences": True, "partners": True, "security": True}
    page.get_by_role("status").first.get_by_role("button").click()
    expect(page.get_by_text(UNLIKE)).to_have_count(0)
    press(page, way, YES)
    assert answers(page)["visits"] is True


def test_a_no_and_then_a_yes_while_the_portal_is_away_end_as_a_yes(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    page.route("**/choices", lambda route: route.abort())
    for answer in ("false", "true"):
        page.evaluate(f"privacyChoices.set({{visits: {answer}}})")
        page.wait_for_timeout(20)
    page.unroute("**/choices")
    page.evaluate("dispatchEvent(new Event('online'))")
    eventually(lambda: remembered(page, way)["queue"] == [])
    assert [answer for purpose, answer in way.decided() if purpose == "visits"][-2:] == ["no", "yes"]
    page.wait_for_timeout(100)
    assert answers(page)["visits"] is True and page.get_by_text(UNLIKE).count() == 0


def test_what_came_out_otherwise_is_said_on_the_next_page_too(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    shop.page(TEXT + script("window.ran = 1", 'data-purpose="visits"'))
    _yes_without_a_portal_and_a_no_elsewhere(page, way, shop)
    # Until the next page is there: else this one may hear the answer in its last moment.
    page.on("framenavigated", lambda _frame: page.unroute("**/choices"))
    page.route("**/settings?*", _late)
    page.reload()
    expect(page.get_by_role("status").first).to_contain_text(UNLIKE)
    assert answers(page)["visits"] is False


def _late(route: Route) -> None:
    """Meanwhile the portal answers what the page before had said."""
    answer = route.fetch()
    time.sleep(0.6)
    route.fulfill(response=answer)


def test_a_clock_that_is_set_back_overrules_no_newer_no(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.clock.set_system_time(time.time() + 3_600)
    _yes_without_a_portal_and_a_no_elsewhere(page, way, shop)
    page.clock.set_system_time(time.time())
    page.unroute("**/choices")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("status").first).to_contain_text(UNLIKE)
    assert dict(way.decided())["visits"] == "yes" and answers(page)["visits"] is False
