"""What docs/sites.md says to do with other people's programs, done to what these print into a page, in a browser."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from portal.settings import HOME
from tests.journeys.steps import eventually
from tests.widget.conftest import Visit, Way
from tests.widget.site import TEXT, Shop

DOCS = (HOME / "docs" / "sites.md").read_text()
YES = "Yes to all"
# Next.js 16 prints a list; before it makes the page its own, its program makes tags of that, one after the other.
NEXT_LATER = """<script>setTimeout(() => self.__next_s.reduce((before, [src, props]) => before.then(() => new Promise((then) => {
  const script = document.createElement("script");
  for (const [name, value] of Object.entries(props)) script.setAttribute(name.toLowerCase(), value);
  script.src = src;
  script.onload = then;
  document.head.appendChild(script);
})), Promise.resolve()), 50)</script>"""


def block(language: str, holding: str) -> str:
    found: list[str] = re.findall(rf"(?s)```{language}\n(.+?)```", DOCS)
    return next(each for each in found if holding in each)


def ran(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.ran ?? []")
    return found


def test_wordpress_scripts_that_are_marked_as_the_page_says_wait_with_all_that_belongs_to_them(
    way: Way, shop: Shop, visit: Visit
) -> None:
    php = block("php", "script_loader_tag")
    marked = re.search(r"str_replace\( '(.+?)', '(.+?)' \. \$waits\[ \$handle \] \. '(.+?)', \$tag \)", php)
    gone = re.search(r"""array\( '([^']+)', "([^"]+)" \), '', \$tag""", php)
    assert marked and gone and "'shop-statistics' => 'visits'" in php and re.search(r"'wp_head'.+}, 1 \)", php, re.DOTALL)

    def filtered(tag: str) -> str:
        return tag.replace(gone[1], "").replace(gone[2], "").replace(marked[1], marked[2] + "visits" + marked[3])

    printed = (  # by wp_enqueue_script() with wp_add_inline_script() before and after; a theme without HTML5 names the type
        '<script id="shop-statistics-js-before">(window.ran ??= []).push("before")</script>\n'
        '<script type="text/javascript" src="/count.js?ver=6.8" id="shop-statistics-js"></script>\n'
        '<script type=\'text/javascript\' id="shop-statistics-js-after">ran.push("after")</script>\n'
    )
    shop.tag = way.tag().replace(" async>", ">")
    page = visit()
    page.goto(shop.page(filtered(printed) + '<script src="/own.js"></script>' + TEXT))
    expect(page.get_by_role("button", name=YES)).to_be_visible()
    assert ran(page) == ["/own.js"] and not any("count" in each for each in shop.seen)
    page.get_by_role("button", name=YES).click()
    eventually(lambda: ran(page) == ["/own.js", "before", "/count.js", "after"])


@pytest.mark.parametrize("answer", [YES, "No to all"])
def test_tag_manager_begins_with_everything_denied_and_hears_the_answer(way: Way, shop: Shop, visit: Visit, answer: str) -> None:
    ours, theirs = block("html", "Google Tag Manager").splitlines()
    assert "async" not in ours and "Google Tag Manager" in theirs
    shop.tag = way.tag().replace(" async>", ">") + (
        "<script>(window.dataLayer ??= []).push({'gtm.start': Date.now(), event: 'gtm.js'});"
        "const their = document.createElement('script'); their.async = true; their.src = '/gtm.js';"
        " document.head.append(their)</script>"
    )
    page = visit()
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name=answer).click()
    page.wait_for_function("privacyChoices.get().answered")
    calls = page.evaluate("dataLayer.map(one => one.event ?? [...one].slice(1))")
    assert calls[0][0] == "default" and {calls[0][1][cell] for cell in ("ad_storage", "analytics_storage")} == {"denied"}
    assert calls[1] == "gtm.js" and [each[0] for each in calls[2:]] == ["update"] * len(calls[2:])
    assert calls[-1][1]["analytics_storage"] == ("granted" if answer == YES else "denied") and ran(page) == ["/gtm.js"]


def test_nexts_script_before_the_page_is_interactive_asks_and_a_change_of_route_needs_nothing(
    way: Way, shop: Shop, visit: Visit
) -> None:
    tsx = block("tsx", "next/script")
    given = dict(re.findall(r'([\w-]+)="([^"]*)"', tsx[tsx.index("<Script") :]))
    assert (
        given.keys() == {"src", "integrity", "crossOrigin", "data-site", "strategy"} and given["strategy"] == "beforeInteractive"
    )
    props = {"integrity": way.integrity, "crossOrigin": given["crossOrigin"], "data-site": way.key}
    pushed = json.dumps([way.portal.address + way.path, props])
    shop.tag = f"<script>(self.__next_s=self.__next_s||[]).push({pushed})</script>{NEXT_LATER}"
    waiting = '<script type="text/plain" data-purpose="visits">(window.ran ??= []).push("%s")</script>'
    page = visit()
    page.goto(shop.page(f"<main>{TEXT}{waiting % 'one'}</main>"))
    expect(page.get_by_role("button", name=YES)).to_be_visible()
    assert ran(page) == []
    page.get_by_role("button", name=YES).click()
    eventually(lambda: ran(page) == ["one"])
    page.evaluate(
        "html => { history.pushState({}, '', '/two'); document.querySelector('main').innerHTML = html }", waiting % "two"
    )
    eventually(lambda: ran(page) == ["one", "two"])
