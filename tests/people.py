"""Who appears in the tests: Ana and Ben (customers), Olga and Petra (officers), Vik (auditor), Mallory.

`Browser` is what a person holds: cookies, our own origin, and no scripts.
"""

import re

import httpx2
import pyotp

from portal import messages
from portal.app import build

ANA, BEN, MALLORY = "ana@example.com", "ben@example.com", "mallory@example.com"
OLGA, PETRA, VIK = "olga@example.com", "petra@example.com", "vik@example.com"
PASSWORD = "correct horse battery staple"


class Browser(httpx2.AsyncClient):
    """A browser without scripts on the portal's pages; the database is opened by the test."""

    def __init__(self) -> None:
        ours = "http://127.0.0.1:8000"
        super().__init__(
            transport=httpx2.ASGITransport(app=build(), raise_app_exceptions=False),
            base_url=ours,
            headers={"sec-fetch-site": "same-origin", "origin": ours, "accept-language": "en"},
            follow_redirects=True,
        )


async def sign_in(browser: Browser, address: str) -> None:
    """As a customer, by the code in the mail."""
    await browser.get("/sign-in")
    page = await browser.post("/sign-in", data={"email": address})
    assert "Enter the code" in page.text, page.text
    page = await browser.post(page.url.path, data={"code": await code_for(address)})
    assert page.status_code == 200, page.text


async def code_for(address: str) -> str:
    """The code in the newest mail to an address."""
    return _found(r"\b(\d{6})\b", await newest_mail(address))


async def link_for(address: str) -> str:
    """The path of the link in the newest mail to an address."""
    return _found(r"(/l/[\w-]+)", await newest_mail(address))


async def newest_mail(address: str) -> str:
    for each in await messages.mailbox(200):
        if each.to == address and each.letter:
            return each.letter.text
    raise AssertionError(f"No mail to {address}.")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


class Officer:
    """An officer with a password and an authenticator."""

    def __init__(self, id: str, address: str, secret: str) -> None:
        self.id, self.address, self.totp = id, address, pyotp.TOTP(secret)
