"""A house with two connected systems."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from portal import settings
from tests.cases.shops import Company, found_company
from tests.conftest import House


@pytest.fixture
def company(house: House, tmp_path: Path) -> Iterator[Company]:
    try:
        yield found_company(house, tmp_path / "company")
    finally:
        settings.use(house.settings)


@pytest.fixture(scope="module")
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """The tests of a file share an event loop, and with it the child that prints: it takes a second to start."""
    yield
