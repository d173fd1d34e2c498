"""The demo company to break, and one seed per run: printed with a failure, given again by `--fault-seed`."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.oracle import name_of, on_server
from tests.journeys.conftest import database_of, the_demo

CompanyOn = Callable[[str], Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of this folder waits until the demo company is made, which takes its time on a busy machine."""
    for item in items:
        if item.path.parent == Path(__file__).parent and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-seed", help="repeat a run of tests/faults with the seed that it printed")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Different each run; a failed test shows it among what it printed."""
    given = request.config.getoption("--fault-seed", default=None)
    chosen = int(given) if given else random.SystemRandom().randrange(1_000_000)
    print(f"Again with: pytest --fault-seed {chosen} {request.node.nodeid}")
    return chosen


@pytest.fixture(scope="session")
def demo_on_postgresql(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo company as the generator leaves it on PostgreSQL, the template of each copy."""
    name = f"the_demo_{os.urandom(3).hex()}"
    on_server(postgresql_server, f"CREATE DATABASE {name}")
    yield the_demo(tmp_path_factory.getbasetemp(), postgresql_server.replace("NAME", name))
    on_server(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def company_on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[CompanyOn]:
    """Makes a copy of the demo company whose portal stands on "sqlite" or "postgresql", a new one at each call."""
    made: list[str] = []

    def copy(database: str) -> Path:
        name = f"company_{os.urandom(6).hex()}"
        if database == "sqlite":
            return shutil.copytree(the_demo(tmp_path_factory.getbasetemp()), tmp_path / name)
        demo: Path = request.getfixturevalue("demo_on_postgresql")
        server: str = request.getfixturevalue("postgresql_server")
        on_server(server, f"CREATE DATABASE {name} TEMPLATE {name_of(database_of(demo))}")
        made.append(name)
        shutil.copytree(demo, tmp_path / name)
        (tmp_path / name / "database-url").write_text(server.replace("NAME", name))
        return tmp_path / name

    yield copy
    for name in made:
        on_server(request.getfixturevalue("postgresql_server"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def var(company_on: CompanyOn) -> Path:
    """A copy of the demo company, on SQLite."""
    return company_on("sqlite")
