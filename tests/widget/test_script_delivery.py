"""What a visitor said reaches the server once: with storage blocked, the server away or killed, in two tabs, after new texts."""

import contextlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import free_port
from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way, open_portal
from tests.widget.site import TEXT, Shop, script

NO, YES, BACK = "No to all", "Yes to all", "Your Privacy Choices"


def waiting(page: Page, way: Way) -> int:
    """How many words this browser still keeps for the server."""
    found: int = page.evaluate(f"JSON.parse(localStorage['pc1:{way.key}'] ?? '{{}}').queue?.length ?? 0")
    return found


@pytest.fixture
def var(published: Path, tmp_path: Path, the_shop: Shop) -> Iterator[Path]:
    """A portal's things that a test may break."""
    the_shop.clean()
    shutil.copytree(published, tmp_path / "var")
    yield tmp_path / "var"


def test_where_nothing_can_be_stored_the_page_remembers_and_says_so(way: Way, shop: Shop, visit: Visit) -> None:
    page, known = visit(), len(way.decided())
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"
    )
    page.goto(shop.page(TEXT + script("window.ran = true", 'data-purpose="visits"')))
    page.get_by_role("button", name=YES).click()
    page.wait_for_function("window.ran")
    expect(page.get_by_role("status")).to_contain_text("This browser keeps nothing")
    assert page.evaluate("[privacyChoices.get().stored, privacyChoices.get().answers.visits]") == [False, True]
    eventually(lambda: len(way.decided()) == known + 3)


def test_a_no_makes_somebody_recognisable_only_where_the_site_records_refusals(way: Way, shop: Shop, visit: Visit) -> None:
    """The portal's own settings, with the site's wish put in on their way; without it: test_script_asking."""

    def wishing(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"refusals": True})

    page, known = visit(), len(way.decided())
    page.route("**/settings?*", wishing)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=NO).click()
    eventually(lambda: len(way.decided()) == known + 3)
    assert {answer for _, answer in way.decided()[known:]} == {"no"}


def test_what_one_tab_is_told_the_other_follows(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    address = shop.page(TEXT + script("(window.ran ??= []).push(1)", 'data-purpose="visits"'))
    page.goto(address)
    other = page.context.new_page()
    other.goto(address)
    expect(other.get_by_role("button", name=NO)).to_be_visible()
    page.get_by_role("button", name=YES).click()
    other.wait_for_function("window.ran?.length === 1")
    expect(other.get_by_role("button", name=NO)).to_have_count(0)
    eventually(lambda: waiting(page, way) == 0)
    other.get_by_role("button", name=BACK).click()
    other.get_by_role("dialog").get_by_role("button", name=NO).click()
    page.wait_for_function("privacyChoices.get().answers.visits === false")
    eventually(lambda: waiting(other, way) == 0)
    said = dict(way.decided()[-3:])
    assert said == dict.fromkeys(said, "no")


@pytest.mark.parametrize(("button", "visits"), [(NO, False), (YES, True)])
def test_a_tab_that_had_read_before_writes_over_no_answer(way: Way, shop: Shop, visit: Visit, button: str, visits: bool) -> None:
    """Two tabs that write in one moment: the second has not seen what the first has just written."""
    page, key = visit(), f"pc1:{way.key}"
    page.route("**/choices", lambda route: route.abort())
    page.goto(shop.page(TEXT))
    other = page.context.new_page()
    other.goto(shop.address + "/w/v1/nothing")  # the shop's own storage, without the script
    page.get_by_role("button", name=button).click()
    said = page.evaluate(f"localStorage['{key}']")
    other.evaluate(f'localStorage[\'{key}\'] = \'{{"at": 1, "answers": {{}}, "queue": []}}\'')
    page.wait_for_function(f"localStorage['{key}'] === {json.dumps(said)}")
    assert waiting(page, way) == 1
    page.reload()
    page.wait_for_function(f"privacyChoices.get().answers.visits === {json.dumps(visits)}")
    expect(page.get_by_role("button", name=button)).to_have_count(0)


def test_a_page_that_stumbles_over_what_it_is_told_goes_on_delivering(way: Way, shop: Shop, visit: Visit) -> None:
    page, sent = visit(), list[str]()

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(json={"answers": {}}, headers={"access-control-allow-origin": "*"})

    page.route("**/choices", refuse)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).wait_for()
    page.evaluate("""
        let updates = 0; const push = dataLayer.push;
        dataLayer.push = (...all) => {
            if (all[0][1] === 'update' && ++updates === 2) throw new Error("the shop's own");
            return push.apply(dataLayer, all);
        };
        addEventListener('unhandledrejection', event => { event.preventDefault(); window.stumbled = true; });
    """)
    page.get_by_role("button", name=YES).click()
    page.wait_for_function("window.stumbled")
    page.evaluate("privacyChoices.set({ visits: false })")
    eventually(lambda: len(sent) == 2)
    assert json.loads(sent[1])["answers"] == {"visits": False}


def test_who_is_asked_to_wait_for_months_asks_again_in_minutes_and_not_at_once(way: Way, shop: Shop, visit: Visit) -> None:
    """More than a browser's timer can count: it would run out at once, again and again."""
    page, sent = visit(), list[str]()
    headers = {"retry-after": "3000000", "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after"}

    def later(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=503, headers=headers)

    page.clock.install()
    page.route("**/choices", later)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=NO).click()
    eventually(lambda: len(sent) == 1)
    page.clock.run_for(10_000)
    page.wait_for_timeout(300)
    assert len(sent) == 1
    page.clock.run_for(300_000)
    eventually(lambda: len(sent) == 2)


def test_a_page_whose_server_is_away_works_and_delivers_later(way: Way, shop: Shop, visit: Visit) -> None:
    """The shop passes /w/ on, to nowhere for a while. The script itself lies in the browser's cache."""
    page, known, shop.tag = visit(), len(way.decided()), way.tag(own=True)
    page.goto(shop.page(TEXT + script("(window.ran ??= []).push(1)", 'data-purpose="visits"')))
    page.get_by_role("button", name=YES).wait_for()
    shop.portal = "http://127.0.0.1:9"
    page.route("**/settings?*", lambda route: route.continue_())  # past the browser's cache, as after five minutes
    page.get_by_role("button", name=YES).click()
    page.wait_for_function("window.ran?.length === 1")
    page.reload()
    expect(page.locator("p")).to_be_visible()
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran ?? null") is None, "Without settings something ran."
    assert (waiting(page, way), len(way.decided())) == (1, known)
    shop.portal = way.portal.address
    page.reload()
    eventually(lambda: waiting(page, way) == 0)
    assert len(way.decided()) == known + 3
    assert page.evaluate("privacyChoices.get().answers.visits")


@pytest.mark.parametrize(
    "other", ['{"type": "about:blank", "title": "Too many requests"}', "<title>Sign in to this network</title>", "null"]
)
def test_what_are_no_settings_asks_nothing_and_they_are_fetched_again(way: Way, shop: Shop, visit: Visit, other: str) -> None:
    page = visit()
    page.clock.install()
    page.route("**/settings?*", lambda route: route.fulfill(body=other, headers={"access-control-allow-origin": "*"}))
    with page.expect_response("**/settings?*"):
        page.goto(shop.page(TEXT + script("window.ran = 1", 'data-purpose="visits"')))
    page.wait_for_timeout(100)
    assert page.evaluate("[document.querySelector('html > div'), window.ran ?? null]") == [None, None]
    page.unroute("**/settings?*")
    page.clock.run_for(20_000)
    expect(page.get_by_role("button", name=YES)).to_be_visible()


def test_an_answer_whose_reply_is_lost_is_recorded_once(way: Way, shop: Shop, visit: Visit) -> None:
    page, known, shop.tag = visit(), len(way.decided()), way.tag(own=True)
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).wait_for()
    shop.lost = 1
    page.get_by_role("button", name=YES).click()
    eventually(lambda: shop.lost == 0 and len(way.decided()) == known + 3)
    assert waiting(page, way) == 1, "The browser cannot know yet."
    page.reload()
    eventually(lambda: waiting(page, way) == 0)
    assert len(way.decided()) == known + 3


@pytest.mark.deep
def test_new_texts_are_asked_again_and_the_page_says_what_changed(var: Path, shop: Shop, visit: Visit) -> None:
    early, late = visit(), visit()
    with open_portal(var) as way:
        shop.tag = way.tag()
        for page in (early, late):
            page.goto(shop.page(TEXT))
            page.get_by_role("button", name=YES).wait_for()
        early.get_by_role("button", name=YES).click()
        eventually(lambda: waiting(early, way) == 0)
        told = len(way.decided())
        words = (var / "policies" / "sites.toml").read_text()
        (var / "policies" / "sites.toml").write_text(
            words.replace("The shop works", "Partners see your visits now. The shop works")
        )
        done = way.portal.command("publish", "--yes", "--material", "--why", "Our partners see your visits.")
        assert done.returncode == 0, done.stdout + done.stderr
        time.sleep(1.1)  # so long the portal believes what it has read
        late.get_by_role("button", name=YES).click()  # the old words are still on its screen
        expect(late.get_by_role("region", name="May we?")).to_contain_text("Partners see your visits now.")
        assert len(way.decided()) == told, "A yes to old words counted."
        early.route("**/settings?*", lambda route: route.continue_())  # past the browser's cache, as after five minutes
        early.reload()
        expect(early.get_by_role("region", name="May we?")).to_contain_text("What changed: Our partners see your visits.")
        assert early.evaluate("privacyChoices.get().answers.visits") is False
        early.get_by_role("button", name=YES).click()
        eventually(lambda: waiting(early, way) == 0)
        assert early.evaluate("privacyChoices.get().answers.visits")


def _choices_under_fire(var: Path, shop: Shop, visit: Visit, number: int, kills: int) -> None:
    """Answers in a random rhythm while the server is killed at random: all arrive, in order, each once."""
    chance, port, said = random.Random(number), free_port(), 0
    page = visit()
    with contextlib.ExitStack() as living:
        way = living.enter_context(open_portal(var, port))
        shop.tag = way.tag()
        page.goto(shop.page(TEXT))
        page.get_by_role("button", name=YES).wait_for()
        for turn in range(kills + 1):
            for _ in range(number // (kills + 1)):
                said += 1
                page.evaluate(f"privacyChoices.set({{visits: {str(said % 2 == 1).lower()}, audiences: true}})")
                page.wait_for_timeout(chance.randrange(40))
            if turn < kills:
                os.kill(way.portal.process.pid, signal.SIGKILL)
                way.portal.process.wait()
                living.pop_all().close()
                page.evaluate("privacyChoices.set({visits: false, audiences: true})")
                said += 1
                way = living.enter_context(open_portal(var, port))
        page.evaluate("dispatchEvent(new Event('online'))")
        eventually(lambda: waiting(page, way) == 0, 30)
        answers = [answer for purpose, answer in way.decided() if purpose == "visits"]
        assert len(answers) == said, f"{said} choices were made, {len(answers)} were recorded."
        assert (answers[-1] == "yes") == page.evaluate("privacyChoices.get().answers.visits")


def test_no_choice_is_lost_or_doubled_when_the_server_is_killed(var: Path, shop: Shop, visit: Visit) -> None:
    _choices_under_fire(var, shop, visit, number=20, kills=1)


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_no_choice_of_many_is_lost_or_doubled_when_the_server_is_killed(var: Path, shop: Shop, visit: Visit) -> None:
    _choices_under_fire(var, shop, visit, number=200, kills=12)
