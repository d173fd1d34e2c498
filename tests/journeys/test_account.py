"""A customer who can no longer open her mailbox signs in with her account at the company, and her request needs no mail."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from portal.settings import HOME
from tests.identity import provider
from tests.identity.provider import CLIENT, SECRET, Provider
from tests.journeys.conftest import Portal, free_port, serving
from tests.journeys.steps import press, somebody


@pytest.fixture
def accounts() -> Iterator[Provider]:
    with provider.serving() as server:
        yield server


@contextmanager
def certified(folder: Path, back: str) -> Iterator[str]:
    """The issuer of another people's provider, which npm installs in `folder`; `back` is where it may send people."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Needs node and npm.")
    shutil.copytree(HOME / "tests" / "identity" / "real_provider", folder)
    installed = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"npm cannot install it here: {installed.stderr[-300:]}")
    port = free_port()
    with subprocess.Popen([node, "server.mjs", str(port), back], cwd=folder, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        while "ready" not in running.stdout.readline():
            assert running.poll() is None
        yield f"http://127.0.0.1:{port}"
        running.kill()


@pytest.fixture
def portal(demo: Path, tmp_path: Path, accounts: Provider) -> Iterator[Portal]:
    shutil.copytree(demo, tmp_path / "var")
    there = {"PORTAL_OPENID_ISSUER": accounts.issuer, "PORTAL_OPENID_CLIENT": CLIENT, "PORTAL_OPENID_SECRET": SECRET}
    with serving(tmp_path / "var", None, **there, PORTAL_OUTBOUND_ALLOW="127.0.0.0/8") as running:
        yield running


def test_her_account_stands_for_the_mailbox(visitor: Page, portal: Portal, accounts: Provider) -> None:
    accounts.email = somebody(portal.var, "language = 'en'", skip=5)[1]
    visitor.goto("/sign-in")
    assert Axe().run(visitor).violations_count == 0
    visitor.get_by_role("button", name="Sign in with my account").click()
    visitor.get_by_role("link", name="It is me").click()
    expect(visitor).to_have_url(re.compile("/preferences$"))
    visitor.goto("/requests/new")
    visitor.get_by_label("Get a copy of my data", exact=True).check()
    press(visitor, "Send the request")
    expect(visitor).to_have_url(re.compile("/requests/[^/]+$"))
    expect(visitor.get_by_role("main")).to_contain_text("Next, one of us starts the search in our systems.")
    portal.verify_log()


def test_an_account_that_names_nobody_leads_back_to_the_mail(visitor: Page, portal: Portal, accounts: Provider) -> None:
    accounts.change = lambda claims: claims | {"email_verified": False}
    visitor.goto("/sign-in")
    visitor.get_by_role("button", name="Sign in with my account").click()
    visitor.get_by_role("link", name="It is me").click()
    expect(visitor.get_by_role("alert")).to_contain_text("did not tell us who you are")
    expect(visitor.get_by_label("Your e-mail address")).to_be_visible()


@pytest.mark.deep
def test_a_certified_provider_signs_people_in(chromium: Browser, demo: Path, tmp_path: Path) -> None:
    """One that keeps the address where only the token leads, and asks for leave before it tells it."""
    shutil.copytree(demo, tmp_path / "var")
    port = free_port()
    with certified(tmp_path / "provider", f"http://127.0.0.1:{port}/sign-in/account") as issuer:
        there = {"PORTAL_OPENID_ISSUER": issuer, "PORTAL_OPENID_CLIENT": CLIENT, "PORTAL_OPENID_SECRET": SECRET}
        with serving(tmp_path / "var", port, **there, PORTAL_OUTBOUND_ALLOW="127.0.0.0/8") as portal, chromium.new_page() as page:
            page.goto(f"{portal.address}/sign-in")
            page.get_by_role("button", name="Sign in with my account").click()
            page.locator("input[name=login]").fill("someone@example.com")
            page.locator("input[name=password]").fill("anything")
            page.get_by_role("button", name="Sign-in").click()
            page.get_by_role("button", name="Continue").click()
            expect(page).to_have_url(f"{portal.address}/preferences")
            portal.verify_log()
