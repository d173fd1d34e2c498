"""A correction changes the entry that is meant and no other, says where it could not, and a refusal stays a refusal."""

from datetime import timedelta
from typing import Any

import pytest

from portal import audit, cases, db, jobs
from portal.cases import contact
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import ANA, OLGA, PETRA, Company, collected, letters_to, newest_to, visit
from tests.conftest import on_both

MONTH = timedelta(days=31)
HOMES = """CREATE TABLE address (id INTEGER PRIMARY KEY, customer_id INTEGER, kind TEXT, street TEXT, code INTEGER);
INSERT INTO address VALUES (1, 1, 'home', 'Home 1', 400001), (2, 1, 'parents', 'Parents 9', 500001);"""
HOMES_MAP = """
[tables.address]
label = "Addresses"
category = "contact"
via = "address.customer_id = customer.id"
columns = { kind = "Kind", street = "Street", code = "Postcode" }
correctable = { street = "street", postcode = "code" }
on_erase = "delete"
"""
NAMED_NEWS = (
    "ALTER TABLE subscription ADD COLUMN name VARCHAR(80); UPDATE subscription SET name = 'Ana Pop' WHERE email LIKE 'ana%'"
)


def with_two_homes(company: Company) -> Company:
    company.run("shop", HOMES)
    company.folder.joinpath("shop.toml").write_text(company.folder.joinpath("shop.toml").read_text() + HOMES_MAP)
    return company


def with_a_name_in_the_newsletter(company: Company) -> Company:
    company.run("news", NAMED_NEWS)
    rules = company.folder / "news.toml"
    rules.write_text(rules.read_text().replace('status = "State" }', 'status = "State", name = "Name" }'))
    return company


async def asked(old: dict[str, str] | None = None, **changes: str) -> str:
    return await collected("rectification", details={"changes": changes} | ({"old": old} if old else {}))


async def standing(case_id: str, field: str) -> list[Any]:
    return [each for row in await cases.corrections(case_id) if row["field"] == field for each in row["targets"]]


async def answer(case_id: str, answer: str = "fulfilled", reasons: str = "") -> None:
    if await cases.propose(case_id, answer=answer, reasons=reasons, officer=OLGA) == "approving":
        waiting = await cases.proposal(case_id)
        assert waiting is not None
        await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()


def homes(company: Company) -> list[Any]:
    return company.rows("shop", "SELECT street, code FROM address ORDER BY id")


async def test_of_two_addresses_only_the_one_the_officer_chose_is_corrected(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked(street="Home 2")
    found = await standing(case_id, "street")
    assert [(each.old, each.settled, each.chosen) for each in found] == [("Home 1", None, False), ("Parents 9", None, False)]
    for wrong in ([], ["no-such-entry"], [found[0].id, "none-shop"]):
        with pytest.raises(Invalid):
            await cases.decide_correction(case_id, "street", True, rows=wrong, officer=OLGA)
    with pytest.raises(Conflict, match="No connected system can correct this"):
        await cases.decide_correction(case_id, "street", True, rows=["none-shop"], officer=OLGA)
    await cases.decide_correction(case_id, "street", True, rows=[found[0].id], officer=OLGA)
    [correction] = await cases.corrections(case_id)
    assert (correction["old"], correction["new"]) == ("Home 1", "Home 2")
    await answer(case_id)
    assert homes(company) == [("Home 2", 400001), ("Parents 9", 500001)]
    letter = await newest_to(ANA, "mail/case-corrected")
    assert "Web shop: Addresses" in letter and "in every connected system that holds it" in letter


async def test_what_the_person_says_it_says_now_decides_which_address_is_meant(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked({"street": " parents  9"}, street="Parents 10")
    assert [(each.old, each.chosen) for each in await standing(case_id, "street")] == [("Home 1", False), ("Parents 9", True)]
    await cases.decide_correction(case_id, "street", True, officer=OLGA)
    await answer(case_id)
    assert homes(company) == [("Home 1", 400001), ("Parents 10", 500001)]


async def test_an_old_value_that_no_entry_has_leaves_the_choice_to_the_officer(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked({"street": "Elsewhere 5"}, street="Home 2")
    assert [each.settled for each in await standing(case_id, "street")] == [None, None]


async def test_what_is_said_to_be_wrong_names_a_field_that_is_corrected(company: Company) -> None:
    with pytest.raises(Invalid):
        await asked({"phone": "0712"}, name="Ana")


async def test_an_entry_that_says_the_new_value_already_makes_no_other_change_by_itself(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked(street="Home 1")
    assert [(each.old, each.settled) for each in await standing(case_id, "street")] == [("Home 1", True), ("Parents 9", None)]
    await cases.decide_correction(case_id, "street", True, rows=["none-shop"], officer=OLGA)
    await answer(case_id)
    assert homes(company) == [("Home 1", 400001), ("Parents 9", 500001)]


async def test_a_system_that_holds_the_field_and_cannot_correct_it_is_named_and_the_answer_is_in_part(company: Company) -> None:
    with_a_name_in_the_newsletter(company)
    case_id = await asked(name="Ana Ionescu")
    assert [(each.system, each.correctable) for each in await standing(case_id, "name")] == [("shop", True), ("news", False)]
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    with pytest.raises(Conflict, match=r"Newsletter: Newsletters.*in part"):
        await cases.propose(case_id, officer=OLGA)
    await answer(case_id, "partly", "The newsletter's list is closed to us.")
    assert company.rows("shop", "SELECT name FROM customer WHERE id = 1") == [("Ana Ionescu",)]
    assert (await cases.case(case_id)).outcome == "partly"
    letter = await newest_to(ANA, "mail/case-corrected")
    assert "corrected, and read again to be sure (Web shop: Your account)" in letter
    assert "cannot be corrected there: Newsletter: Newsletters" in letter
    assert "in every connected system" not in letter


async def test_when_every_field_is_declined_the_person_gets_a_refusal_with_the_reasons(company: Company) -> None:
    case_id = await asked(name="Queen Ana")
    await cases.decide_correction(case_id, "name", False, why="Your passport says Ana Pop.", officer=OLGA)
    for other in ("fulfilled", "partly"):
        with pytest.raises(Conflict, match="refusal"):
            await cases.propose(case_id, answer=other, reasons="All of it was declined.", officer=OLGA)
    await answer(case_id, "refused", "We looked at the documents.")
    assert (await cases.case(case_id)).outcome == "refused"
    letter = await newest_to(ANA, "mail/case-refused")
    assert "Your passport says Ana Pop." in letter and "complain" in letter and "go to court" in letter
    assert "mail/case-corrected" not in await letters_to(ANA)


async def test_a_number_written_with_a_leading_zero_is_corrected_once_and_for_all(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked({"postcode": "400001"}, postcode="040122")
    await cases.decide_correction(case_id, "postcode", True, officer=OLGA)
    await answer(case_id)
    assert homes(company) == [("Home 1", 40122), ("Parents 9", 500001)]
    assert (await cases.case(case_id)).outcome == "fulfilled"
    assert (await cases.corrections(case_id))[0]["read_back"] is True


async def test_a_value_that_the_column_cannot_hold_stops_and_the_next_round_begins_afresh(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked({"postcode": "400001", "street": "Home 1"}, postcode="SW1A 1AA", street="Home 2")
    for field in ("postcode", "street"):
        await cases.decide_correction(case_id, field, True, officer=OLGA)
    await answer(case_id)
    stopped = [each.sentence for each in (await cases.case(case_id)).systems if each.state == "stopped"]
    assert stopped == ["code in address cannot hold this value."]
    assert homes(company)[0] == ("Home 1", 400001)
    await cases.look_again(case_id, officer=OLGA)
    await jobs.run_due()
    assert {(each["accepted"], each["read_back"]) for each in await cases.corrections(case_id)} == {(None, None)}
    await cases.decide_correction(case_id, "postcode", False, why="It holds numbers only.", officer=OLGA)
    await cases.decide_correction(case_id, "street", True, officer=OLGA)
    await answer(case_id, "partly", "The postcode cannot be kept there.")
    assert homes(company)[0] == ("Home 2", 400001)
    assert (await cases.case(case_id)).outcome == "partly"


async def test_an_entry_that_went_away_meanwhile_stops_for_an_officer(company: Company) -> None:
    case_id = await asked(phone="+40799999999")
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"
    company.run("shop", "UPDATE customer SET email = 'other@example.com' WHERE id = 1")
    await jobs.run_due()
    assert (await cases.case(case_id)).state == "fulfilling"
    assert len(await audit.search(case=case_id, event="case.system_stopped")) == 1
    assert company.rows("shop", "SELECT phone FROM customer WHERE id = 1") == [("+40712345678",)]


async def test_an_entry_taken_out_as_somebody_elses_is_not_corrected(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked(street="Home 2")
    table = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "address")
    await cases.redact(case_id, table.id, 1, "", reason="wrong person", officer=OLGA)
    assert [(each.old, each.chosen) for each in await standing(case_id, "street")] == [("Home 1", True)]


async def test_a_field_that_is_empty_everywhere_is_completed(company: Company) -> None:
    company.run("shop", "UPDATE customer SET phone = NULL WHERE id = 1")
    case_id = await asked(phone="+40799999999")
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    await answer(case_id)
    assert company.rows("shop", "SELECT phone FROM customer WHERE id = 1") == [("+40799999999",)]


async def test_a_value_changed_after_the_approval_is_not_overwritten_and_an_officer_decides_anew(company: Company) -> None:
    with_two_homes(company)
    case_id = await asked({"street": "Home 1"}, street="Home 2")
    await cases.decide_correction(case_id, "street", True, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"
    company.run("shop", "UPDATE address SET street = 'Moved 7' WHERE id = 1")
    await jobs.run_due()
    stopped = [each.sentence for each in (await cases.case(case_id)).systems if each.state == "stopped"]
    assert stopped == ["Addresses: street was changed there after this correction was decided. Nothing was written."]
    assert homes(company) == [("Moved 7", 400001), ("Parents 9", 500001)]
    await cases.look_again(case_id, officer=OLGA)
    await jobs.run_due()
    assert [(each.old, each.settled) for each in await standing(case_id, "street")] == [("Moved 7", None), ("Parents 9", None)]


async def test_a_value_that_somebody_corrected_meanwhile_counts_as_written(company: Company) -> None:
    case_id = await asked(phone="+40799999999")
    await cases.decide_correction(case_id, "phone", True, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"
    company.run("shop", "UPDATE customer SET phone = '+40799999999' WHERE id = 1")
    await jobs.run_due()
    assert (await cases.case(case_id)).outcome == "fulfilled"


@on_both
async def test_what_a_correction_replaced_is_destroyed_when_the_time_to_disagree_is_over(company: Company) -> None:
    case_id = await asked(name="Ana Ionescu")
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    await answer(case_id)
    [kept] = await cases.corrections(case_id)
    assert kept["old"] == "Ana Pop" and [each.old for each in kept["targets"] if each.chosen] == ["Ana Pop"]
    async with db.writing():
        assert await contact.fall_of_old_values() == 0
    with clock.at(clock.now() + MONTH):
        async with db.writing():
            assert await contact.fall_of_old_values() == 1
        [left] = await cases.corrections(case_id)
        assert (left["old"], left["new"]) == ("", "Ana Ionescu")
        assert [(each.system, each.old) for each in left["targets"] if each.chosen] == [("shop", "")]
        async with db.writing():
            assert await contact.fall_of_old_values() == 0
    assert len(await audit.search(event="case.old_value_gone", case=case_id)) == 1


async def test_while_a_second_look_goes_on_what_was_replaced_stays(company: Company) -> None:
    with_a_name_in_the_newsletter(company)
    case_id = await asked(name="Ana Ionescu")
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    await answer(case_id, "partly", "The newsletter's list is closed to us.")
    appeal = await cases.appeals.ask(case_id, "Please look again.", await visit(), language="en")
    with clock.at(clock.now() + MONTH):
        async with db.writing():
            assert await contact.fall_of_old_values() == 0
        await cases.withdraw(appeal.id, actor="customer:ana")
        async with db.writing():
            await contact.fall_of_old_values()
        assert (await cases.corrections(case_id))[0]["old"] == ""
