"""Yesterday's backup, restored today: nobody comes back who was erased, no no is lost, and the log tells no two stories."""

import random
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from portal import audit, consent, custody, db, settings, subjects, vault
from portal.audit import lockfile, safetyfile
from portal.lib.errors import Conflict, Invalid
from portal.settings import HOME, Settings
from tests.audit.acts import require_whole
from tests.conftest import LOG_KEY
from tests.custody.copies import (
    allowed,
    back_up,
    backed_up_yesterday,
    found_portal,
    meet,
    no_that_was_never_signed,
    open_portal,
    say,
)
from tests.people import ANA, BEN, MALLORY


@pytest.fixture
async def yesterday(on_sqlite: Settings, tmp_path: Path) -> Path:
    """Ana and Ben said yes, and a backup was made."""
    return await backed_up_yesterday(tmp_path / "backups")


async def test_a_no_said_after_the_backup_still_counts_with_its_grade_and_time(yesterday: Path) -> None:
    async with open_portal():
        ana = await subjects.find("email", ANA)
        assert ana is not None and await allowed(ANA)
        no = await say(ana, "no")
        before = await db.row("SELECT * FROM decision WHERE id = ?", no)
        await audit.sequence_all()
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.refused": 1}
    async with open_portal():
        after = await db.row("SELECT * FROM decision WHERE id = ?", no)
        assert before is not None and after is not None
        same = ("identifier", "purpose", "channel", "topic", "answer", "claimed_at", "said_at", "grade", "actor", "source")
        assert {name: before[name] for name in same} == {name: after[name] for name in same}
        assert not await allowed(ANA) and await allowed(BEN)
        await audit.sequence_all()
        [entry] = await audit.search(event="consent.refused")
        assert audit.verify_receipt(await audit.prove(entry.id), [await audit.log_key()]).ok


async def test_who_was_erased_after_the_backup_stays_erased(yesterday: Path) -> None:
    async with open_portal():
        ana = await subjects.find("email", ANA)
        assert ana is not None
        async with db.writing():
            await consent.stops.stop_erased(ana.subject, by="system")
            await subjects.forget(ana.subject, by="system")
        await audit.sequence_all()
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.stopped_for_erasure": 1, "subject.erased": 1}
    async with open_portal():
        assert await subjects.find("email", ANA) is None and await allowed(BEN)
        assert (await subjects.get(ana.id)).erased_at is not None
        assert await vault.find_key("life", ana.subject) is None
        assert not (await consent.permission(ana.id, "newsletter", "email")).allowed


async def test_stops_and_coded_notes_and_the_noes_of_strangers_come_back(yesterday: Path) -> None:
    """Mallory's address was not known when the backup was made: it is closed by a coded note."""
    async with open_portal():
        ben = await subjects.find("email", BEN)
        assert ben is not None
        await consent.stops.object_to_marketing(ben.subject, by="system")
        mallory = await meet(MALLORY)
        await say(mallory, "no")
        async with db.writing():
            await subjects.suppress("email", "carol@example.com", basis="asked", by="system")
        await audit.sequence_all()
    done = await custody.restore(yesterday, new_log=True)
    assert done.again == {"consent.objected": 1, "consent.refused": 1, "subject.suppressed": 1}
    async with open_portal():
        assert not await allowed(BEN) and await allowed(ANA)
        assert await subjects.is_suppressed("email", MALLORY) and await subjects.is_suppressed("email", "carol@example.com")
        again = await audit.safety.replay()
        assert again == {}, "doing it twice changed something"


async def test_an_older_backup_needs_a_new_log_and_that_carries_the_last_checkpoint(yesterday: Path, on_sqlite: Settings) -> None:
    async with open_portal():
        await say(await meet(MALLORY), "yes")
        await audit.sequence_all()
        entry = (await audit.search(event="consent.granted"))[0]
        receipt, old_key, last = await audit.prove(entry.id), await audit.log_key(), lockfile.path().read_text()
        rows = await db.row("SELECT count(*) AS n FROM decision")
    with pytest.raises(Invalid, match="--new-log"):
        await custody.restore(yesterday)
    async with open_portal():
        assert await db.row("SELECT count(*) AS n FROM decision") == rows, "a refusal changed something"
        await require_whole()
    done = await custody.restore(yesterday, new_log=True)
    assert done.is_new_log and done.origin == "127.0.0.1:8000/audit/2"
    for _restart in range(2):
        async with open_portal():
            await require_whole()
            await say(await meet(f"{_restart}@example.com"), "no")
            await audit.sequence_all()
            assert (await require_whole()).origin == "127.0.0.1:8000/audit/2"
            [first] = await audit.search(event="log.continued")
            assert await audit.open_payload(first) == {"checkpoint": last}
            proven = audit.verify_receipt(await audit.prove(first.id), [await audit.log_key()])
            assert proven.ok and proven.index == done.entries
    assert audit.verify_receipt(receipt, [old_key]).ok, "a receipt of the lost range"
    assert lockfile.path().read_text().startswith("127.0.0.1:8000/audit/2\n")


async def test_a_backup_of_now_goes_on_in_the_same_log(on_sqlite: Settings, tmp_path: Path) -> None:
    async with open_portal():
        await found_portal()
        await say(await meet(ANA), "no")
        made = await back_up(tmp_path / "backups")
    done = await custody.restore(made.data)
    assert not done.is_new_log and done.origin.endswith("/audit/1") and done.again == {}
    async with open_portal():
        assert not await allowed(ANA)
        await audit.sequence_all()
        await require_whole()
    again = await custody.restore(made.data, new_log=True)
    assert done.before and again.before and Path(done.before) != Path(again.before), "both databases from before are kept"


async def test_a_no_that_was_taken_in_after_signing_had_stopped_survives_the_restore(yesterday: Path) -> None:
    """An old entry that does not fit stops signing, and with it safety.log; people are heard all the same."""
    newest = await no_that_was_never_signed(yesterday.parent)
    done = await custody.restore(newest)
    assert done.again == {"consent.refused": 1} and not done.before_unread
    async with open_portal():
        assert not await allowed(BEN)
        await audit.sequence_all()
        await require_whole()


async def test_where_nothing_is_left_the_backup_opens_under_a_new_name_alone(yesterday: Path, on_sqlite: Settings) -> None:
    shutil.rmtree(on_sqlite.var)
    with pytest.raises(Invalid, match=r"no audit\.lock"):
        await custody.restore(yesterday)
    assert (await custody.restore(yesterday, new_log=True)).before is None
    async with open_portal():
        assert await allowed(ANA)
        await audit.sequence_all()
        assert (await require_whole()).origin.endswith("/audit/2")


async def test_a_copy_put_back_by_hand_is_not_signed_until_it_is_restored(yesterday: Path, on_sqlite: Settings) -> None:
    shutil.copy(on_sqlite.var / "portal.db", on_sqlite.var / "by-hand")
    async with open_portal():
        ana = await subjects.find("email", ANA)
        assert ana is not None
        await say(ana, "no")
        await audit.sequence_all()
    for left in on_sqlite.var.glob("portal.db-*"):
        left.unlink()
    (on_sqlite.var / "by-hand").replace(on_sqlite.var / "portal.db")
    async with open_portal():
        with pytest.raises(audit.LogBroken, match="restored copy"):
            await audit.sequence_all()
    with pytest.raises(Invalid, match="--new-log"):
        await custody.complete()
    assert (await custody.complete(new_log=True)).again == {"consent.refused": 1}
    async with open_portal():
        assert await audit.sequence_all() > 0
        assert not await allowed(ANA)
        await require_whole()


async def test_nothing_is_restored_below_a_running_portal(yesterday: Path) -> None:
    async with open_portal():
        with pytest.raises(Conflict, match="running"):
            await custody.restore(yesterday, new_log=True)
        assert await allowed(ANA)


async def test_a_cut_or_flipped_backup_is_refused_with_the_reason(yesterday: Path, on_sqlite: Settings) -> None:
    """20 random cuts and 100 random bits, in the backup and in the keys' file by turns."""
    whole = {file: file.read_bytes() for file in (yesterday, yesterday.with_suffix(".keys"))}
    chance, before, reasons = random.Random(15), (on_sqlite.var / "portal.db").read_bytes(), list[str]()
    for number in range(120):
        file = yesterday if number % 4 else yesterday.with_suffix(".keys")
        damaged = bytearray(whole[file])
        if number < 20:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        file.write_bytes(damaged)
        with pytest.raises(Invalid) as refused:
            await custody.restore(yesterday, new_log=True)
        reasons.append(refused.value.sentence)
        file.write_bytes(whole[file])
    assert len(reasons) == 120 and all(
        ("Nothing was restored" in each and ".backup" in each) or ".keys" in each for each in reasons
    )
    assert (on_sqlite.var / "portal.db").read_bytes() == before and not list(on_sqlite.var.glob("custody-*"))
    assert (await custody.restore(yesterday, new_log=True)).entries


async def test_a_backup_of_another_portal_is_refused(yesterday: Path, on_sqlite: Settings) -> None:
    settings.use(replace(on_sqlite, master_key=vault.new_secret()))
    with pytest.raises(Invalid, match="another portal"):
        await custody.restore(yesterday, new_log=True)
    settings.use(replace(on_sqlite, log_key=vault.new_secret()))
    with pytest.raises(Invalid, match="Nothing was restored"):
        await custody.restore(yesterday, new_log=True)
    assert settings.get().log_key != LOG_KEY


@pytest.mark.parametrize("where", ["before", "half", "after"])
async def test_a_kill_beside_the_safety_log_loses_no_no(yesterday: Path, on_sqlite: Settings, where: str) -> None:
    """Killed -9 after the commit: before the safety line, in the middle of it, or before the lock file."""
    command = [sys.executable, "-m", "tests.custody.dying", str(on_sqlite.var), where]
    dead = await anyio.run_process(command, cwd=HOME, check=False)
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
    no = dead.stdout.decode().strip()
    assert safetyfile.last() is None or where == "after"
    async with open_portal():
        assert await audit.sequence_all() == 0, "it was not killed after the commit"
        assert [each.what["id"] for each in safetyfile.read()] == [no]
        ben = await subjects.find("email", BEN)
        assert ben is not None
        await say(ben, "no")
        await audit.sequence_all()
    assert (await custody.restore(yesterday, new_log=True)).again == {"consent.refused": 2}


async def test_the_safety_log_names_nobody_and_shows_every_change(yesterday: Path) -> None:
    async with open_portal():
        for each in (ANA, BEN):
            found = await subjects.find("email", each)
            assert found is not None
            await say(found, "no")
        await audit.sequence_all()
    raw = safetyfile.path().read_bytes()
    assert b"newsletter" not in raw and b"example" not in raw
    first, second = raw.splitlines(keepends=True)
    for damaged in (second + first, second, first + first, first.replace(first[40:41], b"A" if first[40:41] != b"A" else b"B")):
        safetyfile.path().write_bytes(damaged)
        with pytest.raises(audit.LogBroken):
            list(safetyfile.read())
        with pytest.raises(Invalid):
            await custody.restore(yesterday, new_log=True)


async def test_the_safety_log_goes_along_with_a_new_master_key(yesterday: Path, on_sqlite: Settings) -> None:
    async with open_portal():
        ana = await subjects.find("email", ANA)
        assert ana is not None
        await say(ana, "no")
        await audit.sequence_all()
    new = replace(on_sqlite, master_key=vault.new_secret(), former_master_key=on_sqlite.master_key)
    settings.use(new)
    async with open_portal():
        await say(ana, "no")
        await audit.sequence_all()
    settings.use(replace(new, former_master_key=""))
    assert len(list(safetyfile.read())) == 2
