"""A deletion that came after the backup is done again when the backup is restored, with all that fell with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import audit, cases, custody, db, settings, subjects
from portal.custody import backup
from tests.cases.shops import ANA, OLGA, Company, answer, collected, found_company, visit
from tests.conftest import House


@pytest.fixture
def company(sqlite_house: House, tmp_path: Path) -> Iterator[Company]:
    """On SQLite: what is done again after a restore does not depend on how the copy was made."""
    try:
        yield found_company(sqlite_house, tmp_path / "company")
    finally:
        settings.use(sqlite_house.settings)


async def test_what_older_requests_say_of_somebody_erased_since_the_backup_cannot_be_read(
    company: Company, tmp_path: Path
) -> None:
    async with db.writing():
        ana = await subjects.ensure("email", ANA, by="import")
    older = await collected("access")
    await cases.add_note(older, "Ana Pop called about her divorce.", officer=OLGA)
    await answer(older)
    session = await visit()
    await cases.download(await cases.hand_over(older, session), session)
    made = await backup.make(tmp_path / "backups")
    await answer(await collected("erasure"))
    await audit.sequence_all()
    await db.close()
    done = await custody.restore(made.data, new_log=True)
    await db.open_database()
    assert {"subject.erased": 1, "case.erased": 1}.items() <= done.again.items()
    case = await cases.case(older)
    assert (case.outcome, case.address, await cases.notes(older)) == ("fulfilled", "", [])
    assert (await subjects.get(ana.id)).erased_at is not None and await subjects.find("email", ANA) is None
    for table in ("session", "challenge"):
        assert await db.row(f"SELECT count(*) AS n FROM {table}") == {"n": 0}, table
