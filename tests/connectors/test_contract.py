"""Each kind of system passes the one contract suite (tests/contracts): on a real database, a real receiver, a real service.

`http` is the template of docs/connector-template as an engineer runs it, answering in pages of two rows. The portal's own
tables pass theirs in tests/cases/test_own_data_contract.py, beside the case that they need.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portal import settings
from portal.connectors import Cell
from portal.connectors.systems import connect, read
from tests.conftest import House
from tests.connectors import shop, template
from tests.connectors.receiver import SECRET, Receiver, listed, receiving, write_list
from tests.contracts.connector import Apart, ApartContract, ConnectorContract, Stand

NEWS = Cell("newsletter", "email")
DOWN = "http://127.0.0.1:1/"
TAKES = 'purposes = ["newsletter"]'


class TestSql(ConnectorContract):
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
            cell=NEWS,
            consent_of_ana=consent_of_ana,
            correction=("name", "Ana-Maria"),
            one_more_row=one_more_row,
        )


@pytest.fixture
def allowed_inside(sqlite_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("CONNECTOR_SECRET", SECRET)
    settings.use(replace(sqlite_house.settings, outbound_allow="127.0.0.0/8"))


class TestWebhook(ApartContract):
    """A receiver that keeps what docs/integrate.md tells it to keep: the word with the highest `sequence`."""

    @pytest.fixture
    async def stand(self, allowed_inside: None, tmp_path: Path) -> AsyncIterator[Apart]:
        async with receiving() as receiver:
            entries = [listed("letters", receiver.url, TAKES), listed("gone", DOWN, TAKES)]
            connector, unreachable = map(connect, read(Path(write_list(tmp_path, *entries))))
            yield Apart(
                connector=connector,
                unreachable=unreachable,
                ana=shop.ANA,
                ben=shop.BEN,
                cell=NEWS,
                consent_of_ana=lambda: self._kept(receiver),
            )

    async def _kept(self, receiver: Receiver) -> bool | None:
        words = [message.data for message in receiver.taken if message.content["type"] == "consent.changed"]
        return max(words, key=lambda word: word["sequence"])["allowed"] if words else None


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    with template.serving() as server:
        yield server


class TestHttp(ConnectorContract):
    @pytest.fixture
    def stand(self, allowed_inside: None, running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
        monkeypatch.setattr(template.DOOR, "PAGE", 2)
        path = running.database = template.new_shop(tmp_path)

        async def consent_of_ana() -> bool | None:
            return bool(template.ask_shop(path, "SELECT newsletter FROM customer WHERE id = 1")[0][0])

        async def one_more_row() -> None:
            template.ask_shop(path, "INSERT INTO customer (email, name) VALUES ('ana@example.com', 'Ana')")

        url = f"http://127.0.0.1:{running.server_address[1]}/privacy"
        entries = [template.entry(url, TAKES), template.entry(DOWN, TAKES).replace("till", "gone")]
        connector, unreachable = map(connect, read(Path(write_list(tmp_path, *entries))))
        return Stand(
            connector=connector,
            unreachable=unreachable,
            ana=template.ANA,
            ben=template.BEN,
            cell=NEWS,
            consent_of_ana=consent_of_ana,
            correction=("name", "Ana-Maria"),
            one_more_row=one_more_row,
        )
