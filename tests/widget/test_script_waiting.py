"""What waits in a page for a yes: scripts, templates, frames; other tools' marks; Google's cells; and taking a yes back."""

from collections.abc import Callable

from playwright.sync_api import Page, Request, expect

from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way
from tests.widget.site import MOVED, TEXT, Shop, script

NO, YES, CHOOSE = "No to all", "Yes to all", "Choose"
VISITS = 'data-purpose="visits"'


def ran(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.ran ?? []")
    return found


def note(what: str) -> str:
    return f"(window.ran ??= []).push('{what}')"


def test_scripts_run_after_a_yes_once_and_in_the_order_of_the_page(way: Way, shop: Shop, visit: Visit) -> None:
    page, shop.slow = visit(), 0.15
    body = (
        script("", VISITS, 'src="/first.js"')
        + script(note("second"), VISITS)
        + f'<template {VISITS}><script src="/third.js"></script><script>{note("fourth")}</script></template>'
        + script(note("module"), VISITS, 'data-type="module"')
        + script(note("ads"), 'data-purpose="audiences"')
        + script(note("undeclared"), 'data-purpose="something"')
        + script(note("unnamed"), 'data-purpose=""')
    )
    page.goto(shop.page(TEXT + body))
    page.get_by_role("button", name=CHOOSE).click()
    assert ran(page) == []
    page.get_by_role("switch").first.check()
    page.get_by_role("button", name="Save my choice").click()
    expected = ["/first.js", "second", "/third.js", "fourth", "module"]
    page.wait_for_function("window.ran?.length >= 5")
    assert ran(page) == expected
    page.evaluate("privacyChoices.set({visits: true})")
    page.wait_for_timeout(100)
    assert ran(page) == expected
    page.reload()
    page.wait_for_function("window.ran?.length >= 5")
    assert ran(page) == expected


def test_marks_of_other_tools_wait_and_run_also_in_pages_that_a_program_builds(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    marks = ['data-category="visits"', 'data-name="visits"', 'class="optanon-category-visits"', 'data-cookieconsent="statistics"']
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=YES).click()
    page.evaluate("body => { history.pushState({}, '', '/second'); document.body.innerHTML = body }", TEXT + "".join(
        script(note(mark.split("=")[0]), mark) for mark in marks
    ) + script(note("both"), 'class="optanon-category-visits-nothing"'))  # fmt: skip
    page.wait_for_function("window.ran?.length >= 4")
    assert ran(page) == ["data-category", "data-name", "class", "data-cookieconsent"]
    expect(page.get_by_role("button", name="Your Privacy Choices")).to_be_visible()


def test_a_frame_is_shown_once_or_always_and_is_emptied_when_the_yes_is_taken_back(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    frame = '<iframe data-purpose="visits" data-src="/film" width="420" height="236" title="{}"></iframe>'
    page.add_init_script(MOVED)
    page.goto(shop.page(f"<div>{frame.format('One')}</div><div>{frame.format('Two')}</div>{TEXT}"))
    shop.page("A film.", "/film")
    first = page.get_by_role("region", name="One")
    expect(first).to_contain_text("This part needs: Measuring our website.")
    size = first.bounding_box()
    assert size and (size["width"], size["height"]) == (424, 240), "With the frame's own border of 2 pixels."
    assert "/film" not in shop.seen
    first.get_by_role("button", name="Show it this once").click()
    expect(page.frame_locator("[title=One]").locator("body")).to_have_text("A film.")
    assert page.get_by_role("region", name="Two").is_visible()
    assert not page.evaluate("privacyChoices.get().answered")
    page.get_by_role("region", name="Two").get_by_role("button", name="Always show such parts").click()
    expect(page.frame_locator("[title=Two]").locator("body")).to_have_text("A film.")
    assert page.evaluate("privacyChoices.get().answers") == {
        "visits": True,
        "audiences": False,
        "partners": False,
        "security": True,
    }
    page.get_by_role("button", name="Your Privacy Choices").click()
    page.get_by_role("dialog").get_by_role("button", name=NO).click()
    expect(page.get_by_role("region", name="Two")).to_be_visible()
    assert page.locator("[title=Two]").get_attribute("src") is None
    assert page.evaluate("moved") == 0


def test_google_hears_no_before_any_tag_and_the_answer_within_the_click(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(TEXT + script("dataLayer.push({event: 'tag'})", VISITS)))
    page.get_by_role("button", name=YES).wait_for()
    page.evaluate("addEventListener('click', () => window.within = dataLayer.length)")
    page.get_by_role("button", name=YES).click()
    page.wait_for_function("dataLayer.some(one => one.event === 'tag')")
    calls = page.evaluate("dataLayer.map(one => one.event ? 'tag' : [Object.prototype.toString.call(one), ...one])")
    default, before, update = calls[:3]
    assert default[:3] == ["[object Arguments]", "consent", "default"]
    cells = {"ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"}
    assert {cell: default[3][cell] for cell in cells} == dict.fromkeys(cells, "denied")
    assert before[1:] == ["consent", "update", {"analytics_storage": "denied"}]
    assert update[1:] == ["consent", "update", {"analytics_storage": "granted"}]
    assert calls[3:] == ["tag"]
    assert page.evaluate("within") == 3


def test_taking_a_yes_back_clears_what_was_left_and_says_when_to_reload(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    left = "document.cookie = '_ga_1=x; path=/'; document.cookie = 'basket=1'; localStorage.visits = 1; localStorage.basket = 1"
    page.goto(shop.page(TEXT + script(left, VISITS)))
    page.get_by_role("button", name=YES).click()
    page.wait_for_function("localStorage.visits")
    page.evaluate("window.heard = []; privacyChoices.on('change', now => heard.push(now.answers.visits)); 0")
    page.get_by_role("button", name="Your Privacy Choices").click()
    expect(page.get_by_role("switch", checked=True)).to_have_count(3)
    page.get_by_role("switch").first.uncheck()
    page.get_by_role("button", name="Save my choice").click()
    expect(page.get_by_role("status").first).to_contain_text("Reload the page")
    left = page.evaluate("[document.cookie, localStorage.visits ?? null, localStorage.basket, heard.join()]")
    assert left == ["basket=1", None, "1", "false"]
    eventually(lambda: page.evaluate("privacyChoices.get().proof"))
    with page.expect_navigation():
        page.get_by_role("button", name="Reload the page").click()
    page.wait_for_function("privacyChoices.get().answered")
    assert page.evaluate("localStorage.visits ?? null") is None
    assert [answer for purpose, answer in way.decided() if purpose == "visits"][-2:] == ["yes", "no"]


def _note_in(asked: list[str]) -> Callable[[Request], None]:
    return lambda request: asked.append(request.url)


def test_the_mode_for_tests_allows_all_or_nothing_without_asking_anybody(way: Way, shop: Shop, visit: Visit) -> None:
    body = TEXT + script(note("any"), 'data-purpose="whatever"')
    for mode, expected in (("test:all", ["any"]), ("test:none", [])):
        page, shop.tag = visit(), way.tag(f'data-mode="{mode}"')
        asked: list[str] = []
        page.on("request", _note_in(asked))
        page.goto(shop.page(body))
        page.evaluate("privacyChoices.ready")
        page.wait_for_timeout(50)
        assert ran(page) == expected
        assert [url for url in asked if "choice" not in url and not url.endswith("/")] == []
        assert page.evaluate("[privacyChoices.get().mode, Object.keys(localStorage).length]") == [mode, 0]
    page, shop.tag = visit(), way.tag()
    page.goto(shop.page(body) + "?data-mode=test:all&privacyChoicesTest=test:all&mode=test:all")
    expect(page.get_by_role("button", name=NO)).to_be_visible()
    assert ran(page) == [], "An address said yes for whoever follows it."


def test_a_page_can_bring_its_own_way_to_the_choices(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    page.goto(shop.page(f'<a data-choices="sale" href="{way.portal.address}/preferences">My choices here</a>{TEXT}'))
    page.get_by_role("button", name=NO).click()
    assert page.get_by_role("button", name="Your Privacy Choices").count() == 0
    page.evaluate("window.heard = []; for (const name of ['open', 'close']) privacyChoices.on(name, () => heard.push(name)); 0")
    page.get_by_role("link", name="My choices here").click()
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="My choices here")).to_be_focused()
    page.wait_for_function("heard.join() === 'open,close'")


def test_where_data_is_sold_only_a_link_that_says_so_stands_for_the_permanent_one(way: Way, shop: Shop, visit: Visit) -> None:
    page, shop.tag = visit(), way.tag('data-region="US-CA"')
    page.goto(shop.page(f'<a data-choices href="#">Settings</a>{TEXT}'))
    permanent = page.get_by_role("button", name="Your Privacy Choices")
    expect(permanent).to_be_visible()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("dialog").wait_for()
    page.goto(shop.page(f'<a data-choices="sale" href="#">Do not sell</a>{TEXT}', "/other"))
    page.evaluate("privacyChoices.ready")
    assert permanent.count() == 0


def test_a_frame_shown_once_is_emptied_by_a_no_and_by_no_other_answer(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    frame = '<iframe data-purpose="partners" data-src="/film" title="Film"></iframe>'
    address = shop.page(TEXT + frame)
    shop.page("A film.", "/film")
    page.goto(address)
    once = page.get_by_role("button", name="Show it this once")
    source = page.locator("iframe[title=Film]")
    once.click()
    page.evaluate("privacyChoices.set({visits: true, audiences: false})")
    page.wait_for_timeout(100)
    expect(source).to_have_attribute("src", f"{shop.address}/film")
    page.get_by_role("button", name=NO).click()
    expect(once).to_be_visible()
    assert source.get_attribute("src") is None
    once.click()
    expect(source).to_have_attribute("src", f"{shop.address}/film")
    other = page.context.new_page()
    other.goto(address)
    other.evaluate("privacyChoices.ready.then(() => privacyChoices.set({partners: false}))")
    expect(once).to_be_visible()
    assert source.get_attribute("src") is None


def test_a_frame_in_a_visitors_own_text_runs_no_program(way: Way, shop: Shop, visit: Visit) -> None:
    """What is always on needs no answer: whoever may write a frame into a page must not thereby write a script."""
    page = visit()
    bad = [
        "javascript:parent.ran=['bad']",
        " java\nscript:parent.ran=['bad']",
        "data:text/html,<script>parent.ran=1</script>",
        "blob:x",
    ]
    frames = "".join(f'<iframe data-name="security" data-src="{each}"></iframe>' for each in bad)
    good = '<iframe data-name="security" data-src="film" title="Film"></iframe><img name="baseURI"><img name="createElement">'
    shop.page("A film.", "/film")
    page.goto(shop.page(TEXT + frames + good))
    expect(page.frame_locator("[title=Film]").locator("body")).to_have_text("A film.")
    assert page.evaluate("[...document.querySelectorAll('iframe[src]')].map(one => one.title)") == ["Film"]
    page.locator("iframe").first.evaluate(
        "one => { one.dataset.name = 'partners'; one.title = 'Bad'; document.body.append(one.cloneNode()) }"
    )
    page.get_by_role("region", name="Bad").get_by_role("button", name="Show it this once").click()
    page.wait_for_timeout(200)
    assert ran(page) == []
