"""A system without an interface: a colleague opens a mail's link and uploads a file; the person finds it in their package."""

import re
import time
import zipfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.connectors.colleague import ADDRESS, ENTRY
from tests.journeys.conftest import Portal
from tests.journeys.steps import ask, follow, mail, officer_signs_in, open_case, press, reloaded, somebody

LETTER = b"%PDF-1.7\nA letter from the cellar.\n%%EOF\n"


def test_a_colleague_answers_by_upload_without_an_account_and_the_person_gets_the_file(
    visitor: Page, colleague: Page, portal: Portal, chromium: Browser, tmp_path: Path
) -> None:
    listed = portal.var / "systems.toml"
    listed.write_text(listed.read_text() + ENTRY)
    address = somebody(portal.var, "language = 'en'")[1]
    status_page = ask(visitor, "Get a copy of my data", address)
    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    press(colleague, "Search all systems")
    reloaded(colleague, "Not answered yet: Paper archive. The case cannot close before every system has.")
    expect(colleague.locator("#colleagues")).to_contain_text(ADDRESS)

    letter = mail(visitor, ADDRESS, "A privacy request needs you")
    assert address not in letter
    link = re.search(r"http\S+/answer/\S+", letter)
    assert link
    _answer_by_hand(chromium, link[0], address, tmp_path / "letter.pdf")

    colleague.goto(case)
    reloaded(colleague, "It has a file that may be about others.")
    follow(colleague, "Look at what was found")
    colleague.goto(case)
    press(colleague, "Propose this package")
    press(colleague, "Sign out")
    officer_signs_in(colleague, "petra")
    colleague.goto(case)
    press(colleague, "Approve exactly this")
    reloaded(colleague, "A package was made from the approved snapshot.")
    visitor.goto(status_page)
    with visitor.expect_download() as loading:
        visitor.get_by_role("button", name="Download my data").click()
    loading.value.save_as(tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as package:
        assert package.read("files/archive-letter.pdf") == LETTER
    portal.verify_log()


def _answer_by_hand(chromium: Browser, link: str, address: str, letter: Path) -> None:
    """Three things to do, no scripts, no cookie: open the link, choose the file, send it."""
    letter.write_bytes(LETTER)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    try:
        page = context.new_page()
        started = time.monotonic()
        page.goto(link)
        expect(page.get_by_role("main")).to_contain_text(address)
        page.get_by_label("A file").set_input_files(letter)
        press(page, "Send this")
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
        expect(page.get_by_role("main")).not_to_contain_text(address)
        assert time.monotonic() - started < 120  # a machine's two minutes; a person has one screen and one field
        assert context.cookies() == []
    finally:
        context.close()
