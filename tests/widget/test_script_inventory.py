"""What a site's tests are told of its pages in test mode, and what never prints a word."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.journeys.steps import eventually
from tests.widget import site
from tests.widget.conftest import Visit, Way
from tests.widget.site import TEXT, Shop, script


@pytest.fixture(scope="module")
def third() -> Iterator[Shop]:
    """Somebody else's host."""
    with site.opened() as shop:
        yield shop


def found(page: Page) -> set[tuple[str, str, str]]:
    page.evaluate("privacyChoices.ready")
    page.wait_for_timeout(200)
    return {(each["kind"], each["name"], each["when"]) for each in page.evaluate("privacyChoices.get().found")}


@pytest.mark.parametrize("mode", ["test:none", "test:all"])
def test_test_mode_lists_what_the_page_set_before_and_after_and_prints_it(
    way: Way, shop: Shop, third: Shop, visit: Visit, mode: str
) -> None:
    host, other = third.address[7:], third.address.replace("127.0.0.1", "localhost")
    shop.head = "<script>document.cookie = 'early=secret'; localStorage.early = 'secret'</script>"
    body = (
        TEXT
        + f"<img src='{third.address}/pixel?secret'><img src='/ours.png'>"
        + script("document.cookie = '_ga=secret'; sessionStorage.late = 'secret'", 'data-purpose="visits"')
        + f"<iframe data-purpose='audiences' data-src='{other}/film?secret' title='Film'></iframe>"
    )
    early = {("cookie", "early", "before"), ("local", "early", "before")}
    waits = {("cookie", "_ga", "after"), ("session", "late", "after"), ("frame", other[7:], "after")}
    expected = early | (waits if mode == "test:all" else set())
    page, shop.tag = visit(), way.tag(f'data-mode="{mode}"')
    printed: list[ConsoleMessage] = []
    page.on("console", lambda told: printed.append(told))
    page.goto(shop.page(body))
    assert {each for each in found(page) if each[1] != host} == expected
    assert ("host", host) in {each[:2] for each in found(page)}
    eventually(lambda: page.evaluate("1") and [each for each in printed if each.type == "table"])
    [table] = [each for each in printed if each.type == "table"]
    told = table.args[0].json_value()
    assert {(each["kind"], each["name"]) for each in told} == {each[:2] for each in expected} | {("host", host)}
    assert "secret" not in repr(told)


def test_outside_of_test_mode_nothing_is_listed_and_nothing_printed(way: Way, shop: Shop, visit: Visit) -> None:
    page = visit()
    printed: list[ConsoleMessage] = []
    page.on("console", lambda told: printed.append(told))
    page.goto(shop.page(TEXT))
    page.get_by_role("button", name="Yes to all").click()
    page.wait_for_timeout(2_300)
    assert page.evaluate("'found' in privacyChoices.get()") is False and printed == []
