"""What asks for judgement is noted beside what was found, sealed, so that a request's page reads none of it again."""

import json
import time

import pytest

from portal import cases, db, jobs, subjects
from portal.cases import findings, models, moves, signs
from portal.cases.findings import Entry
from portal.connectors.contract import Field
from tests.cases.shops import OLGA, Company, collected
from tests.conftest import on_both

ADDRESS = "It names an address that was not proven."


@on_both
async def test_a_page_says_why_it_takes_two_without_reading_what_was_found(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    found = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "purchase")
    number = next(number for number, each in enumerate(found.rows) if "mallory" in str(each.fields))
    assert await _told(case_id, monkeypatch) == [ADDRESS]
    await cases.redact(case_id, found.id, number, "item", reason="third party", officer=OLGA)
    assert await _told(case_id, monkeypatch) == []
    await cases.unredact(case_id, found.id, number, "item", officer=OLGA)
    assert await _told(case_id, monkeypatch) == [ADDRESS]


async def _told(case_id: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    async def refuse(blob_id: str) -> list[object]:
        raise AssertionError("What was found was read to show a page.")

    with monkeypatch.context() as patch:
        patch.setattr(findings, "_rows", refuse)
        return await cases.caution.told(case_id)


async def test_an_address_that_is_proven_later_is_the_persons_own(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For ANA.second@example.com')")
    case_id = await collected("access")
    assert await _told(case_id, monkeypatch) == [ADDRESS]
    row = await moves.load(case_id)
    async with db.writing():
        other = await subjects.ensure("email", "ana.second@example.com", by="import")
        proven = await models.CaseIdentifier.filter(case_id=row.id).first()
        assert proven is not None
        await models.CaseIdentifier.create(
            id="second", case_id=row.id, identifier=other.id, how="code", proven_at=proven.proven_at
        )
    assert await _told(case_id, monkeypatch) == []


async def test_what_was_found_before_there_were_notes_is_read(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    async with db.writing():
        await db.run("UPDATE case_finding SET signs = NULL WHERE case_id = ?", case_id)
    assert await cases.caution.told(case_id) == [ADDRESS]


@on_both
async def test_the_note_names_nobody_in_the_database_and_falls_with_what_was_found(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    kept = [each.signs for each in await models.FindingRow.filter(case_id=case_id)]
    assert kept and all(each and b"mallory" not in each for each in kept)
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    row = await moves.load(case_id)
    assert not await models.FindingRow.filter(case_id=case_id, round__lt=row.round).exclude(signs=None).exists()
    for each in await models.FindingRow.filter(case_id=case_id, round=row.round):
        async with db.writing():
            await db.run("DELETE FROM blob WHERE id = ?", each.blob_id)
    assert await cases.caution.told(case_id) == [], "What is not kept any more is not told from the note."


def test_more_addresses_than_are_noted_are_one_too_many() -> None:
    def rows(count: int) -> list[Entry]:
        fields = [Field("to", "To", f"a{number}@example.com", "contact", False) for number in range(count)]
        return [Entry({"id": number}, [each]) for number, each in enumerate(fields)]

    few, many = (signs.of_table("shop", "orders", "t", rows(count)) for count in (signs.MOST, signs.MOST + 1))
    assert not few.more and many.more and len(many.addresses) == signs.MOST
    assert signs.Signs.from_json(many.to_json()) == many


@pytest.mark.deep
async def test_a_page_over_a_hundred_thousand_entries_is_there_at_once(company: Company) -> None:
    items = [f"({100 + number}, 1, 'Tea {number}, two boxes')" for number in range(100_000)]
    company.run("shop", f"INSERT INTO purchase VALUES {', '.join(items)}")
    case_id = await collected("access")
    took = []
    for _each in range(5):
        began = time.perf_counter()
        assert await cases.caution.told(case_id) == []
        took.append(time.perf_counter() - began)
    print(json.dumps(took))
    assert sorted(took)[2] < 0.05, took
