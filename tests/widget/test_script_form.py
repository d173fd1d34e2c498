"""A box in the shop's own form: the words in force, never ticked, sent with the server's note of what was shown."""

import hashlib
import json
import urllib.request
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import expect

from portal.settings import HOME
from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way
from tests.widget.site import Shop

FORM = '<form action="/order"><privacy-choice purpose="{}"></privacy-choice><button>Order</button></form>'


def tag(way: Way) -> str:
    digest = hashlib.sha384((HOME / "portal" / "widget" / "built" / "choice-form.js").read_bytes()).hexdigest()[:16]
    return f'<script src="{way.portal.address}/w/v1/{digest}/choice-form.js" data-site="{way.key}" async></script>'


def test_a_form_sends_a_yes_only_when_ticked_and_always_what_was_shown(way: Way, shop: Shop, visit: Visit) -> None:
    with urllib.request.urlopen(f"{way.portal.address}/w/v1/{way.key}/form/newsletter?lang=ro") as answer:
        words = json.load(answer)
    shop.tag, shop.language = tag(way), "ro"
    page = visit()
    page.goto(shop.page(FORM.format("newsletter")))
    box = page.get_by_role("checkbox", name=words["text"])
    expect(box).not_to_be_checked()
    for ticked in (False, True):
        box.set_checked(ticked)
        page.get_by_role("button", name="Order").click()
        eventually(lambda: any(path.startswith("/order") for path in shop.seen))
        sent = parse_qs(urlsplit(shop.seen[-1] if "order" in shop.seen[-1] else page.url).query)
        assert sent.get("privacy-choice-newsletter") == (["yes"] if ticked else None)
        assert len(sent["privacy-choice"]) == 1 and len(sent["privacy-choice"][0]) > 40
        page.goto(shop.address)


def test_without_words_there_is_no_box_and_what_the_site_put_there_stays(way: Way, shop: Shop, visit: Visit) -> None:
    shop.tag = tag(way)
    given = '<privacy-choice purpose="newsletter"><input type="checkbox" name="privacy-choice-newsletter"> Ours</privacy-choice>'
    page = visit()
    page.goto(shop.page(FORM.format("nothing-of-the-kind") + given))
    page.wait_for_function("!!customElements.get('privacy-choice')")
    page.wait_for_timeout(200)
    assert page.locator("form privacy-choice").inner_html() == ""
    assert page.locator("privacy-choice").last.inner_text().strip() == "Ours"
    page.get_by_role("button", name="Order").click()
    eventually(lambda: "/order?" in page.url or page.url.endswith("/order"))
