"""A house with two connected systems."""

from collections.abc import Iterator
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
