"""The sql connector passes the contract on SQLite and on PostgreSQL."""

import asyncio
import re
from pathlib import Path

import pytest

from portal.connectors import Cell
from tests.connectors import shop
from tests.contracts.connector import ConnectorContract, Stand


class TestSqlConnector(ConnectorContract):
    @pytest.fixture
    def stand(self, address: str, tmp_path: Path) -> Stand:
        async def consent_of_ana() -> bool | None:
            question = "SELECT status FROM subscription WHERE lower(email) = 'ana@example.com' AND list = 'weekly'"
            found = await asyncio.to_thread(shop.rows, address, question)
            return found[0].status == "subscribed" if found else None

        async def one_more_row() -> None:
            statement = "INSERT INTO subscription VALUES ('ana@example.com', 'offers', 'subscribed', NULL, NULL)"
            await asyncio.to_thread(shop.run, address, statement)

        nowhere = re.sub(r"theirs", "nowhere", address)
        return Stand(
            connector=shop.open_shop(address, tmp_path),
            unreachable=shop.connected(nowhere, shop.MAP, tmp_path),
            ana=shop.ANA,
            ben=shop.BEN,
            cell=Cell("newsletter", "email"),
            consent_of_ana=consent_of_ana,
            correction=("name", "Ana-Maria"),
            one_more_row=one_more_row,
        )
