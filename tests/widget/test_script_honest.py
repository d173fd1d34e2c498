"""The script says for a visitor only what they said: not more, not later, not to another text, and never less than a no."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way, sent
from tests.widget.site import TEXT, Shop, script
from tests.widget.test_script_signals import SIGNAL, answers

NO, YES, BACK = "No to all", "Yes to all", "Your Privacy Choices"
FILLED = """() => {
    let words = 'x'.repeat(1 << 20), number = 0;
    while (words) try { localStorage['f' + number++] = words } catch { words = words.slice(words.length / 2 + 1) }
}"""


def settle_as(page: Page, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The portal's own settings, changed on their way: a site of the tests has one set only."""

    def passing(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(response=answer, json=told | changed(told))

    page.route("**/settings?*", passing)


def remembered(page: Page, way: Way) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate(f"localStorage['pc1:{way.key}'] ?? '{{}}'"))
    return found


def test_signing_in_brings_what_was_said_when_it_was_said_and_nothing_that_lapsed(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.clock.set_system_time("2026-11-01T10:00:00Z")
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: page.evaluate("privacyChoices.get().proof"))
    before = remembered(page, way)
    page.clock.set_system_time("2026-11-20T10:00:00Z")
    shop.tag = way.tag('data-link="signed-in"')
    lapsed = page.context.new_page()
    settle_as(lapsed, lambda told: {"material": 2, "edition": told["edition"].replace("@1/", "@2/"), "changed": "More."})
    bodies = sent(lapsed)
    lapsed.goto(shop.page(TEXT))
    expect(lapsed.get_by_role("region", name="May we?")).to_contain_text("More.")
    lapsed.wait_for_timeout(200)
    assert bodies == [], "A yes to the old text was said again to the new one."
    lapsed.close()
    bodies = sent(page)
    page.reload()
    eventually(lambda: not remembered(page, way)["queue"] and bodies)
    assert [(body["how"], body["said_at"][:10], body["edition"]) for body in bodies] == [
        ("accept", "2026-11-01", before["edition"])
    ]
    kept = remembered(page, way)
    assert [kept[name] for name in ("at", "how", "edition")] == [before[name] for name in ("at", "how", "edition")]


def test_a_no_outlives_the_news_that_its_text_is_old(way: Way, shop: Shop, visit: Visit) -> None:
    shop.tag = way.tag('data-region="US-CA"')
    page = visit()
    old = json.dumps({"type": "about:blank", "status": 409, "edition": "site-shop@2/en"})
    page.route("**/choices", lambda route: route.fulfill(status=409, body=old, headers={"access-control-allow-origin": "*"}))
    page.goto(shop.page(TEXT))
    answers(page)
    page.evaluate("privacyChoices.set({visits: true, audiences: false})")
    eventually(lambda: remembered(page, way).get("queue") == [])
    page.wait_for_timeout(100)
    assert answers(page)["audiences"] is False
    assert remembered(page, way)["answers"] == {"audiences": False}


def test_always_this_part_says_nothing_of_others_and_takes_two_steps_under_the_signal(way: Way, shop: Shop, visit: Visit) -> None:
    frame = '<iframe data-purpose="audiences" data-src="/film" title="Film"></iframe>'
    page = visit()
    bodies = sent(page)
    page.goto(shop.page(TEXT + frame))
    shop.page("A film.", "/film")
    page.get_by_role("region", name="Film").get_by_role("button", name="Always show such parts").click()
    eventually(lambda: page.evaluate("1") and bodies)
    assert bodies[0]["answers"] == {"audiences": True}
    expect(page.get_by_role("button", name=NO)).to_be_visible()
    page = visit()
    page.add_init_script(SIGNAL % "true")
    page.goto(shop.page(TEXT + frame))
    eventually(lambda: remembered(page, way).get("queue") == [])
    bodies = sent(page)
    page.get_by_role("region", name="Film").get_by_role("button", name="Always show such parts").click()
    expect(page.get_by_role("button", name="Allow all the same")).to_be_visible()
    assert (bodies, answers(page)["audiences"]) == ([], False)
    page.get_by_role("button", name="Allow all the same").click()
    eventually(lambda: page.evaluate("1") and bodies)
    assert (bodies[0]["answers"], answers(page)["audiences"]) == ({"audiences": True}, True)


def test_a_no_that_finds_no_room_leaves_no_old_yes_standing(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    page.route("**/choices", lambda route: route.abort())
    page.evaluate(FILLED)
    page.reload()
    assert answers(page)["visits"] is True, "What stands there was not read because nothing could be added."
    page.evaluate("privacyChoices.set({visits: false, audiences: false, partners: false})")
    page.reload()
    assert answers(page)["visits"] is False


def test_a_yes_that_ended_between_two_pages_clears_what_it_left(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    page.evaluate("document.cookie = '_ga_1=1; path=/'; localStorage.visits = 1")
    settle_as(page, lambda told: {"material": 2})
    page.reload()
    assert answers(page)["visits"] is False
    assert page.evaluate("[document.cookie, localStorage.visits ?? null]") == ["", None]


def test_a_no_said_elsewhere_counts_here_at_the_next_visit_and_is_looked_up_once_an_hour(
    way: Way, shop: Shop, visit: Visit
) -> None:
    page, asked = visit(), []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/standing") else None)
    shop.page(TEXT + script("localStorage.ran = Number(localStorage.ran ?? 0) + 1", 'data-purpose="visits"'))
    page.goto(shop.address)
    page.get_by_role("button", name=YES).click()
    eventually(lambda: page.evaluate("localStorage.ran === '1'") and remembered(page, way)["queue"] == [])
    page.route("**/standing", lambda route: route.abort())
    page.reload()
    eventually(lambda: page.evaluate("localStorage.ran === '2'") and asked)
    assert answers(page)["visits"] is True, "While nobody can tell, the yes stands."
    page.unroute("**/standing")
    _say_elsewhere(way, shop.address, remembered(page, way)["device"])
    page.reload()
    eventually(lambda: answers(page)["visits"] is False)
    assert answers(page)["audiences"] is True
    ran, looks = page.evaluate("localStorage.ran"), len(asked)
    page.reload()
    assert answers(page)["visits"] is False and page.evaluate("localStorage.ran") == ran and len(asked) == looks
    expect(page.get_by_role("button", name=NO)).to_have_count(0)
    page.evaluate("privacyChoices.set({visits: true})")
    assert answers(page)["visits"] is True
    eventually(lambda: remembered(page, way)["queue"] == [])
    page.clock.set_system_time(time.time() + 7_200)
    page.reload()
    eventually(lambda: page.evaluate("1") and len(asked) > looks)
    assert answers(page)["visits"] is True


def test_a_yes_that_the_portal_does_not_take_does_not_count(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    allowed = {"access-control-allow-origin": "*"}
    page.route("**/choices", lambda route: route.fulfill(status=422, body='{"status": 422}', headers=allowed))
    page.goto(shop.page(TEXT + script("localStorage.ran = 1", 'data-purpose="visits"')))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way).get("queue") == [])
    eventually(lambda: answers(page)["visits"] is False)
    page.evaluate("delete localStorage.ran")
    page.reload()
    assert answers(page)["visits"] is False
    page.wait_for_timeout(200)
    assert not page.evaluate("localStorage.ran")


def test_a_token_that_the_portal_does_not_take_repeats_nothing_for_an_hour(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way)["queue"] == [])
    shop.tag = way.tag('data-link="wrong"')
    bodies = sent(page)
    for _page in range(3):
        page.reload()
        answers(page)
        eventually(lambda: remembered(page, way)["queue"] == [])
    page.wait_for_timeout(200)
    assert len(bodies) == 1
    page.clock.set_system_time(time.time() + 7_200)
    page.reload()
    eventually(lambda: page.evaluate("1") and len(bodies) == 2)


def test_an_answer_given_while_the_browser_asks_is_the_latest(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    eventually(lambda: remembered(page, way)["queue"] == [])
    _say_elsewhere(way, shop.address, remembered(page, way)["device"])

    def late(route: Route) -> None:
        answer = route.fetch()
        page.evaluate("privacyChoices.set({visits: true})")
        route.fulfill(response=answer)

    page.route("**/standing", late)
    page.reload()
    answers(page)
    page.wait_for_timeout(500)
    assert answers(page)["visits"] is True


def _say_elsewhere(way: Way, origin: str, device: str) -> None:
    """A no of the same person: of the same number, but not in this browser."""
    word = {"id": str(uuid.uuid4()), "edition": "site-shop@1/en", "answers": {"visits": False}, "how": "refuse", "device": device}
    request = urllib.request.Request(
        f"{way.portal.address}/w/v1/{way.key}/choices",
        json.dumps(word).encode(),
        {"content-type": "text/plain", "origin": origin},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["answers"] == {"visits": False}
