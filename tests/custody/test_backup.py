"""What lies in a backup, who can read it, how long its keys are kept, and the drill that shows that it can be restored."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, custody, db, settings, subjects, vault
from portal.custody import backup, sqlite_copy
from portal.lib import clock
from portal.lib.errors import Invalid, Unavailable
from portal.settings import Settings
from tests.custody.copies import allowed, back_up, found_portal, meet, open_portal, say
from tests.people import ANA, BEN


@pytest.fixture
async def made(on_sqlite: Settings, tmp_path: Path) -> backup.Made:
    async with open_portal():
        await found_portal()
        await say(await meet(ANA), "no")
        return await back_up(tmp_path / "backups")


async def test_a_backup_holds_no_key_and_nobody_reads_it(made: backup.Made, on_sqlite: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(on_sqlite.var / "portal.db")) as opened:
        wrapped = [each[0] for each in opened.execute("SELECT wrapped FROM data_key")]
    copy = tmp_path / "opened.db"
    copy.write_bytes(b"".join(vault.files.read(made.data, backup.USE)).partition(b"\n")[2])
    assert len(wrapped) > 3 and not [each for each in wrapped if each in copy.read_bytes()]
    for file in (made.data, made.keys):
        raw = file.read_bytes()
        assert not [each for each in (b"SQLite", b"newsletter", b"example.com", b"evidence", *wrapped) if each in raw]
    assert not list(on_sqlite.var.glob("custody-*")), "a copy in clear was left behind"
    with pytest.raises(vault.Tampered):
        list(vault.files.read(made.data, backup.USE_OF_KEYS))


async def test_files_of_keys_are_destroyed_after_thirty_days(made: backup.Made) -> None:
    async with open_portal():
        with clock.at(clock.now() + timedelta(days=29, hours=23)):
            killed = [each.with_name(each.name + ".unfinished") for each in (made.keys, made.data)]
            for each in killed:
                each.touch()
            assert (await backup.make(made.data.parent)).destroyed == 0 and made.keys.exists()
            assert not [each for each in killed if each.exists()]
        with clock.at(clock.now() + timedelta(days=30, seconds=1)):
            later = await backup.make(made.data.parent)
            assert later.destroyed == 1 and not made.keys.exists() and later.keys.exists()
    assert backup.keys_for(made.data) == later.keys, "later keys open an earlier backup"
    assert (await custody.restore(made.data, new_log=True)).entries == made.entries


async def test_a_backup_that_finds_no_room_says_so_and_leaves_nothing_behind(
    made: backup.Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's disk fills up half way through the data; then there is no folder that may be written to."""
    usual, before = sqlite_copy._without_keys, sorted(made.data.parent.iterdir())

    def no_room(copy: Path) -> Iterator[bytes]:
        yield from usual(copy)
        raise OSError(errno.ENOSPC, "No space left on device")

    async with open_portal():
        with monkeypatch.context() as full:
            full.setattr(sqlite_copy, "_without_keys", no_room)
            with pytest.raises(Unavailable, match="No backup was made: .*No space left"):
                await backup.make(made.data.parent)
        assert sorted(made.data.parent.iterdir()) == before
        with pytest.raises(Unavailable, match="No backup was made: "):
            await backup.make(made.data)
        assert (await backup.make(made.data.parent)).entries


async def test_later_keys_open_an_earlier_backup_without_whom_was_erased_meanwhile(
    made: backup.Made, on_sqlite: Settings
) -> None:
    async with open_portal():
        await say(await meet(BEN), "yes")
        ana = await subjects.find("email", ANA)
        assert ana is not None
        async with db.writing():
            await subjects.forget(ana.subject, by="system")
        await back_up(made.data.parent)
    (on_sqlite.var / "safety.log").unlink()
    await custody.restore(made.data, new_log=True)
    async with open_portal():
        assert await vault.find_key("life", ana.subject) is None


async def test_the_drill_proves_the_backup_and_records_the_day(made: backup.Made, on_sqlite: Settings) -> None:
    before = (on_sqlite.var / "audit.lock").read_bytes()
    async with open_portal():  # beside a portal that goes on
        later = await meet(BEN)
        await say(later, "no")
        await audit.sequence_all()
    done = await custody.drill(backup.newest(made.data.parent))
    assert (done.entries, done.receipts, done.again) == (made.entries, 1, {"consent.refused": 1})
    assert (on_sqlite.var / "audit.lock").read_bytes() != before
    async with open_portal():
        await audit.sequence_all()
        [entry] = await audit.search(event="custody.drilled")
        said = await audit.open_payload(entry)
        assert said is not None and said["receipts"] == 1
        assert not await allowed(BEN)


async def test_a_drill_that_fails_records_nothing(made: backup.Made) -> None:
    raw = bytearray(made.data.read_bytes())
    raw[-100] ^= 1
    made.data.write_bytes(raw)
    with pytest.raises(Invalid, match="changed"):
        await custody.drill(made.data)
    async with open_portal():
        assert await audit.search(event="custody.drilled") == []


async def test_backups_open_under_the_former_master_key_while_it_is_given(made: backup.Made, on_sqlite: Settings) -> None:
    changed = replace(on_sqlite, master_key=vault.new_secret(), former_master_key=on_sqlite.master_key)
    settings.use(changed)
    await custody.restore(made.data, new_log=True)
    async with open_portal():
        assert not await allowed(ANA)
    settings.use(replace(changed, former_master_key=""))
    with pytest.raises(Invalid, match="older than its master key"):
        await custody.restore(made.data, new_log=True)
