"""A customer asks for a copy of her data: proof by mail, both databases searched, a package that opens without internet."""

import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import (
    ask,
    follow,
    mail,
    officer_signs_in,
    open_case,
    press,
    reloaded,
    rows,
    search_all_systems,
    somebody,
    type_code,
)


def test_a_copy_of_ones_data_goes_from_the_form_to_an_offline_page(
    visitor: Page, colleague: Page, portal: Portal, chromium: Browser, tmp_path: Path
) -> None:
    number, address = somebody(portal.var, "language = 'en' AND phone IS NOT NULL")
    status_page = ask(visitor, "Get a copy of my data", address)

    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    table = colleague.locator("table.ledger").first
    for system in ("Shop", "Newsletter"):
        expect(table.get_by_role("row").filter(has_text=system)).to_contain_text("Answered")
    follow(colleague, "Look at what was found")
    expect(colleague.get_by_role("main")).to_contain_text(_billed_to(portal, number))
    colleague.goto(case)
    press(colleague, "Make the package")
    reloaded(colleague, "A package was made from the approved snapshot.")

    assert f"{portal.address}/requests" in mail(visitor, address, "waiting for you")
    package = tmp_path / "package.zip"
    _step_up_and_download(visitor, status_page, address, package, portal)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Done as you asked.")
    expect(visitor.get_by_role("main")).to_contain_text("Who looked at your data")
    _opens_offline(chromium, package, tmp_path / "unpacked", portal, number, address)
    reloaded(colleague, "The evidence file of a request was made.")
    reloaded(colleague, "Evidence file (PDF)")
    _evidence(colleague)
    portal.verify_log()


def _step_up_and_download(visitor: Page, status_page: str, address: str, package: Path, portal: Portal) -> None:
    """A proof that is older than ten minutes must be renewed; the link to the package works once."""
    with closing(sqlite3.connect(portal.var / "portal.db", timeout=10)) as database, database:
        database.execute("UPDATE session SET proven_at = proven_at - 660000000")  # eleven minutes pass
    visitor.goto(status_page)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Your copy is ready")
    visitor.get_by_role("button", name="Download my data").click()
    expect(visitor.get_by_role("main")).to_contain_text("prove once more that it is you")
    press(visitor, "Send me the message")
    type_code(visitor, address)
    expect(visitor).to_have_url(status_page)
    with visitor.expect_download() as loading:
        visitor.get_by_role("button", name="Download my data").click()
    link = loading.value.url
    loading.value.save_as(package)
    again = visitor.request.get(link)
    assert again.status == 409
    assert "used already" in again.text()
    visitor.goto(status_page)


def _opens_offline(chromium: Browser, package: Path, folder: Path, portal: Portal, number: int, address: str) -> None:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        assert all(not name.startswith("/") and ".." not in name for name in archive.namelist())
        archive.extractall(folder)
    context = chromium.new_context(offline=True, locale="en-GB")
    asked: list[str] = []
    try:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((next(folder.rglob("index.html"))).as_uri())
        expect(page.locator("body")).to_contain_text(address)
        expect(page.locator("body")).to_contain_text(_billed_to(portal, number))
        shown = page.locator("body").inner_text()
        for (title,) in rows(portal.var / "demo" / "shop.db", _TITLES, number):
            assert title in shown
        assert all(url.startswith(("file:", "data:")) for url in asked), asked
    finally:
        context.close()


_TITLES = "SELECT title FROM order_line JOIN orders ON orders.id = order_id WHERE customer_id = ?"


def _billed_to(portal: Portal, number: int) -> str:
    return str(rows(portal.var / "demo" / "shop.db", "SELECT billed_to FROM invoice WHERE customer_id = ?", number)[0][0])


def _evidence(colleague: Page) -> None:
    with colleague.expect_download() as loading:
        colleague.get_by_role("link", name="Evidence file (PDF)").click()
    assert loading.value.path().read_bytes().startswith(b"%PDF-")
    assert re.fullmatch(r"case-[\w-]+\.pdf", loading.value.suggested_filename)
