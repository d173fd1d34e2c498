"""A house with two connected systems."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE

from portal import settings
from tests.cases.shops import Company, found_company
from tests.conftest import House


@pytest.fixture(autouse=True)
def fresh_executors() -> None:
    """Tortoise keeps its statements per table, not per kind of database."""
    EXECUTOR_CACHE.clear()


@pytest.fixture
def company(house: House, tmp_path: Path) -> Iterator[Company]:
    try:
        yield found_company(house, tmp_path / "company")
    finally:
        settings.use(house.settings)
