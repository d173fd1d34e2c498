"""The demo company to break, and one seed per run: printed with a failure, given again by `--fault-seed`."""

import random
import shutil
from pathlib import Path

import pytest

from tests.journeys.conftest import the_demo


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


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of the demo company."""
    shutil.copytree(the_demo(tmp_path_factory.getbasetemp()), tmp_path / "var")
    return tmp_path / "var"
