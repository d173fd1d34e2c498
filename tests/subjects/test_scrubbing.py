"""After an erasure the wrapped key of the person is in no file of the database any more (AUDIT: the vault)."""

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
