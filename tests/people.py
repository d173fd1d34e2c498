"""Who appears in the tests: Ana and Ben (customers), Olga and Petra (officers), Vik (auditor), Mallory.

`Browser` is what a person holds: cookies, our own origin, and no scripts.
"""

import re
from datetime import timedelta

import httpx2
import pyotp

from portal import identity, messages
from portal.app import build
from portal.lib import clock

ANA, BEN, MALLORY = "ana@example.com", "ben@example.com", "mallory@example.com"
OLGA, PETRA, VIK = "olga@example.com", "petra@example.com", "vik@example.com"
PASSWORD = "correct horse battery staple"


class Browser(httpx2.AsyncClient):
    """A browser without scripts on the portal's pages, in the network `peer`; the database is opened by the test."""

    def __init__(self, peer: str = "127.0.0.1") -> None:
        ours = "http://127.0.0.1:8000"
        super().__init__(
            transport=httpx2.ASGITransport(app=build(), raise_app_exceptions=False, client=(peer, 4711)),
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
    """An officer with a password and an authenticator, which gives each code once."""

    def __init__(self, id: str, address: str, secret: str) -> None:
        self.id, self.address, self.totp, self.last = id, address, pyotp.TOTP(secret), 0

    def code(self) -> str:
        """The code of this half minute, or of the next one when this one was given already."""
        self.last = max(self.last + 1, int(clock.now().timestamp()) // 30)
        return self.totp.generate_otp(self.last)


async def hire(address: str, *roles: str) -> Officer:
    """Invited by the operator, with `PASSWORD` and a second factor."""
    secret = pyotp.random_base32()
    invitation = await identity.invite(address, name=address.partition("@")[0].capitalize(), roles=list(roles), by=None)
    setup = await identity.accept(invitation.link.rsplit("/", 1)[1], PASSWORD, totp_secret=secret)
    hired = Officer(setup.officer_id, address, secret)
    with clock.at(clock.now() - timedelta(minutes=5)):  # so that its first code is not used up here
        await identity.second_factor(setup.half, hired.totp.at(clock.now()))
    return hired


async def go_to_work(browser: Browser, officer: Officer) -> httpx2.Response:
    """Signs an officer in through the pages; answers the page they land on."""
    await browser.get("/admin/sign-in")
    page = await browser.post("/admin/sign-in", data={"email": officer.address, "password": PASSWORD})
    assert "Your code" in page.text, page.text
    page = await browser.post("/admin/sign-in/code", data={"code": officer.code()})
    assert page.status_code == 200 and "second factor" not in page.text, page.text
    return page
