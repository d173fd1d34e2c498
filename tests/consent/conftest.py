"""Both databases in one process: tortoise keeps its insert statements per table, whatever the database speaks."""

from collections.abc import Iterator

import pytest
from tortoise.backends.base.executor import EXECUTOR_CACHE


@pytest.fixture(autouse=True)
def forgotten_statements() -> Iterator[None]:
    EXECUTOR_CACHE.clear()
    yield
    EXECUTOR_CACHE.clear()
