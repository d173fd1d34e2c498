"""What customers and officers do in a browser, in the order a journey needs it; used with and without JavaScript."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyotp
from playwright.sync_api import Page, Response, expect

from portal.demo.company import OFFICERS, PASSWORD, totp_secret


def rows(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Of one of the demo company's own databases, behind the portal's back."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql, values).fetchall()


def eventually(question: Callable[[], Any], seconds: float = 15) -> Any:
    """The first answer that is true; what is done by a worker takes a moment."""
    ends = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < ends, f"Still not after {seconds} s."
        time.sleep(0.1)
    return answer


def press(page: Page, button: str) -> None:
    """Send the form behind a button and wait for the page that answers; looking elsewhere at once would cut it off."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).first.click()


@contextmanager
def counting(page: Page) -> Iterator[list[str]]:
    """The screens that a person sees."""
    seen: list[str] = []

    def look(answer: Response) -> None:
        if answer.request.is_navigation_request() and answer.status < 300:
            seen.append(answer.url)

    page.on("response", look)
    yield seen
    page.remove_listener("response", look)


def follow(page: Page, link: str) -> None:
    with page.expect_navigation():
        page.get_by_role("link", name=link).first.click()


def reloaded(page: Page, text: str | re.Pattern[str], seconds: float = 60) -> None:
    """Look again until the page says so."""
    ends = time.monotonic() + seconds
    page.reload()
    while not page.get_by_text(text).first.is_visible():
        assert time.monotonic() < ends, (
            f"Still not after {seconds} s: {text}. The page says:\n{page.locator('main').inner_text()}"
        )
        time.sleep(0.1)
        page.reload()


def mail(page: Page, to: str, about: str = "") -> str:
    """The newest mail to an address whose subject has these words, read in a tab of its own."""
    reader = page.context.new_page()
    try:
        reader.goto("/demo/mailbox")
        letters = reader.locator("article").filter(has_text=to).filter(has=reader.get_by_role("heading", name=about))
        return letters.first.inner_text()
    finally:
        reader.close()


def mails(page: Page, to: str) -> int:
    """How many an address has got."""
    reader = page.context.new_page()
    try:
        reader.goto("/demo/mailbox")
        return reader.locator("article").filter(has_text=to).count()
    finally:
        reader.close()


def code(page: Page, to: str) -> str:
    found = re.search(r"^(\d{6})$", mail(page, to), re.MULTILINE)
    assert found, "The newest mail has no code."
    return found[1]


def type_code(page: Page, to: str) -> None:
    page.get_by_label("Code from the message").fill(code(page, to))
    press(page, "Continue")


def sign_in(page: Page, address: str) -> None:
    """A customer, by the code from the mail."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(address)
    page.locator("main").get_by_role("button").first.click()
    type_code(page, address)
    expect(page.get_by_role("heading", level=1)).to_have_text("What we send you")


def ask(page: Page, right: str, address: str, **corrections: str) -> str:
    """A customer who is not signed in asks, and proves the address by the code; answers the page of the request."""
    page.goto("/requests/new")
    page.get_by_label(right, exact=True).check()
    page.get_by_label("Your e-mail address").fill(address)
    if right == "Delete my data":
        page.get_by_text("When you delete: at once or in three days").click()
        page.get_by_label("Delete now", exact=True).check()
    if corrections:
        page.get_by_text("What to correct").click()
        for field, value in corrections.items():
            page.locator(f"#new-{field}").fill(value)
    press(page, "Send the request")
    type_code(page, address)
    expect(page).to_have_url(re.compile("/requests/[^/]+$"))
    return page.url


def officer_signs_in(page: Page, name: str) -> None:
    page.goto("/admin/sign-in")
    page.get_by_label("E-mail").fill(OFFICERS[name][1])
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Continue")
    _second_factor(page, name)
    if page.get_by_text("This code was used already.").is_visible():  # in another journey, less than half a minute ago
        time.sleep(30 - time.time() % 30)
        _second_factor(page, name)
    expect(page.get_by_role("link", name="Requests", exact=True)).to_be_visible()


def _second_factor(page: Page, name: str) -> None:
    page.get_by_label("Code").fill(pyotp.TOTP(totp_secret(name)).now())
    press(page, "Sign in")


def open_case(page: Page, address: str, stands_at: str) -> str:
    """An officer opens the newest case of an address from the queue, which names nobody; answers its page."""
    page.goto("/admin/cases?" + f"state={stands_at}")
    for link in reversed(page.locator("table.ledger th a").all()):
        target = link.get_attribute("href") or ""
        other = page.context.new_page()
        try:
            other.goto(target)
            found = address in other.locator("h1").inner_text()
        finally:
            other.close()
        if found:
            page.goto(target)
            return page.url
    raise AssertionError(f"No case of {address} stands at {stands_at}.")


def search_all_systems(page: Page) -> None:
    """On a case's page: ask, and wait until each has answered."""
    press(page, "Search all systems")
    reloaded(page, "Look at what was found")


def somebody(var: Path, where: str = "1", skip: int = 0) -> tuple[int, str]:
    """Number and address of a customer with orders and a newsletter, who has no open request; `skip` the first ones."""
    with closing(sqlite3.connect(var / "demo" / "shop.db")) as shop:
        shop.execute("ATTACH ? AS letters", (str(var / "demo" / "newsletter.db"),))
        found = shop.execute(
            "SELECT c.id, c.email FROM customer c WHERE c.id NOT IN (3, 8, 12, 17, 21, 30, 41, 52, 66, 77, 90, 104, 120)"
            " AND EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id) AND c.email IN (SELECT email FROM letters.subscription)"
            f" AND c.email NOT LIKE '%\\_%' ESCAPE '\\' AND ({where}) ORDER BY c.id LIMIT 1 OFFSET ?",
            [skip],
        ).fetchone()
        assert found, "The demo company has no such customer."
        return int(found[0]), str(found[1])
