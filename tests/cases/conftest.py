"""A house with two connected systems."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal import settings
from tests.cases.restored_shop import Shop
from tests.cases.shops import SHOP, Company, found_company
from tests.conftest import House


@pytest.fixture
def company(house: House, tmp_path: Path) -> Iterator[Company]:
    try:
        yield found_company(house, tmp_path / "company")
    finally:
        settings.use(house.settings)


@pytest.fixture
def shop(company: Company) -> Shop:
    return Shop(company)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_shop(request: pytest.FixtureRequest, company: Company) -> Iterator[Shop]:
    """The shop on either database, whatever the portal itself lies on."""
    if request.param == "sqlite":
        yield Shop(company)
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"shop_{os.urandom(6).hex()}"
    with psycopg.connect(server.replace("NAME", "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    shop = Shop(company, server.replace("NAME", name))
    entry = company.folder / "systems.toml"
    entry.write_text(entry.read_text().replace("sqlite:///shop.db", shop.address))
    try:
        shop.run(SHOP)
        yield shop
    finally:
        shop.drop()
