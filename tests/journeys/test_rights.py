"""Rights besides the three everybody knows: for a child, a complaint, two at once, advertising stopped; counted in screens."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import counting, follow, mail, officer_signs_in, open_case, press, reloaded, somebody, type_code

ANSWER = "You are right: the letter went out at night by a mistake of ours. We now send none after 8 in the evening."


@pytest.fixture
def portal(shared_portal: Portal) -> Portal:
    return shared_portal


def test_advertising_is_stopped_from_the_home_page_on_three_screens_with_one_address(visitor: Page, portal: Portal) -> None:
    with counting(visitor) as screens:
        visitor.goto("/")
        follow(visitor, "See, correct or delete your data")
        visitor.get_by_label("Stop all advertising", exact=True).check()
        visitor.get_by_label("Your e-mail address").fill(somebody(portal.var, "language = 'en'", 1)[1])
        press(visitor, "Send the request")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Done as you asked.")
    assert len(screens) == 3, screens


def test_a_parent_asks_for_a_child_on_three_screens_and_an_officer_notes_what_was_seen(
    visitor: Page, colleague: Page, portal: Portal
) -> None:
    parent, child = (somebody(portal.var, "language = 'en'", each)[1] for each in (2, 3))
    with counting(visitor) as screens:
        visitor.goto("/requests/new")
        visitor.get_by_label("Get a copy of my data", exact=True).check()
        visitor.get_by_label("Your e-mail address").fill(parent)
        visitor.get_by_text("I ask for somebody else").click()
        visitor.get_by_label("For my child", exact=True).check()
        visitor.get_by_label("Their name").fill("Mia")
        visitor.get_by_label("Their e-mail address with us").fill(child)
        press(visitor, "Send the request")
        type_code(visitor, parent)
    assert len(screens) == 3, screens
    expect(visitor.get_by_role("main")).to_contain_text("We ask to see the birth certificate")
    officer_signs_in(colleague, "olga")
    open_case(colleague, parent, "triage")
    expect(colleague.get_by_role("button", name="Search all systems")).to_have_count(0)
    colleague.get_by_label("What you saw").select_option("Birth certificate")
    colleague.get_by_label("Day that stands on it").fill("2019-05-04")
    press(colleague, "I have seen it")
    press(colleague, "Search all systems")
    reloaded(colleague, "Look at what was found")
    follow(colleague, "Look at what was found")
    expect(colleague.get_by_role("main")).to_contain_text(child)
    visitor.reload()
    expect(visitor.get_by_role("main")).not_to_contain_text("We ask to see")


def test_a_copy_and_the_deletion_are_asked_for_in_one_form(visitor: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 4)[1]
    visitor.goto("/requests/new")
    for right in ("Get a copy of my data", "Delete my data"):
        visitor.get_by_label(right, exact=True).check()
    visitor.get_by_label("Your e-mail address").fill(address)
    press(visitor, "Send the request")
    type_code(visitor, address)
    follow(visitor, "The deletion of your data")
    expect(visitor.get_by_role("main")).to_contain_text("A copy of your data")
    letter = mail(visitor, address, "We are working on your request")
    assert re.search(r"a copy of your data: .*\n+.*the deletion of your data: ", letter), letter


def test_a_complaint_is_answered_in_words(visitor: Page, colleague: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'", 5)[1]
    visitor.goto("/requests/new")
    visitor.get_by_text("Something else").click()
    visitor.get_by_label("Complain", exact=True).check()
    visitor.get_by_label("Your e-mail address").fill(address)
    visitor.get_by_label("Anything we should know?").fill("Your letter woke me at three in the morning.")
    press(visitor, "Send the request")
    type_code(visitor, address)
    officer_signs_in(colleague, "olga")
    open_case(colleague, address, "triage")
    expect(colleague.get_by_role("main")).to_contain_text("woke me at three")
    colleague.get_by_label("Your answer, as the person will read it").fill(ANSWER)
    press(colleague, "Send the answer and close")
    visitor.reload()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Answered.")
    assert ANSWER in mail(visitor, address, "Our answer to your request")
