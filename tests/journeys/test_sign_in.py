"""Links and codes of mails: looking uses nothing up, using works once, and every refusal says what to do now."""

import re
import sqlite3
from contextlib import closing

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from portal.demo.company import OFFICERS, PASSWORD, totp_secret
from tests.journeys.conftest import Portal
from tests.journeys.steps import ask, code, mail, press, rows, somebody, type_code


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    return shared_portal


def _asked(page: Page, address: str) -> str:
    """Ask for a mail; answers the path of its link."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(address)
    page.locator("main").get_by_role("button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code")
    found = re.search(r"(/l/[\w-]+)", mail(page, address))
    assert found
    return found[1]


def test_looking_at_a_link_uses_nothing_up_and_using_it_works_once(visitor: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 0)[1]
    link = _asked(visitor, address)
    before = _done_by_anybody(portal)
    for _look in range(20):  # what mail scanners and previews do
        assert visitor.request.get(link).status == 200
    assert _done_by_anybody(portal) == before
    visitor.goto("/preferences")
    expect(visitor).to_have_url(re.compile("/sign-in$"))

    visitor.goto(link)
    press(visitor, "Yes, continue")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("What we send you")
    visitor.goto(link)
    expect(visitor.get_by_role("main")).to_contain_text("used already")
    expect(visitor.get_by_role("main")).to_contain_text("ask for a new mail")


def test_a_link_opened_in_another_browser_asks_for_the_code(visitor: Page, portal: Portal, chromium: Browser) -> None:
    address = somebody(portal.var, "language = 'en'", 1)[1]
    link = _asked(visitor, address)
    context = chromium.new_context(base_url=portal.address, locale="en-GB")
    other = context.new_page()
    other.goto(link)
    expect(other.get_by_role("button", name="Yes, continue")).to_have_count(0)
    expect(other.get_by_label("Code from the message")).to_be_visible()
    context.close()


def test_a_wrong_code_is_told_and_the_right_one_still_works(visitor: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 2)[1]
    _asked(visitor, address)
    right = code(visitor, address)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    visitor.get_by_label("Code from the message").fill(wrong)
    press(visitor, "Continue")
    expect(visitor.get_by_role("alert")).to_contain_text("not the code from the newest mail")
    visitor.get_by_label("Code from the message").fill(f" {right[:3]} {right[3:]} ")
    press(visitor, "Continue")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("What we send you")


def test_an_old_code_and_an_old_link_are_told_so(visitor: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 3)[1]
    link = _asked(visitor, address)
    with closing(sqlite3.connect(portal.var / "portal.db")) as database, database:
        # Eleven minutes pass for this one mail.
        database.execute("UPDATE challenge SET asked_at = asked_at - 660000000, ends_at = ends_at - 660000000")
    type_code(visitor, address)
    expect(visitor.get_by_role("alert")).to_contain_text("too old")
    visitor.goto(link)
    expect(visitor.get_by_role("main")).to_contain_text("too old")
    expect(visitor.get_by_role("main")).to_contain_text("ask for a new mail")


def test_five_wrong_codes_use_the_code_up_but_not_the_link(visitor: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 4)[1]
    link = _asked(visitor, address)
    right = code(visitor, address)
    for number in range(1, 6):
        visitor.get_by_label("Code from the message").fill(f"{(int(right) + number) % 1_000_000:06}")
        press(visitor, "Continue")
        expect(visitor.get_by_role("alert")).to_be_visible()
    visitor.get_by_label("Code from the message").fill(right)
    press(visitor, "Continue")
    expect(visitor.get_by_role("alert")).to_contain_text("too many wrong codes")
    visitor.goto(link)
    press(visitor, "Yes, continue")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("What we send you")


def test_somebody_unknown_gets_the_same_page_and_a_request_of_theirs_finds_nothing(visitor: Page) -> None:
    ask(visitor, "Get a copy of my data", "ana@example.com")
    expect(visitor.get_by_role("heading", level=1)).to_contain_text("You have our answer by")


@pytest.mark.parametrize("wrong", ["password", "code"])
def test_an_officer_needs_both_the_password_and_a_fresh_code(visitor: Page, wrong: str) -> None:
    visitor.goto("/admin/sign-in")
    visitor.get_by_label("E-mail").fill(OFFICERS["vik"][1])
    visitor.get_by_label("Password").fill("something else entirely" if wrong == "password" else PASSWORD)
    press(visitor, "Continue")
    if wrong == "code":
        visitor.get_by_label("Code").fill(pyotp.TOTP(totp_secret("petra")).now())
        press(visitor, "Sign in")
    expect(visitor.get_by_role("alert")).to_be_visible()
    visitor.goto("/admin/cases")
    expect(visitor).to_have_url(re.compile("/admin/sign-in$"))


def _done_by_anybody(portal: Portal) -> int:
    """How many entries the log has, but for what jobs of the night add meanwhile."""
    [[entries]] = rows(portal.var / "portal.db", "SELECT count(*) FROM entry WHERE actor <> 'system'")
    return int(entries)
