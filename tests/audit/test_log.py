"""Entries, the sequencer, and what it refuses to sign."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tortoise.backends.sqlite.client import SqliteClient

from portal import audit, db, settings, vault
from portal.audit import lockfile
from portal.audit.leaves import read_leaf
from portal.lib import clock
from tests.audit.acts import LEAF_TABLES, SAID, count, require_whole, say, without_triggers
from tests.conftest import House


def test_an_event_is_declared_once_and_named_well() -> None:
    with pytest.raises(ValueError, match="twice"):
        audit.Event("test.said", "Again.")
    with pytest.raises(ValueError, match="no name"):
        audit.Event("Test said", "Badly.")
    assert audit.vocabulary()["test.said"] is SAID


async def test_no_entry_without_its_change_and_no_change_without_its_entry(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.writing():
            await audit.record(SAID, actor="system")
            raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="inside the writing"):
        await audit.record(SAID, actor="system")
    assert await audit.sequence_all() == 0 and await count("entry") == 0


async def test_entries_get_gapless_places_and_a_signed_checkpoint(house: House) -> None:
    ids = await say(times=3) + await say(None) + await say(case="c-1")
    assert await audit.checkpoint() is None
    assert await audit.sequence_all() == 5
    assert [(each.log_index, each.id) for each in await audit.entries_after(-1)] == list(enumerate(ids))
    assert [each.id for each in await audit.entries_after(2, limit=1)] == [ids[3]]
    signed = await audit.checkpoint()
    assert signed is not None and (signed.size, signed.origin) == (5, "127.0.0.1:8000/audit/1")
    assert lockfile.path().read_text() == signed.note
    assert (await require_whole()).root == signed.root


async def test_what_waits_is_read_in_its_order_and_never_sorted(sqlite_house: House) -> None:
    """A list of a million waits while a thousand at a time get their places."""
    asked: list[str] = []
    for client in (db.connections.reader(), db.connections.writer()):
        assert isinstance(client, SqliteClient) and client._connection is not None
        await client._connection.set_trace_callback(asked.append)
    await say(times=3)
    await audit.sequence_all()
    assert await audit.unsigned_since() is None
    ordered = [each for each in asked if "log_index IS NULL" in each and "ORDER BY id" in each]
    assert len(set(ordered)) == 2
    for sql in set(ordered):
        plan = [each["detail"] for each in await db.rows(f"EXPLAIN QUERY PLAN {sql}")]
        assert plan == ["SCAN entry USING INDEX entry_outbox"], plan


async def test_a_leaf_names_nobody(house: House) -> None:
    (entry,) = await say("11111111-2222-7333-8444-555555555555", address="a…@example.com")
    await audit.sequence_all()
    for table in ("leaf", "tile", "checkpoint"):
        for stored in await db.rows(f"SELECT * FROM {table}"):
            text = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in stored.values())
            assert not any(secret in text for secret in (b"1111", b"example.com", b"ana", entry.encode()))
    sealed = await db.row("SELECT sealed FROM entry")
    assert sealed is not None and b"example" not in bytes(sealed["sealed"])


async def test_more_than_one_batch_and_more_than_one_tile(house: House) -> None:
    for part in (300, 1, 255, 700):
        await say(times=part)
        await audit.sequence_all()
    assert await count("tile", "level = 0") == 5 and await count("tile", "level = 1") == 1
    await require_whole()


async def test_the_log_keeps_its_origin_when_the_address_changes(sqlite_house: House) -> None:
    await say()
    await audit.sequence_all()
    try:
        settings.use(replace(sqlite_house.settings, base_url="https://privacy.example.com"))
        await say()
        await audit.sequence_all()
        assert (await require_whole()).origin == "127.0.0.1:8000/audit/1"
    finally:
        settings.use(sqlite_house.settings)


async def test_a_clock_stepping_back_is_clamped_and_recorded(sqlite_house: House) -> None:
    with clock.at(datetime(2026, 5, 1, tzinfo=UTC)):
        await say()
        await audit.sequence_all()
    with clock.at(datetime(2026, 4, 1, tzinfo=UTC)):
        for _turn in range(2):
            await say()
            await audit.sequence_all()
    leaves = [read_leaf(bytes(each["bytes"])) for each in await db.rows("SELECT bytes FROM leaf ORDER BY log_index")]
    assert [leaf.time[:10] for leaf in leaves] == ["2026-05-01"] * 4
    assert sorted(leaf.event for leaf in leaves) == ["log.clock_stepped_back", *["test.said"] * 3]
    await require_whole()


async def test_the_database_refuses_to_change_or_drop_what_is_logged(house: House) -> None:
    await say(times=2)
    await audit.sequence_all()
    statements = [f"DELETE FROM {table}" for table in LEAF_TABLES]
    statements += ["UPDATE leaf SET bytes = bytes", "UPDATE checkpoint SET note = 'x'", "UPDATE head SET size = size - 1"]
    statements += ["UPDATE tile SET number = 7", "UPDATE entry SET event = 'x'", "UPDATE entry SET log_index = log_index + 10"]
    statements += ["UPDATE entry SET subject = 'ben'", "UPDATE entry SET n = 5", "UPDATE entry SET sealed = NULL, event = 'x'"]
    statements += [f"UPDATE tile SET hashes = CAST('{'x' * 64}' AS {'BLOB' if house.settings.is_sqlite else 'BYTEA'})"]
    if not house.settings.is_sqlite:
        statements += [f"TRUNCATE {table}" for table in LEAF_TABLES]
    for statement in statements:
        with pytest.raises(Exception, match="append-only"):
            async with db.writing():
                await db.run(statement)
    await require_whole()


async def test_sequencers_racing_make_no_fork(house: House) -> None:
    async def write() -> None:
        for _number in range(10):
            await say(times=3)

    async def sequence() -> int:
        total = 0
        for _number in range(10):
            total += await audit.sequence_all()
            await asyncio.sleep(0.002)
        return total

    await say()
    results = await asyncio.gather(write(), write(), sequence(), sequence(), sequence())
    assert sum(each or 0 for each in results) + await audit.sequence_all() == 61
    assert [each.log_index for each in await audit.entries_after(-1)] == list(range(61))
    await require_whole()


async def test_the_running_sequencer_is_woken_by_a_commit_and_stops(house: House) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(audit.run_sequencer(stop))
    try:
        await asyncio.sleep(0.15)
        for _number in range(3):
            (entry,) = await say()
            receipt = await audit.prove(entry)  # waits for the sequencer, a second at the most
            assert audit.verify_receipt(receipt, [await audit.log_key()]).ok
    finally:
        stop.set()
        await asyncio.wait_for(running, 3)


async def test_a_second_sequencer_takes_over_when_the_first_ends(house: House) -> None:
    stops = [asyncio.Event(), asyncio.Event()]
    running = [asyncio.create_task(audit.run_sequencer(stop)) for stop in stops]
    try:
        for stop, task in zip(stops, running, strict=True):
            (entry,) = await say()
            assert await audit.prove(entry)
            stop.set()
            await asyncio.wait_for(task, 3)
    finally:
        for task in running:
            task.cancel()
    await require_whole()


async def test_a_crash_before_the_lock_file_is_caught_up(house: House) -> None:
    await say(times=5)
    await audit.sequence_all()
    old = lockfile.path().read_text()
    await say(times=4)
    await audit.sequence_all()
    new = lockfile.path().read_text()
    lockfile.path().write_text(old)  # as if the process had died between commit and lock file
    assert await audit.sequence_all() == 0
    assert lockfile.path().read_text() == new
    await require_whole()


async def test_a_restored_older_copy_is_not_signed_on(sqlite_house: House) -> None:
    await say(times=2)
    await audit.sequence_all()
    file = sqlite_house.settings.var / "portal.db"
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(file.with_suffix(".backup"))) as copy:
        source.backup(copy)
    await say(times=2)
    await audit.sequence_all()
    await db.close()
    for leftover in file.parent.glob("portal.db-*"):
        leftover.unlink()
    shutil.copy(file.with_suffix(".backup"), file)
    await db.open_database()
    await say()
    with pytest.raises(audit.LogBroken, match="restored copy"):
        await audit.sequence_all()
    report = await audit.verify_log()
    assert not report.ok and report.first_bad == 2
    assert await count("checkpoint") == 1


async def test_another_history_is_not_signed_on(house: House) -> None:
    await say(times=3)
    await audit.sequence_all()
    kept = lockfile.path().read_text()
    await without_triggers()
    async with db.writing():
        for table in ("entry", "leaf", "tile", "checkpoint"):
            await db.run(f"DELETE FROM {table}")
        await db.run("UPDATE head SET size = 0, frontier = CAST('' AS " + ("BLOB)" if house.settings.is_sqlite else "BYTEA)"))
    lockfile.path().unlink()
    await say(times=4)
    await audit.sequence_all()  # the forger has the key and his own lock file …
    lockfile.path().write_text(kept)  # … but not ours
    await say()
    with pytest.raises(audit.LogBroken, match="does not continue"):
        await audit.sequence_all()
    assert not (await audit.verify_log()).ok


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE head SET frontier = {other}",
        "UPDATE tile SET hashes = {other}",
        "UPDATE checkpoint SET note = replace(note, '— ', '—  ')",
        "DELETE FROM tile",
    ],
)
async def test_nothing_is_signed_on_damaged_ground(sqlite_house: House, damage: str) -> None:
    await say()
    await audit.sequence_all()
    await without_triggers()
    async with db.writing():
        await db.run(damage.format(other=f"CAST('{'x' * 32}' AS BLOB)"))
    await say()
    with pytest.raises(audit.LogBroken):
        await audit.sequence_all()
    assert await count("checkpoint") == 1 and await count("leaf") == 1
    lockfile_before = lockfile.path().read_text()
    assert not (await audit.verify_log()).ok
    assert lockfile.path().read_text() == lockfile_before


async def test_another_signing_key_is_refused(sqlite_house: House) -> None:
    await say()
    await audit.sequence_all()
    try:
        settings.use(replace(sqlite_house.settings, log_key=vault.new_secret()))
        await say()
        with pytest.raises(audit.LogBroken):
            await audit.sequence_all()
    finally:
        settings.use(sqlite_house.settings)
    assert await audit.sequence_all() == 1
