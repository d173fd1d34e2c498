"""A customer lost her mailbox: no page is a dead end, and a code on paper shows that it is her."""

import re
import subprocess
import sys

from playwright.sync_api import Page, expect

from portal.settings import HOME
from tests.journeys.conftest import Portal, environment
from tests.journeys.steps import follow, officer_signs_in, open_case, press, reloaded, rows, search_all_systems, somebody


def test_a_code_on_paper_replaces_a_lost_mailbox(visitor: Page, colleague: Page, portal: Portal) -> None:
    number, address = somebody(portal.var, "language = 'en'", skip=3)
    [home] = rows(portal.var / "demo" / "shop.db", "SELECT street, postcode, city FROM address WHERE customer_id = ?", number)
    visitor.goto("/requests/new")
    visitor.get_by_label("Get a copy of my data", exact=True).check()
    visitor.get_by_label("Your e-mail address").fill(address)
    press(visitor, "Send the request")
    expect(visitor.get_by_role("main")).to_contain_text("Call us on")
    reference = next(each["value"] for each in visitor.context.cookies() if each["name"] == "request")
    visitor.goto(f"/requests/{reference}")
    ways = visitor.locator("#other-ways")
    expect(ways).to_contain_text("A letter")
    expect(ways.get_by_role("link", name="Stop messages")).to_be_visible()

    officer_signs_in(colleague, "olga")
    open_case(colleague, address, "verifying")
    colleague.get_by_text("When no mail reaches the person").click()
    colleague.get_by_label("Postal address on file").fill("Somebody else\nStrada Nicăieri 1\n000000 Nowhere")
    colleague.get_by_label("Where it stands").select_option("portal")
    press(colleague, "Write the letter")
    expect(colleague.get_by_role("alert")).to_contain_text("does not stand with this person")
    colleague.get_by_label("Postal address on file").fill(f"{home[0]}\n{home[1]} {home[2]}")
    press(colleague, "Write the letter")
    code = _in_the_envelope(portal)
    with colleague.expect_download() as printed:
        colleague.get_by_role("link", name="Print it (PDF)").click()
    assert printed.value.suggested_filename.startswith("letter-")
    press(colleague, "It was posted today")

    visitor.goto(f"/requests/{reference}")
    expect(visitor.locator("#other-ways")).to_contain_text("It is on its way, and works until")
    follow(visitor, "Type the code of the letter")
    visitor.get_by_label("Code from the letter").fill("AAAA-AAAA-AAAA")
    press(visitor, "Continue")
    expect(visitor.get_by_role("main")).to_contain_text("This is not a code that works.")
    visitor.get_by_label("Code from the letter").fill(code.lower())
    press(visitor, "Continue")
    expect(visitor).to_have_url(re.compile(f"/requests/{reference}$"))
    expect(visitor.locator("#other-ways")).to_have_count(0)

    colleague.reload()
    search_all_systems(colleague)
    case = colleague.url
    follow(colleague, "Look at what was found")
    colleague.goto(case)
    press(colleague, "Propose this package")

    press(colleague, "Sign out")  # an officer could have typed the letter's code: the copy takes a second one
    officer_signs_in(colleague, "petra")
    colleague.goto(case)
    press(colleague, "Approve exactly this")
    press(colleague, "Sign out")
    officer_signs_in(colleague, "olga")
    colleague.goto(case)
    reloaded(colleague, "Posted with tracking")
    colleague.get_by_label("Number by which the post follows it").fill("RR 123 456 789 RO")
    press(colleague, "Posted with tracking")
    expect(colleague.get_by_role("main")).to_contain_text("Fulfilled")
    portal.verify_log()


def _in_the_envelope(portal: Portal) -> str:
    command = [sys.executable, "-m", "tests.journeys.read_letter"]
    done = subprocess.run(command, cwd=HOME, env=environment(portal.var), capture_output=True, text=True, check=True)
    found = re.search(r"^\w{4}-\w{4}-\w{4}$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return found[0]
