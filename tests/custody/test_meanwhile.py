"""What happened between the backup and the end of the restore: keys that ended, noes while it ran, claims that were closed."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, custody, db, jobs, settings, subjects, vault
from portal.consent import openings
from portal.custody import backup
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.settings import HOME, Settings
from tests.audit.acts import require_whole
from tests.custody.copies import allowed, back_up, found_portal, meet, open_portal, say
from tests.people import ANA, BEN

DAY = timedelta(days=1)
CLAIM = openings.Claim("against us", "Court of Cluj 12/2027", "She says that she never said yes to us.")


@pytest.fixture
async def monday(portal: Settings, tmp_path: Path) -> backup.Made:
    """Ana was erased three years ago; what is kept of her ends in an hour. Ben is here."""
    with clock.at(clock.now() - timedelta(days=1096)):
        async with open_portal():
            await found_portal()
            ana = await meet(ANA)
            await say(ana, "yes")
            async with db.writing():
                await subjects.forget(ana.subject, by="system")
            await audit.sequence_all()
    async with open_portal():
        async with db.writing():
            await vault.end_at("evidence", [ana.subject], clock.now() + timedelta(hours=1))
        await say(await meet(BEN), "yes")
        return await back_up(tmp_path / "backups")


async def test_a_backup_is_sound_after_what_it_kept_of_somebody_has_ended(monday: backup.Made) -> None:
    with clock.at(clock.now() + DAY):
        async with open_portal():
            await _work("subjects.evidence_ends")
            tuesday = await back_up(monday.data.parent)
            gone = await _without_contents()
        assert backup.keys_for(monday.data) == tuesday.keys and gone > 0
        assert (await custody.drill(monday.data)).entries == monday.entries
        assert (await custody.restore(monday.data, new_log=True)).entries == monday.entries
        async with open_portal():
            await audit.sequence_all()
            await require_whole()
            assert await _without_contents() == gone and await allowed(BEN)


async def test_a_backup_with_later_keys_goes_on_in_the_same_log_if_nothing_was_signed_since(monday: backup.Made) -> None:
    """The day's work was lost with the machine, but its keys had been copied: the lock file still tells of Monday."""
    lock = settings.get().var / "audit.lock"
    before = lock.read_bytes()
    with clock.at(clock.now() + DAY):
        async with open_portal():
            await _work("subjects.evidence_ends")
            tuesday = await back_up(monday.data.parent)
        lock.write_bytes(before)
        done = await custody.restore(monday.data, keys=tuesday.keys)
        assert not done.is_new_log and done.origin.endswith("/audit/1")
        async with open_portal():
            await audit.sequence_all()
            await require_whole()


async def test_a_key_that_is_missing_without_an_erasure_is_still_refused(monday: backup.Made) -> None:
    async with open_portal():
        ben = await subjects.find("email", BEN)
        assert ben is not None
        async with db.writing():
            await db.run("DELETE FROM data_key WHERE kind = 'evidence' AND owner = ?", ben.subject)
        await back_up(monday.data.parent)
    with pytest.raises(Invalid, match="no erasure was recorded"):
        await custody.restore(monday.data, new_log=True)


async def test_keys_that_are_older_than_the_backup_are_refused(monday: backup.Made) -> None:
    with clock.at(clock.now() + DAY):
        async with open_portal():
            tuesday = await back_up(monday.data.parent)
        with pytest.raises(Invalid, match=r"\.keys is older than .*Nothing was restored"):
            await custody.restore(tuesday.data, keys=monday.keys, new_log=True)


@pytest.mark.parametrize("killed", ["never", "before", "after"])
async def test_a_no_said_while_a_restore_ran_stops_it(
    on_sqlite: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """The portal is started while the backup unpacks, and has stopped, or was killed, before it is put in place."""
    async with open_portal():
        await found_portal()
        await say(await meet(ANA), "yes")
        made = await back_up(tmp_path / "backups")
    with monkeypatch.context() as meanwhile:
        _then(meanwhile, "portal.custody.sqlite_copy.fill", lambda: _lives(on_sqlite, killed))
        with pytest.raises(Conflict, match="running meanwhile: nothing was changed"):
            await custody.restore(made.data, new_log=True)
    async with open_portal():
        assert not await allowed(ANA)
        await audit.sequence_all()
    assert (await custody.restore(made.data, new_log=True)).again == {"consent.refused": 1}


async def test_a_no_said_while_a_database_was_completed_in_its_place_is_told(
    on_sqlite: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_portal():
        await found_portal()
        await say(await meet(ANA), "yes")
        await audit.sequence_all()
    with monkeypatch.context() as meanwhile:
        _then(meanwhile, "portal.custody.restore.lay_beside", lambda: _lives(on_sqlite, "never"))
        with pytest.raises(Conflict, match="running meanwhile"):
            await custody.complete(new_log=True)
    await custody.complete(new_log=True)
    async with open_portal():
        assert not await allowed(ANA)
        await audit.sequence_all()
        await require_whole()


async def test_a_claim_that_was_taken_back_after_the_backup_opens_nothing_again(portal: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        ana = await meet(ANA)
        await say(ana, "yes")
        async with db.writing():
            await subjects.forget(ana.subject, by="system")
        agreed, waiting = [await openings.ask(ana.subject, CLAIM, officer="olga") for _each in range(2)]
        await openings.approve(agreed, (await openings.opening(agreed)).digest, officer="petra")
        made = await back_up(tmp_path / "backups")
        await openings.withdraw(agreed, officer="olga")
        await audit.sequence_all()
    await custody.restore(made.data, new_log=True)
    async with open_portal():
        assert {(await openings.opening(each)).state for each in (agreed, waiting)} == {openings.WITHDRAWN}
        await audit.sequence_all()
        [entry] = await audit.search(event="custody.restored")
        said = await audit.open_payload(entry)
        assert said is not None and said["claims_closed"] == 2


def _lives(there: Settings, killed: str) -> None:
    ran = subprocess.run([sys.executable, "-m", "tests.custody.dying", str(there.var), killed], cwd=HOME, capture_output=True)
    assert (ran.returncode == 0) == (killed == "never"), ran.stderr.decode()


def _then(patch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """Let something happen right after one of our own verbs."""
    module, _dot, verb = name.rpartition(".")
    usual = getattr(sys.modules[module], verb)

    def verb_and_more(*values: Any) -> Any:
        answer = usual(*values)
        act()
        return answer

    patch.setattr(sys.modules[module], verb, verb_and_more)


async def _work(verb: str) -> None:
    """What workers do when it is time."""
    async with db.writing():
        await jobs.later(verb, {}, key=None)
    await jobs.run_due()
    await audit.sequence_all()


async def _without_contents() -> int:
    found = await db.row("SELECT count(*) AS n FROM entry WHERE sealed IS NULL")
    assert found is not None
    return int(found["n"])
