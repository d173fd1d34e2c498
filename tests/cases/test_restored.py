"""A deletion that came after the backup is done again when the backup is restored, with all that fell with it; and a legal
hold that counsel set since stands again, before any job of the older copy can delete what it covers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import audit, cases, custody, db, jobs, settings, subjects
from portal.custody import backup
from tests.cases.shops import ANA, BEN, MALLORY, OLGA, PETRA, Company, answer, collected, found_company, visit
from tests.cases.test_fulfilling import proposed_erasure
from tests.cases.test_holds import ALL, left
from tests.conftest import House

WHY = "Court case 12/2026 about the invoices."


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


async def test_a_legal_hold_set_since_the_backup_stops_the_deletion_that_the_backup_has_approved(
    company: Company, tmp_path: Path
) -> None:
    case_id, digest = await proposed_erasure()
    ended = await cases.legal_holds.set_on_system("news", WHY, officer="carla")
    await cases.legal_holds.lift(ended, officer="carla")
    still = await cases.legal_holds.set_on_system("news", WHY, officer="carla")
    await cases.approve(case_id, digest, officer=PETRA)
    made = await backup.make(tmp_path / "backups")
    ana = (await cases.case(case_id)).subject
    assert ana is not None
    hold = await cases.legal_holds.set_on_person(ana, WHY, officer="carla")
    short = await cases.legal_holds.set_on_system("shop", WHY, officer="carla")
    await cases.legal_holds.lift(short, officer="carla")
    await cases.legal_holds.lift(still, officer="carla")
    await audit.sequence_all()
    await db.close()
    done = await custody.restore(made.data, new_log=True)
    await db.open_database()
    assert {"hold.set": 2, "hold.ended": 2}.items() <= done.again.items()
    assert [(each.id, each.subject, each.why) for each in await cases.legal_holds.standing()] == [(hold, ana, WHY)]
    await jobs.run_due()
    assert left(company) == ALL and (await cases.case(case_id)).state == "fulfilling"
    await cases.legal_holds.lift(hold, officer="carla")
    await jobs.run_due()
    assert left(company) == [("shop", 0), ("news", 0)]


async def test_a_hold_on_somebody_whom_the_backup_does_not_know_stands_and_stops_nothing_else(
    company: Company, tmp_path: Path
) -> None:
    await audit.sequence_all()
    made = await backup.make(tmp_path / "backups")
    async with db.writing():
        since = await subjects.ensure("email", BEN, by="import")
    hold = await cases.legal_holds.set_on_person(since.subject, WHY, officer="carla")
    await restored(made.data)
    assert [each.id for each in await cases.legal_holds.standing()] == [hold]
    await audit.sequence_all()
    assert await db.row("SELECT count(*) AS n FROM entry WHERE log_index IS NULL") == {"n": 0}
    async with db.writing():
        await subjects.suppress("email", MALLORY, basis="asked", by="system")
    await audit.sequence_all()


async def test_a_hold_covers_records_that_were_joined_since_the_backup_until_it_is_lifted(
    company: Company, tmp_path: Path
) -> None:
    async with db.writing():
        ben = await subjects.ensure("email", BEN, by="import")
    case_id, digest = await proposed_erasure()
    await cases.approve(case_id, digest, officer=PETRA)
    made = await backup.make(tmp_path / "backups")
    async with db.writing():
        ana = await subjects.find("email", ANA)
        assert ana is not None
        await subjects.link(ana.id, ben.subject, by="officer:olga", why="One person.")
    hold = await cases.legal_holds.set_on_person(ben.subject, WHY, officer="carla")
    await restored(made.data)
    await jobs.run_due()
    assert left(company) == ALL and (await cases.case(case_id)).state == "fulfilling"
    assert {each.why for each in await cases.legal_holds.standing()} == {WHY}
    await cases.legal_holds.lift(hold, officer="carla")
    await jobs.run_due()
    assert left(company) == [("shop", 0), ("news", 0)]


async def test_a_hold_in_parts_is_lifted_whole_where_it_was_lifted_since_the_backup(company: Company, tmp_path: Path) -> None:
    async with db.writing():
        ben = await subjects.ensure("email", BEN, by="import")
        ana = await subjects.ensure("email", ANA, by="import")
    made = await backup.make(tmp_path / "backups")
    async with db.writing():
        await subjects.link(ana.id, ben.subject, by="officer:olga", why="One person.")
    await cases.legal_holds.lift(await cases.legal_holds.set_on_person(ben.subject, WHY, officer="carla"), officer="carla")
    done = await restored(made.data)
    assert done.again["hold.set"] == done.again["hold.ended"] == 1 and await cases.legal_holds.standing() == []
    assert await db.row("SELECT count(*) AS n FROM legal_hold") == {"n": 2}


async def restored(data: Path) -> custody.Restored:
    await audit.sequence_all()
    await db.close()
    done = await custody.restore(data, new_log=True)
    await db.open_database()
    return done
