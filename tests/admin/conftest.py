"""A company with two connected systems, its officers, and their browsers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cases.shops import Company, found_company
from tests.conftest import House
from tests.people import OLGA, PETRA, VIK, Browser, go_to_work, hire


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


@pytest.fixture
async def olga(company: Company) -> AsyncIterator[Browser]:
    """A privacy officer at her desk."""
    async with Browser() as browser:
        await go_to_work(browser, await hire(OLGA, "privacy-officer"))
        yield browser


@pytest.fixture
async def petra(company: Company) -> AsyncIterator[Browser]:
    """The second pair of eyes."""
    async with Browser() as browser:
        await go_to_work(browser, await hire(PETRA, "approver"))
        yield browser


@pytest.fixture
async def vik(company: Company) -> AsyncIterator[Browser]:
    """The auditor."""
    async with Browser() as browser:
        await go_to_work(browser, await hire(VIK, "auditor"))
        yield browser
