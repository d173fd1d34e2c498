"""The days that lists and exports are dated for, and outside systems that hear of every change."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.lib import clock
from tests.conftest import House
from tests.connectors.receiver import SECRET, Receiver, receiving
from tests.consent.exports import NOW
from tests.consent.hooks import connect_hooks
from tests.consent.letters import connect_letters
from tests.consent.people import publish


@pytest.fixture
def on_the_day_of_the_lists() -> Iterator[None]:
    """The dates in these lists are those of one year; a yes of theirs has not run out."""
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield


@pytest.fixture
def on_the_day_of_the_exports() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
async def letters(house: House, tmp_path: Path) -> Path:
    """A newsletter database, connected."""
    path = connect_letters(house, tmp_path)
    await publish()
    return path


@pytest.fixture
async def hooks(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """A receiver of webhooks about back-in-stock mails, from whom people in competitions come."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        connect_hooks(house, tmp_path, receiver)
        await publish()
        yield receiver
