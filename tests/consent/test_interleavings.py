"""Whatever is said, merged, split, undone, clicked, paused, imported, told, restored and repeated in whatever order and at
whatever time the clock shows: a no is never lost, on real rows. The acts are in alphabet.py, what must hold is in oracle.py.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import consent, db, subjects
from portal.lib import clock
from tests.conftest import House, apart, on_both, opened, settings_in
from tests.connectors.receiver import SECRET, Receiver, receiving
from tests.consent.acts import do, tell
from tests.consent.alphabet import acts, around_a_restore, clicked_and_told, while_the_clock_moves
from tests.consent.hooks import connect_hooks
from tests.consent.oracle import Oracle, check_folds, check_no_lost, check_system
from tests.consent.people import publish

Acts = list[tuple[Any, ...]]
_numbers = count()


@pytest.fixture
async def receiver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def asking(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file in which the purposes were published before every hour to which the clock goes back."""
    folder = tmp_path_factory.mktemp("asking")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    apart(_published(folder))
    return folder


@settings(max_examples=25)
@given(st.lists(acts, min_size=3, max_size=14))
@on_both
async def test_a_no_is_never_lost_whatever_happens_in_whatever_order(
    house: House, receiver: Receiver, tmp_path: Path, acts: Acts
) -> None:
    if not await consent.purposes():
        await _publish_early()
        connect_hooks(house, tmp_path, receiver, every=True)
    await _live_through(tmp_path, receiver, acts)


@settings(max_examples=60)
@given(st.lists(while_the_clock_moves, min_size=3, max_size=8))
async def test_nor_while_the_clock_goes_back(asking: Path, receiver: Receiver, acts: Acts) -> None:
    async with _anew(asking, receiver) as folder:
        await _live_through(folder, receiver, acts)


@settings(max_examples=30)
@given(clicked_and_told)
async def test_nor_by_the_link_of_a_mail_or_on_the_way_to_a_system(asking: Path, receiver: Receiver, acts: Acts) -> None:
    async with _anew(asking, receiver) as folder:
        await _live_through(folder, receiver, acts)


@settings(max_examples=15)
@given(around_a_restore)
async def test_nor_by_a_restored_backup(asking: Path, receiver: Receiver, acts: Acts) -> None:
    async with _anew(asking, receiver) as folder:
        await _live_through(folder, receiver, acts)


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("_part", range(2))
@settings(max_examples=250)
@given(around_a_restore)
async def test_nor_by_five_hundred_restored_backups(asking: Path, receiver: Receiver, _part: int, acts: Acts) -> None:
    async with _anew(asking, receiver) as folder:
        await _live_through(folder, receiver, acts)


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("_quarter", range(4))
@settings(max_examples=2_500)
@given(st.lists(acts, min_size=3, max_size=14))
async def test_nor_in_ten_thousand_ways(asking: Path, receiver: Receiver, _quarter: int, acts: Acts) -> None:
    async with _anew(asking, receiver) as folder:
        await _live_through(folder, receiver, acts)


async def _published(folder: Path) -> None:
    async with opened(settings_in(folder)):
        await _publish_early()


async def _publish_early() -> None:
    with clock.at(clock.now() - timedelta(days=90)):
        await publish()


@asynccontextmanager
async def _anew(asking: Path, receiver: Receiver) -> AsyncIterator[Path]:
    """A portal of its own, so that a restored backup holds nobody else."""
    with TemporaryDirectory() as place:
        folder = Path(shutil.copytree(asking, Path(place) / "var"))
        async with opened(settings_in(folder)) as house:
            connect_hooks(house, folder, receiver, every=True)
            receiver.taken.clear()
            receiver.seen.clear()
            yield folder


async def _live_through(folder: Path, receiver: Receiver, acts: Acts) -> None:
    number = next(_numbers)
    async with db.writing():
        people = [await subjects.ensure("email", f"p{who}.{number}@example.com", by="system") for who in range(2)]
    oracle = Oracle(people, folder, number, receiver)
    for act, *more in acts:
        oracle.step += 1
        with clock.at(clock.now() + oracle.ahead):
            await do(oracle, act, more)
    with clock.at(clock.now() + oracle.ahead):
        await check_no_lost(oracle)
        await check_folds(oracle)
    with clock.at(clock.now() + timedelta(days=3)):  # after every hour to which the clock went, so that all is due
        await tell(oracle, "takes")
        await check_system(oracle)
    with clock.at(clock.now() + timedelta(days=800)):
        await check_no_lost(oracle)
