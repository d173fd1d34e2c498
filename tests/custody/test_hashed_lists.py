"""A hashed suppression list that was committed since the backup closes the same addresses after the restore."""

import base64
import hashlib
from pathlib import Path

import pytest

from portal import audit, consent, custody
from portal.audit import safetyfile
from portal.consent import Cell
from portal.consent.batches import Batch, find_batch, undo_import
from portal.settings import Settings
from portal.subjects import hashes
from tests.consent.hashes import listed, taken
from tests.custody.copies import allowed, back_up, backed_up_yesterday, open_portal
from tests.people import ANA, BEN

CAROL = "carol@example.com"


@pytest.fixture
async def yesterday(portal: Settings, tmp_path: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    return await backed_up_yesterday(tmp_path / "backups")


async def test_it_closes_whom_it_closed_and_can_be_taken_back(yesterday: Path, tmp_path: Path) -> None:
    """Ana is known: a stop holds her. Carol is not: her hash alone does."""
    batch = await _take(listed(tmp_path, "carol", "ana"))
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.hashes_listed": 1, "consent.hashes_taken": 1, "consent.suppressed": 1}
    async with open_portal():
        assert await _is_closed(CAROL) and not await allowed(ANA) and await allowed(BEN)
        assert not await _is_closed("dan@example.com")
        after = await find_batch(batch.id)
        assert (after.phase, after.counts, after.sha256) == ("in force", batch.counts, batch.sha256)
        await undo_import(batch.id, by="officer:petra", why="the wrong list", also_noes=True)
        assert not await _is_closed(CAROL) and await allowed(ANA)


async def test_what_a_list_of_before_has_too_stays_closed_when_only_one_is_taken_back(yesterday: Path, tmp_path: Path) -> None:
    before = await _take(listed(tmp_path, "carol", "dan", name="a.csv"))
    async with open_portal():
        made = (await back_up(tmp_path / "later")).data
    await _take(listed(tmp_path, "carol", "eve", name="b.csv"))
    await custody.restore(made, new_log=True)
    async with open_portal():
        await undo_import(before.id, by="officer:petra", why="the wrong list", also_noes=True)
        assert await _is_closed(CAROL) and await _is_closed("eve@example.com") and not await _is_closed("dan@example.com")


async def test_a_list_that_was_taken_back_before_the_backup_does_not_close_again(yesterday: Path, tmp_path: Path) -> None:
    batch = await _take(listed(tmp_path, "carol"))
    async with open_portal():
        await undo_import(batch.id, by="officer:petra", why="the wrong list", also_noes=True)
        made = (await back_up(tmp_path / "later")).data
    assert (await custody.restore(made, new_log=True)).again == {}
    async with open_portal():
        assert not await _is_closed(CAROL)


async def test_it_is_kept_in_parts_under_our_key_and_a_second_restore_has_it_too(
    yesterday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "AT_ONCE", 20)
    names = [f"somebody-{number}" for number in range(50)]
    await _take(listed(tmp_path, *names))
    lines = [each for each in safetyfile.read() if each.event == "consent.hashes_listed"]
    assert [sum(count for *_what, count, _hashes in each.what["hashes"]) for each in lines] == [20, 20, 10]
    kept = b"".join(base64.b64decode(joined) for each in lines for *_what, joined in each.what["hashes"])
    bare = [hashlib.sha256(f"{each}@example.com".encode()).digest() for each in names]
    assert len(kept) == 16 * 50 and not [each for each in bare if each[:16] in kept]
    for restored in (yesterday, yesterday):
        assert (await custody.restore(restored, new_log=True)).again == {"consent.hashes_listed": 3, "consent.hashes_taken": 1}
        async with open_portal():
            assert all([await _is_closed(f"{each}@example.com") for each in names])
            await audit.sequence_all()


async def test_a_list_that_was_never_signed_survives_two_restores(yesterday: Path, tmp_path: Path) -> None:
    """What safety.log lacked comes from the database before, and is kept from the restored one on."""
    async with open_portal():
        await taken(listed(tmp_path, "carol"))
    for _time in range(2):
        assert (await custody.restore(yesterday, new_log=True)).again["consent.hashes_listed"] == 1
        async with open_portal():
            assert await _is_closed(CAROL)
            await audit.sequence_all()


async def test_the_name_of_the_file_and_its_bad_lines_are_not_kept_for_they_may_say_anything(
    yesterday: Path, tmp_path: Path
) -> None:
    path = listed(tmp_path, "carol", name="ana@example.com.csv")
    batch = await _take(path)
    assert not [each for each in safetyfile.read() if "example.com" in str(each.what)]
    await custody.restore(yesterday, new_log=True)
    async with open_portal():
        found = await find_batch(batch.id)
        assert (found.name, found.problems, found.planned_by) == ("", [], "officer:petra")


async def _take(path: Path) -> Batch:
    async with open_portal():
        batch = await taken(path)
        await audit.sequence_all()
        return batch


async def _is_closed(address: str) -> bool:
    """As another program asks: an address that nobody knows is open until a list closes it."""
    return not (await consent.ask("email", address, Cell("newsletter", "email"))).allowed and (
        ("email", address) in await hashes.closed([("email", address)])
    )
