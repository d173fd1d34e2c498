"""A connected database does not answer: the case stays visibly partial, and is completed when it is there again."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import ask, officer_signs_in, open_case, press, reloaded, somebody


def test_a_search_stays_visibly_partial_until_the_database_is_back(visitor: Page, colleague: Page, portal: Portal) -> None:
    address = somebody(portal.var, "language = 'en'")[1]
    status_page = ask(visitor, "Get a copy of my data", address)
    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    shop = portal.var / "demo" / "shop.db"
    _take_down(shop)
    press(colleague, "Search all systems")
    reloaded(colleague, "Not answered yet: Shop. The case cannot close before every system has.")
    row = colleague.locator("table.ledger").first.get_by_role("row").filter(has_text="Shop")
    reloaded(colleague, "Waits")
    expect(row).not_to_contain_text("Answered")
    press(colleague, "Ask again now")
    expect(row).not_to_contain_text("Answered")
    expect(colleague.get_by_role("button", name="Make the package")).to_have_count(0)
    visitor.goto(status_page)
    expect(visitor.get_by_role("main")).to_contain_text("You have our answer by")

    _bring_back(shop)
    colleague.goto(case)
    if colleague.get_by_role("button", name="Ask again now").is_visible():
        press(colleague, "Ask again now")
    reloaded(colleague, "Make the package")
    expect(row).to_contain_text("Answered")
    portal.verify_log()


def _take_down(database: Path) -> None:
    """A folder stands in its place, which nobody can open as a database."""
    database.rename(database.with_suffix(".away"))
    database.mkdir()


def _bring_back(database: Path) -> None:
    database.rmdir()
    database.with_suffix(".away").rename(database)
