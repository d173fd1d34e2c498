"""The first question and the choices behind it: plain, equal, small, and worked by keyboard, in both directions and colours."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way, sent
from tests.widget.site import MOVED, TEXT, Shop

NO, YES, CHOOSE = "No to all", "Yes to all", "Choose"


def seen(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("privacyChoices.get()")
    return found


def test_a_no_is_one_tab_away_is_counted_for_nobody_and_lasts(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    bodies = sent(page)
    page.goto(shop.page(TEXT))
    expect(page.get_by_role("button", name=NO)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=NO)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=NO)).to_have_count(0)
    assert eventually(lambda: bodies and way.reply(bodies[0]["id"]))["proof"] is None, "It made somebody known."
    kept = json.loads(page.evaluate(f"localStorage['pc1:{way.key}']"))
    assert kept["device"] is None, "A plain refusal made somebody recognisable."
    page.reload()
    expect(page.get_by_role("button", name="Your Privacy Choices")).to_be_visible()
    assert page.get_by_role("button", name=NO).count() == 0
    assert seen(page)["answers"] == {"visits": False, "audiences": False, "partners": False, "security": True}
    page.clock.install()
    page.clock.fast_forward(4700 * 3600 * 1000)  # 6.4 months
    page.reload()
    expect(page.get_by_role("button", name=NO)).to_be_visible()


def test_the_three_answers_are_alike(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    looks = [
        page.get_by_role("button", name=name).evaluate(
            "b => { const s = getComputedStyle(b), r = b.getBoundingClientRect();"
            " return [Math.round(r.width), r.height, r.top, s.color, s.backgroundColor, s.font, s.borderColor].join() }"
        )
        for name in (NO, YES, CHOOSE)
    ]
    assert len(set(looks)) == 1, looks


def test_choices_are_made_by_keyboard_and_closing_says_nothing(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=NO).wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.get_by_role("switch", checked=True).count() == 0, "Something was ticked before anybody chose."
    page.get_by_role("switch").first.press("Space")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name=CHOOSE)).to_be_focused()
    assert not seen(page)["answered"]
    assert seen(page)["answers"]["visits"] is False
    page.keyboard.press("Enter")
    page.get_by_role("switch").first.press("Space")
    page.get_by_role("button", name="Save my choice").press("Enter")
    expect(page.get_by_role("button", name="Your Privacy Choices")).to_be_focused()
    eventually(lambda: seen(page)["proof"])
    now = seen(page)
    assert now.pop("at")
    proof = now.pop("proof")
    assert now.pop("answers") == {"visits": True, "audiences": False, "partners": False, "security": True}
    said = {"answered": True, "how": "mixed", "edition": "site-shop@1/en", "law": "opt-in"}
    assert now == said | {"signal": False, "stored": True, "mode": ""}
    page.goto(proof)
    expect(page.locator("main")).to_contain_text("yes", ignore_case=True)


def test_it_takes_two_fifths_of_a_small_screen_moves_nothing_and_prints_nothing(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit(viewport={"width": 320, "height": 640})
    page.add_init_script(
        MOVED + "window.largest = null;"
        "new PerformanceObserver(l => l.getEntries().forEach(e => largest = e.element))"
        ".observe({type: 'largest-contentful-paint', buffered: true});"
    )
    page.goto(shop.page(TEXT * 3))
    card = page.get_by_role("region", name="May we?")
    expect(card).to_be_visible()
    box = card.bounding_box()
    assert box is not None and box["height"] <= 0.4 * 640, box
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.wait_for_function("largest")
    assert page.evaluate("[moved, largest.localName]") == [0, "p"]
    assert page.evaluate("largest.getRootNode() === document"), "The question is the page's largest part."
    page.emulate_media(media="print")
    expect(card).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.deep)])
def test_it_is_accessible_in_both_states(way: Way, shop: Shop, visit: Visit, scheme: Any) -> None:
    page = visit(viewport={"width": 320, "height": 640}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(shop.page("<main><h1>Shop</h1><p>Boots.</p></main>"))
    shop.head = "<style>body { background: white; color: black }</style>"
    page.get_by_role("button", name=NO).wait_for()
    found = {}
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 640})
        found[width, "question"] = _violations(page)
        page.get_by_role("button", name=CHOOSE).click()
        page.get_by_role("dialog").wait_for()
        found[width, "choices"] = _violations(page)
        page.keyboard.press("Escape")
    assert {state: wrong for state, wrong in found.items() if wrong} == {}
    assert "dialog" not in page.locator("body").aria_snapshot()


def _violations(page: Page) -> list[str]:
    rules = {"rules": {"target-size": {"enabled": True}, "region": {"enabled": True}}}
    told = Axe().run(page, options=rules).response
    assert told["passes"], "Nothing was looked at."
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in told["violations"]]


def test_it_reads_from_right_to_left(way: Way, shop: Shop, visit: Visit) -> None:
    """The portal's own settings, turned to Arabic on their way: the company of the tests speaks none."""
    page = visit(viewport={"width": 320, "height": 640})

    def turned(route: Route) -> None:
        answer = route.fetch()
        told = answer.json() | {"language": "ar", "dir": "rtl"}
        told["texts"] |= {"title": "اختيارك", "refuse": "رفض الكل", "accept": "قبول الكل", "more": "اختيار"}
        route.fulfill(response=answer, json=told)

    page.route("**/settings?*", turned)
    page.goto(shop.page(TEXT))
    no, more = page.get_by_role("button", name="رفض الكل"), page.get_by_role("button", name="اختيار")
    first, last = no.bounding_box(), more.bounding_box()
    assert first and last and first["x"] > last["x"]
    more.click()
    title, switch = page.get_by_text("Measuring our website").bounding_box(), page.get_by_role("switch").first.bounding_box()
    assert title and switch and switch["x"] < title["x"] + title["width"] / 2
    assert page.get_by_role("dialog").evaluate("d => getComputedStyle(d).direction") == "rtl"


def test_a_page_of_its_own_style_and_names_changes_nothing(way: Way, shop: Shop, visit: Visit) -> None:
    """Elements that take the names of the document's abilities, and a style sheet that shouts."""
    names = (
        "body",
        "cookie",
        "createElement",
        "currentScript",
        "documentElement",
        "querySelectorAll",
        "activeElement",
        "readyState",
    )
    clobbering = (
        "".join(f'<img name="{name}" alt="">' for name in names) + '<a id="dataLayer"></a><a id="privacyChoicesTest"></a>'
    )
    page = visit()
    shop.head = "<style>* { display: block !important; color: red !important; font-size: 50px !important }</style>" + clobbering
    page.goto(shop.page(TEXT))
    button = page.get_by_role("button", name=YES)
    assert button.evaluate("b => getComputedStyle(b).fontSize") == "15px"
    button.click()
    assert seen(page)["answers"]["visits"] is True
    assert page.evaluate("Array.isArray(window.dataLayer)")
