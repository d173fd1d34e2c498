"""A customer's erasure: a dry run, two people, the deletion, a second look, and invoices that the law keeps and says why."""

import re
from datetime import date

import pyotp
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import (
    ask,
    counting,
    follow,
    mail,
    mails,
    officer_signs_in,
    open_case,
    press,
    reloaded,
    rows,
    search_all_systems,
    somebody,
)

LAW = "Legea contabilității nr. 82/1991, art. 25"


def test_an_erasure_needs_two_people_and_leaves_only_what_the_law_keeps(visitor: Page, colleague: Page, portal: Portal) -> None:
    recent = date.today().replace(day=1, year=date.today().year - 3)  # well inside the five years of the accounting law
    number, address = somebody(
        portal.var, f"language = 'en' AND id IN (SELECT customer_id FROM invoice WHERE issued_on > '{recent}')"
    )
    invoices = _invoices(portal, number)
    others = _others(portal, number)
    before = mails(visitor, address)
    with counting(visitor) as screens:
        status_page = ask(visitor, "Delete my data", address)
    assert (len(screens), mails(visitor, address) - before) == (3, 2), screens  # the form, the code, how it stands

    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    follow(colleague, "Look at what was found")
    expect(colleague.get_by_role("main")).to_contain_text(LAW)
    colleague.goto(case)
    press(colleague, "Propose this deletion")
    _cannot_approve(colleague)
    assert _invoices(portal, number) == invoices and _account(portal, number)[0] == address

    press(colleague, "Sign out")
    officer_signs_in(colleague, "petra")
    colleague.goto(case)
    plan = colleague.locator("section").filter(has_text="What will happen")
    expect(plan.get_by_role("listitem").filter(has_text="kept")).to_contain_text(LAW)
    plan.get_by_text("The dry run, table by table").first.click()
    expect(plan.get_by_role("row").filter(has_text="Your invoices").last).to_contain_text(LAW)
    expect(plan.get_by_role("row").filter(has_text="Your account")).to_contain_text("made anonymous")
    press(colleague, "Approve exactly this")
    reloaded(colleague, "Evidence file (PDF)")

    _only_the_law_is_left(portal, number, address, invoices)
    assert _others(portal, number) == others
    letter = mail(visitor, address, "deleted")
    assert LAW in letter and re.search(r"Your invoices: \d+ entr(y|ies) kept", letter) and re.search(r"until .*20\d\d", letter)
    assert status_page in letter  # nobody can sign in any more: the address of the request is the way
    _downloads_the_certificate(visitor, status_page)
    portal.verify_log()


def test_whoever_proposed_a_deletion_cannot_approve_it_with_any_role(colleague: Page, portal: Portal) -> None:
    roles = ("--role", "privacy-officer", "--role", "approver")
    invited = portal.command("officer", "invite", "mallory@example.com", "--name", "Mallory", *roles)
    assert invited.returncode == 0, invited.stderr
    colleague.goto("/admin/invitation/" + invited.stdout.strip().rpartition("/")[2])
    colleague.get_by_label("Password").fill("nobody guesses this one")
    press(colleague, "Continue")
    secret = colleague.locator("main p code").first.inner_text()
    colleague.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret.replace(" ", "")).now())
    press(colleague, "Sign in")
    colleague.goto("/admin/cases?state=reviewing&right=erasure")
    colleague.goto(str(colleague.locator("table.ledger th a").first.get_attribute("href")))
    press(colleague, "Propose this deletion")
    expect(colleague.get_by_role("main")).to_contain_text("You proposed this yourself, so another person has to approve it.")
    _cannot_approve(colleague)


def _downloads_the_certificate(visitor: Page, status_page: str) -> None:
    visitor.goto(status_page)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Done as you asked.")
    reloaded(visitor, "Download the certificate (PDF)")
    with visitor.expect_download() as started:
        visitor.get_by_role("link", name="Download the certificate (PDF)").click()
    assert started.value.suggested_filename == "certificate-of-deletion.pdf"
    assert started.value.path().read_bytes().startswith(b"%PDF-")


def _cannot_approve(colleague: Page) -> None:
    """Neither the button nor the request behind it is hers; that she proposed it herself is refused by the room as well."""
    expect(colleague.get_by_text("Waits for a second person")).to_be_visible()
    expect(colleague.get_by_role("button", name="Approve exactly this")).to_have_count(0)
    path = colleague.url
    answer = colleague.evaluate(
        "async (path) => { const answer = await fetch(path + '/approval', {method: 'POST', body: new URLSearchParams()});"
        " return [answer.status, await answer.text()] }",
        path,
    )
    assert answer[0] == 403, answer
    colleague.goto(path)
    expect(colleague.get_by_text("Waits for a second person")).to_be_visible()


def _only_the_law_is_left(portal: Portal, number: int, address: str, invoices: list[tuple[object, ...]]) -> None:
    email, name, phone = _account(portal, number)
    assert (email, name, phone) == (f"erased-{number}@invalid", "Erased", None)
    for table in ("address", "orders", "review"):
        assert rows(portal.var / "demo" / "shop.db", f"SELECT * FROM {table} WHERE customer_id = ?", number) == []
    for table in ("subscriber", "subscription", "sent"):
        assert rows(portal.var / "demo" / "newsletter.db", f"SELECT * FROM {table} WHERE email = ?", address) == []
    kept = _invoices(portal, number)
    assert kept and set(kept) <= set(invoices)
    five_years_ago = date.today().year - 6
    assert {each for each in invoices if int(str(each[3])[:4]) > five_years_ago} <= set(kept)


def _account(portal: Portal, number: int) -> tuple[object, ...]:
    return rows(portal.var / "demo" / "shop.db", "SELECT email, name, phone FROM customer WHERE id = ?", number)[0]


def _invoices(portal: Portal, number: int) -> list[tuple[object, ...]]:
    return rows(portal.var / "demo" / "shop.db", "SELECT * FROM invoice WHERE customer_id = ? ORDER BY number", number)


def _others(portal: Portal, number: int) -> list[list[tuple[object, ...]]]:
    shop = portal.var / "demo" / "shop.db"
    return [
        rows(shop, f"SELECT * FROM {table} WHERE {key} <> ? ORDER BY 1", number)
        for table, key in (("customer", "id"), ("address", "customer_id"), ("orders", "customer_id"), ("invoice", "customer_id"))
    ]
