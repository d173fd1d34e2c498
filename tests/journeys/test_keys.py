"""An owner makes a key for the web shop, sees it once, and ends it; every page on the way is accessible and fits."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import follow, officer_signs_in, press

AXE = Axe()


def test_a_key_is_made_seen_once_used_and_ended(colleague: Page, portal: Portal) -> None:
    page = colleague
    officer_signs_in(page, "olga")
    follow(page, "Keys")
    follow(page, "Make a key")
    press(page, "Make the key")  # nothing filled in
    expect(page.get_by_role("alert")).to_contain_text("Please check these answers")
    _is_fine(page)
    page.get_by_label("Which program will use it?").fill("Web shop at the fair")
    page.get_by_label(re.compile("^Ask whether one address")).check()
    page.get_by_label("checkout", exact=True).check()
    page.get_by_label("The person", exact=True).check()
    _is_fine(page)
    press(page, "Make the key")
    shown = page.get_by_label("Key", exact=True)
    secret = shown.input_value()
    assert secret.startswith("pk_")
    shown.click()
    assert page.evaluate("document.activeElement.selectionEnd") == len(secret)  # ready to be copied
    _is_fine(page)

    asked = {"identifier": {"email": "ana@example.com"}, "purpose": "back-in-stock", "channel": "email"}
    headers = {"authorization": f"Bearer {secret}"}
    check = f"{portal.address}/api/v1/permissions/check"
    assert page.request.post(check, data=asked, headers=headers).status == 200

    follow(page, "I have copied it")
    row = page.get_by_role("row").filter(has_text="Web shop at the fair")
    expect(row).to_contain_text("In use")
    expect(page.get_by_role("main")).not_to_contain_text(secret)
    _is_fine(page)
    with page.expect_navigation():
        row.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("main")).to_contain_text("It can no longer ask before it sends")
    _is_fine(page)
    press(page, "Revoke this key")
    expect(page.get_by_role("row").filter(has_text="Web shop at the fair")).to_contain_text("Revoked")
    assert page.request.post(check, data=asked, headers=headers).status == 401
    portal.verify_log()


def _is_fine(page: Page) -> None:
    """Accessible, and nothing cut off sideways, wide and narrow."""
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{page.url} is {wider} pixels wider than {width}."
        found = AXE.run(page)
        assert not found.violations_count, found.generate_report()
