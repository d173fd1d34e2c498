"""After an erasure the wrapped key of the person is in no file of the database any more (AUDIT: the vault)."""

import time

import asyncpg
import pytest

from portal import db, jobs, subjects
from tests.conftest import House
from tests.people import ANA


async def test_an_erased_persons_key_is_in_no_file(sqlite_house: House) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="system")
    stored = await db.row("SELECT wrapped FROM data_key WHERE kind = 'life' AND owner = ?", ana.subject)
    assert stored
    wrapped = bytes(stored["wrapped"])
    assert any(wrapped in file.read_bytes() for file in sqlite_house.settings.var.glob("portal.db*"))
    async with db.writing():
        await subjects.forget(ana.subject, by="system")
    await jobs.run_due()
    assert not any(wrapped in file.read_bytes() for file in sqlite_house.settings.var.glob("portal.db*"))


async def test_scrubbing_works_on_both_databases(house: House) -> None:
    assert await db.scrub("data_key")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("read", ["data_key", "throttle"])
async def test_while_somebody_reads_for_long_nobody_waits_and_it_is_tried_again(house: House, read: str) -> None:
    """As pg_dump reads the keys themselves, or something else with a snapshot in which the erased one is still there."""
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="system")
    other = await asyncpg.connect(house.settings.database)
    try:
        async with other.transaction(isolation="repeatable_read", readonly=True):
            await other.fetch(f"SELECT * FROM {read}")
            async with db.writing():
                await subjects.forget(ana.subject, by="system")
            began = time.monotonic()
            assert not await db.scrub("data_key")
            assert time.monotonic() - began < 2
            await jobs.run_due()
            assert await _waiting() == 1
        assert await db.scrub("data_key")
        assert await _still_dead(other) == ["0 dead row versions cannot be removed yet."]
    finally:
        await other.close()


async def _waiting() -> int:
    return len(await db.rows("SELECT id FROM job WHERE verb = 'subjects.scrub' AND state = 'waiting'"))


async def _still_dead(connection: asyncpg.Connection) -> list[str]:
    """What PostgreSQL itself says of the table."""
    told: list[str] = []
    connection.add_log_listener(lambda _connection, message: told.append(message.detail or ""))
    await connection.execute("VACUUM (FULL, VERBOSE) data_key")
    return [each.splitlines()[0] for each in told if each]
