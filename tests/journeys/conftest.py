"""A real portal for a real browser: the demo company in a folder of its own, served by a process of its own."""

import base64
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from portal.settings import HOME
from tests import browser
from tests.log_lines import telling


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of this folder waits until the demo company is made, which takes its time on a busy machine."""
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


@dataclass
class Portal:
    """A running portal: where it answers and where it keeps its things."""

    address: str
    var: Path
    process: subprocess.Popen[bytes]
    ready_after: float = 0.0

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`portal …` beside the running server."""
        return portal_command(self.var, *arguments)

    def verify_log(self) -> str:
        done = self.command("audit", "verify")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def environment(var: Path, port: int = 8000) -> dict[str, str]:
    """The environment of the demo, with `var` and a database of its own."""
    return os.environ | {
        "PORTAL_VAR": str(var),
        "PORTAL_DATABASE_URL": database_of(var),
        "PORTAL_DEMO": "1",
        "PORTAL_PORT": str(port),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_SYSTEMS": str(var / "systems.toml"),
        "PORTAL_MASTER_KEY": base64.b64encode(b"m" * 32).decode(),
        "PORTAL_LOG_KEY": base64.b64encode(b"l" * 32).decode(),
        "PORTAL_LOG_LEVEL": "warning",
    }


def database_of(var: Path) -> str:
    """The address that a portal on PostgreSQL keeps beside its things; without one it takes SQLite in `var`."""
    note = var / "database-url"
    return note.read_text() if note.exists() else ""


def portal_command(var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "portal.cli", *arguments]
    return subprocess.run(command, cwd=HOME, env=environment(var), capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def serving(var: Path, port: int | None = None, **settings: str) -> Iterator[Portal]:
    """Serve the portal in `var` until the block ends; whatever happens, the process is gone then. `settings`: PORTAL_…"""
    port = port or free_port()
    with running(var, "serve", PORTAL_PORT=str(port), PORTAL_BASE_URL=f"http://127.0.0.1:{port}", **settings) as process:
        portal = Portal(f"http://127.0.0.1:{port}", var, process)
        portal.ready_after = wait_until_ready(portal)
        yield portal


@contextmanager
def running(var: Path, command: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`portal …` as a process that is gone when the block ends; what it says goes to server.log."""
    with (var / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.cli", command], cwd=HOME, env=environment(var) | settings, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
    assert telling((var / "server.log").read_text(errors="replace")) == []


def wait_until_ready(portal: Portal, seconds: float = 30) -> float:
    """How many seconds it took to answer."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if portal.process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{portal.address}/readyz", timeout=1)
            return time.monotonic() - started
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError((portal.var / "server.log").read_text()[-3000:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def the_demo(folder: Path, database: str = "") -> Path:
    """The demo company as the generator leaves it, made in `folder` unless it is there; copy it before you change it."""
    if "PYTEST_XDIST_WORKER" in os.environ and not database:
        folder = folder.parent  # one for all workers; PostgreSQL's stands on the server of its own worker
    var = folder / ("the-demo-on-postgresql" if database else "the-demo")
    with var.with_suffix(".lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _make_demo(var, database)
    return var


def _make_demo(var: Path, database: str) -> None:
    if not var.exists():
        var.mkdir()
        if database:
            (var / "database-url").write_text(database)
        done = portal_command(var, "demo")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return the_demo(tmp_path_factory.getbasetemp())


@pytest.fixture
def portal(demo: Path, tmp_path: Path) -> Iterator[Portal]:
    shutil.copytree(demo, tmp_path / "var")
    with serving(tmp_path / "var") as running:
        yield running


@pytest.fixture(scope="module")
def shared_portal(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One for a whole file, where each test takes a customer of its own and nobody counts."""
    var = tmp_path_factory.mktemp("shared") / "var"
    shutil.copytree(demo, var)
    with serving(var) as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Closed with this folder's last test: Playwright holds an event loop, and no other test could start its own."""
    with browser.opened() as chromium:
        yield chromium


@pytest.fixture
def visitor(chromium: Browser, portal: Portal) -> Iterator[Page]:
    """A customer's browser on the portal; any script error or blocked content fails the test."""
    context = chromium.new_context(base_url=portal.address, locale="en-GB")
    yield from _watched(context)


@pytest.fixture
def colleague(chromium: Browser, portal: Portal) -> Iterator[Page]:
    """An officer's browser, apart from the customer's."""
    context = chromium.new_context(base_url=portal.address, locale="en-GB", viewport={"width": 1280, "height": 900})
    yield from _watched(context)


def _watched(context: BrowserContext) -> Iterator[Page]:
    context.set_default_timeout(30_000)
    problems: list[str] = []
    page = context.new_page()
    context.on("weberror", lambda error: problems.append(str(error.error)))
    context.on("console", lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None)
    yield page
    context.close()
    assert problems == []
