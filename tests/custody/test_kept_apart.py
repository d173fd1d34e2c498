"""What people and officers closed since the backup without a no: addresses that were left or are shared, people who are two,
pauses, and restrictions whose end was told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import audit, consent, custody, db, subjects
from portal.audit import safetyfile
from portal.consent.batches import find_batch, undo_import
from portal.lib import clock
from portal.settings import Settings
from portal.subjects import Identifier
from tests.consent.lists import LIST, imported, may, written
from tests.consent.people import publish
from tests.custody.copies import allowed, back_up, backed_up_yesterday, found_portal, meet, open_portal, say
from tests.people import ANA, BEN, Browser, sign_in


@pytest.fixture
async def yesterday(portal: Settings, tmp_path: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    return await backed_up_yesterday(tmp_path / "backups")


async def test_whoever_has_a_mailbox_now_does_not_read_what_its_former_owner_said(yesterday: Path) -> None:
    async with _then():
        ana = await _known(ANA)
        await consent.addresses.not_theirs(ana.id, subject=ana.subject, by=f"customer:{ana.subject}")
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"identifier.disowned": 1, "consent.suppressed": 3}, "once for each channel"
    async with open_portal():
        left = await _known(ANA)
        assert left.id == ana.id and left.audience == subjects.FORMER and left.verified_at is None
        assert not await _reads_a_yes(ANA) and await _reads_a_yes(BEN)
        assert (await _known(ANA)).id != ana.id, "who proves the mailbox is somebody new"
    async with _then():
        pass
    assert (await custody.restore(yesterday, new_log=True)).again["identifier.erased"] == 1
    async with open_portal():
        assert (await subjects.get(ana.id)).erased_at is not None


async def test_an_address_that_is_hers_again_before_the_backup_stays_hers(yesterday: Path, tmp_path: Path) -> None:
    async with _then():
        ana = await _known(ANA)
        await consent.addresses.not_theirs(ana.id, subject=ana.subject, by="system")
        await consent.addresses.theirs(ana.id, subject=ana.subject, shared=False, by="system")
        later = (await back_up(tmp_path / "later")).data
    assert (await custody.restore(later, new_log=True)).again == {}
    async with open_portal():
        assert (await _known(ANA)).audience == "person"


async def test_an_address_that_others_read_too_is_shared_again(yesterday: Path) -> None:
    async with _then():
        async with db.writing():
            await subjects.set_audience((await _known(ANA)).id, "shared", by="system")
            await subjects.set_audience((await _known(BEN)).id, "person", by="system")
    assert (await custody.restore(yesterday, new_log=True)).again == {"identifier.audience": 1}
    async with open_portal():
        assert ((await _known(ANA)).audience, (await _known(BEN)).audience) == ("shared", "person")


async def test_two_people_who_were_taken_for_one_when_the_backup_was_made_stay_apart(portal: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        ana, ben = await meet(ANA), await meet(BEN)
        await say(ben, "yes")
        async with db.writing():
            await subjects.link(ben.id, ana.subject, by="officer:olga", why="told us")
        made = (await back_up(tmp_path / "backups")).data
        assert len((await subjects.whole(ana.subject)).identifiers) == 2
        async with db.writing():
            await subjects.split(ben.id, by="officer:olga", why="not the same person")
        await audit.sequence_all()
    assert (await custody.restore(made, new_log=True)).again == {"subject.split": 1}
    async with open_portal():
        assert [each.id for each in (await subjects.whole(ana.subject)).identifiers] == [ana.id]
        assert [each.id for each in (await subjects.whole(ben.subject)).identifiers] == [ben.id]
        assert not await _reads_a_yes(ANA) and await _reads_a_yes(BEN)


async def test_a_running_pause_goes_on_until_its_day_and_one_that_was_ended_does_not(yesterday: Path) -> None:
    async with _then():
        until = clock.now() + timedelta(days=30)
        for each in (ANA, BEN):
            await consent.pause((await _known(each)).subject, until=until, by="system")
        await consent.resume((await _known(BEN)).subject, by="system")
        assert not await allowed(ANA) and await allowed(BEN)
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.paused": 2, "consent.resumed": 1}
    async with open_portal():
        assert not await allowed(ANA) and await allowed(BEN)
        with clock.at(until + timedelta(seconds=1)):
            assert await allowed(ANA)


async def test_a_pause_that_is_over_by_then_is_not_begun_again(yesterday: Path) -> None:
    async with _then():
        await consent.pause((await _known(ANA)).subject, until=clock.now() + timedelta(hours=1), by="system")
    with clock.at(clock.now() + timedelta(hours=2)):
        assert (await custody.restore(yesterday, new_log=True)).again == {}


async def test_a_restriction_whose_end_the_person_was_told_of_stays_lifted(portal: Settings, tmp_path: Path) -> None:
    """One that was set before the backup and one after it; Ben's was not lifted."""
    await backed_up_yesterday(tmp_path / "first")
    async with _then():
        ana, ben = await _known(ANA), await _known(BEN)
        await consent.stops.restrict(ana.subject, by="system", why="accuracy contested")
        made = (await back_up(tmp_path / "backups")).data
        await consent.stops.restrict(ana.subject, by="system", why="unlawful use")
        await consent.stops.restrict(ben.subject, by="system", why="unlawful use")
        await consent.stops.lift_restriction(ana.subject, by="officer:petra", why="checked", person_told=True)
    done = await custody.restore(made, new_log=True)
    assert done.again == {"consent.restricted": 2, "consent.lifted": 2}
    async with open_portal():
        assert await allowed(ANA) and not await allowed(BEN)


async def test_an_import_that_was_taken_back_opens_nobody_again_and_its_noes_stay(portal: Settings, tmp_path: Path) -> None:
    with clock.at(datetime(2026, 11, 20, 12, tzinfo=UTC)):  # the yeses of the list have not run out
        async with open_portal():
            await publish()
            batch = await imported(written(tmp_path, LIST))
            made = (await back_up(tmp_path / "backups")).data
            assert await may(ANA)
            await undo_import(batch.id, by="officer:petra")
            await audit.sequence_all()
        assert (await custody.restore(made, new_log=True)).again == {"consent.import_undone": 1}
        async with open_portal():
            assert not await may(ANA) and not await may(BEN) and (await find_batch(batch.id)).undone_at is not None


async def test_the_safety_log_keeps_of_all_this_no_address_and_nobodys_words(yesterday: Path) -> None:
    async with _then():
        ana, ben = await _known(ANA), await _known(BEN)
        await consent.pause(ben.subject, until=clock.now() + timedelta(days=30), by="system")
        await consent.addresses.not_theirs(ana.id, subject=ana.subject, by="system")
    lines = [str(each.what) for each in safetyfile.read()]
    assert len(lines) >= 3 and not [each for each in lines if "example" in each or "ana@" in each]
    assert ana.id.encode() not in safetyfile.path().read_bytes()


@asynccontextmanager
async def _then() -> AsyncIterator[None]:
    """The portal is open; all that happens is signed."""
    async with open_portal():
        yield
        await audit.sequence_all()


async def _known(address: str) -> Identifier:
    found = await subjects.find("email", address)
    assert found is not None
    return found


async def _reads_a_yes(address: str) -> bool:
    """Whether who has this mailbox finds a yes in the copy of their answers."""
    async with Browser() as browser:
        await sign_in(browser, address)
        return '"yes"' in (await browser.get("/preferences/download")).text
