"""A customer who can no longer open her mailbox signs in with her account at the company, and her request needs no mail."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.identity import provider
from tests.identity.provider import CLIENT, SECRET, Provider
from tests.journeys.conftest import Portal, serving
from tests.journeys.steps import press, somebody


@pytest.fixture
def accounts() -> Iterator[Provider]:
    with provider.serving() as server:
        yield server


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
