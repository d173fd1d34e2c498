"""What every test may ask for: a migrated, empty portal on SQLite and on PostgreSQL.

`house` runs a test on both databases (on PostgreSQL often in make deep alone, see below); `sqlite_house` only on SQLite, for
doors and journeys. Test functions are plain `async def`. Hypothesis profiles: default (make test) and `deep` (make deep).
"""

import asyncio
import base64
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from anyio.pytest_plugin import get_runner
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from tortoise.apps import Apps
from tortoise.backends.base.executor import EXECUTOR_CACHE

from portal import db, logs, settings, sites, statement, vault
from portal.identity import passwords
from portal.settings import HOME, Settings
from tests import postgresql
from tests.log_lines import telling

Result = TypeVar("Result")

MASTER_KEY = base64.b64encode(b"m" * 32).decode()
LOG_KEY = base64.b64encode(b"l" * 32).decode()


def _memory_as_disk() -> None:
    """Let databases of tests lie in memory where there is plenty: they spend their time waiting for the disk otherwise.

    They kill processes, never the machine: what was written is there for the next process either way.
    """
    memory = Path("/dev/shm")  # only a name for memory
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and memory.is_mount() and shutil.disk_usage(memory).free > 4 * 1024**3:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


def _models_finalised_once() -> None:
    """A seventh of the processor's time of a test: tortoise derives each model's filters anew whenever it is opened."""
    finalise, known = Apps._build_initial_querysets, [""]

    def unless_known(apps: Apps) -> None:
        dialect = next(iter(next(iter(apps.values())).values()))._meta.db.capabilities.dialect
        if known[0] != dialect:
            finalise(apps)
            known[0] = dialect

    Apps._build_initial_querysets = unless_known  # type: ignore[assignment]


_memory_as_disk()
_models_finalised_once()
_quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
hypothesis_settings.register_profile("default", max_examples=40, deadline=None, suppress_health_check=_quiet)
hypothesis_settings.register_profile("deep", max_examples=400, deadline=None, suppress_health_check=_quiet)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_finish() -> None:
    """As `portal serve` does: what was loaded stays, and no collection of garbage walks over it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@dataclass(frozen=True)
class House:
    """An opened portal with an empty database; `settings` are the ones in use."""

    settings: Settings


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def one_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """All tests of a process share an event loop, and with it the child that prints papers: starting one takes seconds."""
    with get_runner("asyncio", {}) as runner:  # not by `anyio_backend`, which would make all tests asynchronous
        yield runner.run_fixture(_its_loop, {})


async def _its_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture(autouse=True)
def nothing_goes_on(one_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """What a test left running ends with it, as when each had a loop of its own."""
    before = asyncio.all_tasks(one_loop)
    yield
    left = asyncio.all_tasks(one_loop) - before
    for each in left:
        each.cancel()
    if left:
        one_loop.run_until_complete(asyncio.wait(left, timeout=10))


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """argon2 by its smallest parameters: with the portal's a sign-in takes a third of a second of the processor."""
    with passwords_hashed_by(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)):
        yield


@pytest.fixture
def slow_passwords() -> Iterator[None]:
    """Slow enough to wait in a queue for."""
    with passwords_hashed_by(PasswordHasher(time_cost=1, parallelism=1)):
        yield


@contextmanager
def passwords_hashed_by(hasher: PasswordHasher) -> Iterator[None]:
    before = passwords._hasher
    passwords._hasher = hasher
    passwords._dummy.cache_clear()
    try:
        yield
    finally:
        passwords._hasher = before
        passwords._dummy.cache_clear()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as address:
        yield address


def apart(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` in an event loop of its own thread: this thread's loop may be the browser's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the whole schema, copied for each test."""
    return migrated_file(tmp_path_factory.mktemp("migrated"))


def migrated_file(var: Path) -> Path:
    """An empty SQLite database in a folder of its own."""
    apart(_migrate(settings_in(var)))
    return var / "portal.db"


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgresql.Databases]:
    with migrated_databases(postgresql_server, tmp_path_factory.mktemp("migrating")) as databases:
        yield databases


@contextmanager
def migrated_databases(server: str, var: Path) -> Iterator[postgresql.Databases]:
    databases = postgresql.Databases(server, lambda address: apart(_migrate(replace(settings_in(var), database_url=address))))
    yield databases
    databases.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "portal.db")
        yield settings_in(tmp_path)
        return
    databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
    address = databases.take()
    try:
        yield replace(settings_in(tmp_path), database_url=address)
    finally:
        databases.give_back(address)
        # Emptied and used again: what this process would still have counted belongs to nobody there.
        sites.counts._waiting.pop(address, None)
        sites.traffic._books.pop(address, None)


on_both = pytest.mark.on_both
# Where the databases differ most: what transactions, locks and triggers promise.
GROUND = ("audit", "db", "jobs", "subjects", "vault")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On PostgreSQL: the ground, and of the rooms what happens at the same time and one whole life; all else in make deep.

    No statement waits for that: tests/both_databases.py shows each one to PostgreSQL.
    """
    for item in items:
        chosen = item.callspec.params.get("database") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
        room = item.path.relative_to(HOME / "tests").parts[0]
        if chosen == "postgresql" and room not in GROUND and not item.get_closest_marker("on_both"):
            item.add_marker(pytest.mark.deep)


@pytest.fixture
async def house(database: Settings) -> AsyncIterator[House]:
    async with opened(database) as house:
        yield house


@pytest.fixture
async def sqlite_house(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[House]:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    async with opened(settings_in(tmp_path)) as house:
        yield house


@pytest.fixture(scope="session")
def published_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a company of two systems (`found_company`) published its first texts."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    apart(_publish(folder))
    return folder / "portal.db"


@pytest.fixture
async def published_house(published_sqlite: Path, tmp_path: Path) -> AsyncIterator[House]:
    shutil.copy(published_sqlite, tmp_path / "portal.db")
    async with opened(settings_in(tmp_path)) as house:
        yield house


@pytest.fixture(scope="session", autouse=True)
def logged_as_served() -> None:
    logs.configure()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever a test does, no line of the log tells of somebody (ASVS 5.0 V16.2.5)."""
    report = yield
    if report.when == "teardown" and report.passed:
        told = [line for name, text in report.sections if name.startswith("Captured std") for line in telling(text)]
        if told:
            report.outcome, report.longrepr = "failed", "\n".join(["The log tells of somebody:", *told])
    return report


@asynccontextmanager
async def opened(wanted: Settings) -> AsyncIterator[House]:
    before = settings.get()
    settings.use(wanted)
    # Both databases in one process: tortoise keeps its insert statements per table, whatever the database speaks.
    EXECUTOR_CACHE.clear()
    await db.open_database()
    try:
        await vault.check_master_key()
        yield House(wanted)
    finally:
        await db.close()
        settings.use(before)


def settings_in(var: Path) -> Settings:
    return Settings(var=var, master_key=MASTER_KEY, log_key=LOG_KEY)


async def _migrate(wanted: Settings) -> None:
    await db.open_database(wanted)
    try:
        await db.migrate()
    finally:
        await db.close()


async def _publish(folder: Path) -> None:
    from tests.cases.shops import found_company  # which needs this module

    async with opened(settings_in(folder)) as house:
        found_company(house, folder / "company")
        await statement.publish_all("system", why="The first texts.")
