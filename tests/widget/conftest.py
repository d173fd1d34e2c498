"""A real portal with a site, that site on another port, and visitors in a real browser."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests import browser
from tests.journeys.conftest import Portal, portal_command, serving
from tests.sites.shops import SHOP, policies_of_shop
from tests.widget import site
from tests.widget.site import Shop


@dataclass
class Way:
    """How the shop gets the script: the portal that serves it, and the tag to paste."""

    portal: Portal
    key: str
    path: str
    integrity: str

    def tag(self, attributes: str = "", *, own: bool = False, nonce: str = "") -> str:
        """`own`: from the shop's own address, which passes /w/ on."""
        origin = "" if own else self.portal.address
        nonce = nonce and f'nonce="{nonce}"'
        pinned = f'integrity="{self.integrity}" crossorigin="anonymous"'
        return f'<script src="{origin}{self.path}" {pinned} data-site="{self.key}" {attributes} {nonce} async></script>'

    def reply(self, answer: str) -> dict[str, Any] | None:
        """What the server answered to the answer of this id, kept with what it did; without proof it was only counted."""
        found = self.rows("SELECT body FROM reply WHERE key = ?", f"w/shop/{answer}")
        return json.loads(found[0][0]) if found else None

    def decided(self) -> list[tuple[str, str]]:
        """Purpose and answer of all that was recorded, in order."""
        return self.rows("SELECT purpose, answer FROM decision ORDER BY id")

    def rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.portal.var / "portal.db", timeout=10)) as database:
            return database.execute(sql, values).fetchall()


@pytest.fixture(scope="session")
def the_shop() -> Iterator[Shop]:
    with site.opened() as shop:
        yield shop


@pytest.fixture(scope="session")
def published(the_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portal's things with the shop's texts published; copy them before you change them."""
    var = tmp_path_factory.mktemp("widget") / "var"
    var.mkdir()
    publish_shop(var, the_shop.address, the_shop.address.replace("127.0.0.1", "localhost"))
    return var


def publish_shop(var: Path, *origins: str) -> None:
    """A portal's things in `var`, with the shop's texts published and what it has to paste in `snippet`."""
    (var / "systems.toml").touch()
    policies_of_shop(var, *origins, text=SHOP)
    with in_policies(var):
        for command in (["migrate"], ["publish", "--yes"], ["sites", "snippet", "shop"]):
            done = portal_command(var, *command)
            assert done.returncode == 0, done.stdout + done.stderr
    (var / "snippet").write_text(done.stdout)


@contextmanager
def open_portal(var: Path, port: int | None = None) -> Iterator[Way]:
    """The portal in `var`, and what its shop has to paste."""
    with in_policies(var), serving(var, port) as portal:
        told = (var / "snippet").read_text()
        found = re.search(r'src="[^"]*?(/w/[^"]+)" integrity="([^"]+)".*data-site="([^"]+)"', told)
        assert found, told
        yield Way(portal, found[3], found[1], found[2])


@contextmanager
def in_policies(var: Path) -> Iterator[None]:
    """The portal of a test reads its own words; the portal's processes take them from the environment."""
    before = os.environ.get("PORTAL_POLICIES")
    os.environ["PORTAL_POLICIES"] = str(var / "policies")
    try:
        yield
    finally:
        if before is None:
            del os.environ["PORTAL_POLICIES"]
        else:
            os.environ["PORTAL_POLICIES"] = before


@pytest.fixture(scope="session")
def shared_way(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """One portal for all who only look at their own browser."""
    var = tmp_path_factory.mktemp("shared-widget") / "var"
    shutil.copytree(published, var)
    with open_portal(var) as way:
        yield way


@pytest.fixture
def way(shared_way: Way, the_shop: Shop) -> Iterator[Way]:
    the_shop.clean()
    the_shop.portal = shared_way.portal.address
    the_shop.tag = shared_way.tag()
    yield shared_way


@pytest.fixture
def shop(the_shop: Shop) -> Shop:
    return the_shop


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Closed with its file: Playwright holds an event loop, and the tests of the server's side start their own."""
    with browser.opened() as chromium:
        yield chromium


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """A new visitor's browser; whatever the script does wrong in it fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def begin(**options: Any) -> Page:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 800}, "locale": "en-GB"} | options))
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on("console", lambda told: problems.append(told.text) if "Content Security Policy" in told.text else None)
        return context.new_page()

    yield begin
    for context in contexts:
        context.close()
    assert problems == []


def sent(page: Page) -> list[dict[str, Any]]:
    """What the script tells the server from now on."""
    bodies: list[dict[str, Any]] = []
    page.on("request", lambda request: bodies.append(json.loads(request.post_data or "")) if "/choices" in request.url else None)
    return bodies
