"""Customers whom the site names on its tag: the browser's signal is for each of them, what one said is not the next one's."""

import base64
import json

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import portal_command
from tests.journeys.steps import eventually
from tests.sites.shops import token
from tests.widget.conftest import Visit, Way, in_policies, sent
from tests.widget.site import TEXT, Shop
from tests.widget.test_script_honest import remembered
from tests.widget.test_script_signals import SIGNAL, answers

YES, BACK = "Yes to all", "Your Privacy Choices"


@pytest.fixture(scope="module")
def secret(shared_way: Way) -> str:
    with in_policies(shared_way.portal.var):
        return portal_command(shared_way.portal.var, "sites", "secret", "shop").stdout.strip().splitlines()[-1]


def _visit_as(page: Page, way: Way, shop: Shop, secret: str, email: str) -> None:
    shop.tag = way.tag(f'data-link="{token(secret, email=email)}"')
    page.goto(shop.page(TEXT))
    answers(page)
    eventually(lambda: remembered(page, way).get("queue") == [])


def test_the_signal_is_for_every_customer_of_a_browser_and_said_to_each_once(
    way: Way, shop: Shop, visit: Visit, secret: str
) -> None:
    page = visit()
    page.add_init_script(SIGNAL % "true")
    bodies = sent(page)
    _visit_as(page, way, shop, secret, "first@example.com")
    page.get_by_role("button", name=BACK).click()
    page.get_by_role("dialog").get_by_role("button", name=YES).click()
    page.get_by_role("button", name="Allow all the same").click()
    eventually(lambda: remembered(page, way)["queue"] == [] and len(bodies) == 2)
    assert [(body["how"], body["source"]) for body in bodies] == [("signal", None), ("accept", "against-signal")]
    for email in ("second@example.com", "first@example.com", "second@example.com"):
        _visit_as(page, way, shop, secret, email)
    page.wait_for_timeout(200)
    assert [(body["how"], body["answers"], body["device"]) for body in bodies[2:]] == [
        ("signal", {"audiences": False, "partners": False}, None)
    ], "To the second once, without the yes of the first; nothing more to the first."
    told = json.loads(base64.urlsafe_b64decode(bodies[2]["link"].split(".")[0] + "=="))
    assert told["email"] == "second@example.com"
    assert answers(page)["audiences"], "The browser's own answer stays what it was."
    assert "example.com" not in page.evaluate("JSON.stringify(localStorage)")


def test_what_is_said_signed_out_reaches_whoever_signs_in_next(way: Way, shop: Shop, visit: Visit, secret: str) -> None:
    page = visit()
    bodies = sent(page)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    _visit_as(page, way, shop, secret, "third@example.com")
    assert [body["how"] for body in bodies] == ["accept", "accept"] and bodies[1]["link"]
    _visit_as(page, way, shop, secret, "fourth@example.com")
    page.wait_for_timeout(200)
    assert len(bodies) == 2, "One customer's yes was said for another."
