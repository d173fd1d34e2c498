"""A call is written down with the keyboard alone, while the caller waits: in less than a minute."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import officer_signs_in

AXE = Axe()
# Card, Moran, Newell: an average typist's keystroke, and the time to think before each answer.
KEY, THINK = 0.28, 1.35


def test_a_call_is_written_down_in_less_than_a_minute(colleague: Page, portal: Portal) -> None:
    page, strokes, answers = colleague, 0, 0
    officer_signs_in(page, "olga")

    def typed(text: str) -> None:
        nonlocal strokes
        strokes += len(text)
        page.keyboard.type(text)

    def key(name: str, times: int = 1) -> None:
        nonlocal strokes
        strokes += times
        for _time in range(times):
            page.keyboard.press(name)

    def to(name: str) -> None:
        """Tab until the field has the focus."""
        nonlocal answers
        answers += 1
        for _tab in range(12):
            key("Tab")
            if page.evaluate("document.activeElement.name || document.activeElement.innerText") == name:
                return
        raise AssertionError(f"{name} is not reached.")

    page.goto("/admin/entering")
    _is_fine(page)
    expect(page.get_by_label("How do we reach them?")).to_be_focused()
    typed("caller@example.com")
    to("rights")
    key("Space")
    to("how")
    key("Space")
    to("message")
    typed("Wants to know what we keep about her orders.")
    to("Write it down")
    with page.expect_navigation():
        key("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Written down: number")
    _is_fine(page)
    assert strokes * KEY + answers * THINK <= 60 - 15, f"{strokes} keys"  # the rest is for the caller's own words
    page.goto("/admin/lists")
    _is_fine(page)


def _is_fine(page: Page) -> None:
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{page.url} is {wider} pixels wider than {width}."
    found = AXE.run(page)
    assert found.violations_count == 0, found.generate_report()
