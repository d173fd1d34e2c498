"""What officers do many times a day, counted in keys, words and screens: a refusal in part, a stack of dry runs to approve."""

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import (
    ask,
    counting,
    follow,
    mail,
    officer_signs_in,
    open_case,
    press,
    reloaded,
    search_all_systems,
    somebody,
)

# Card, Moran, Newell: pointing and pressing, a keystroke, the time to think before each act. Brysbaert: words read a minute.
POINT, KEY, THINK, WORDS = 1.3, 0.28, 1.35, 238
REASONS = "One order names another customer; we left that name out. The rest is whole."


def test_a_refusal_in_part_takes_less_than_three_minutes(visitor: Page, colleague: Page, portal: Portal) -> None:
    _number, address = somebody(portal.var, "language = 'en'", 9)
    status_page = ask(visitor, "Get a copy of my data", address)
    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    with counting(colleague) as screens:
        follow(colleague, "Look at what was found")
        press(colleague, "Take out")
        colleague.goto(case)
        colleague.get_by_text("Answer in part, or refuse").first.click()
        colleague.locator("#reasons").fill(REASONS)
        press(colleague, "In part")
    acts = 6  # open, take out, back, unfold, into the field, in part; each page that comes is glanced at
    assert acts * (POINT + THINK) + len(REASONS) * KEY + len(screens) * THINK <= 60, screens  # the rest is for the person's data
    press(colleague, "Sign out")
    officer_signs_in(colleague, "petra")
    colleague.goto(case)
    press(colleague, "Approve exactly this")
    visitor.goto(status_page)
    reloaded(visitor, "Your copy is ready")
    assert "Something is waiting for you" in mail(visitor, address)
    portal.verify_log()


def test_an_approver_reads_twenty_dry_runs_in_five_minutes(visitor: Page, colleague: Page, portal: Portal) -> None:
    _number, address = somebody(portal.var, "language = 'en'", 10)
    ask(visitor, "Delete my data", address)
    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    follow(colleague, "Look at what was found")
    colleague.goto(case)
    press(colleague, "Propose this deletion")
    press(colleague, "Sign out")
    officer_signs_in(colleague, "petra")
    with counting(colleague) as screens:
        colleague.goto("/admin/cases?state=approving")
        colleague.goto(case)
        plan = colleague.locator("section").filter(has_text="What will happen")
        read = len(plan.get_by_role("list").first.inner_text().split()) / WORDS * 60
        press(colleague, "Approve exactly this")
    expect(colleague.get_by_role("main")).not_to_contain_text("Approve exactly this")
    assert 20 * (read + THINK + 2 * POINT) <= 300, (read, screens)  # to approve, and on to the next
