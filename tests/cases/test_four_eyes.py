"""Who may answer what alone: a copy with anything in it that asks for judgement takes two who looked, what was taken out makes
an answer partial, and two accounts of one person are one pair of eyes."""

import time

import pytest

from portal import cases, db, identity, jobs, subjects
from portal.lib.errors import Conflict, NotAllowed
from tests.cases.shops import OLGA, PETRA, Company, answer, collected
from tests.conftest import on_both

FOUND = {
    "somebody's address": ("For mallory@example.com", "It names an address that was not proven."),
    "free text": ("word " * 60, "It has free text that may be about others."),
    "several lines": ("For Ben.\nHe is ill.", "It has free text that may be about others."),
}


@pytest.mark.parametrize("right", ["access", "portability"])
@pytest.mark.parametrize("what", list(FOUND))
async def test_a_copy_with_what_may_be_others_takes_two_and_an_officer_who_looked(
    company: Company, right: str, what: str
) -> None:
    text, why = FOUND[what]
    company.run("shop", f"INSERT INTO purchase VALUES (20, 1, '{text}')")
    await _takes_two(await collected(right), why)


@on_both
async def test_especially_sensitive_data_takes_two(company: Company) -> None:
    map_file = company.folder / "shop.toml"
    map_file.write_text(map_file.read_text().replace('category = "purchases"', 'category = "health"', 1))
    await _takes_two(await collected("access"), "It has especially sensitive data.")


async def test_what_the_person_wrote_and_a_doubt_about_them_take_two(company: Company) -> None:
    wrote = await collected("access", details={"message": "And what did Ben say about me?"})
    await _takes_two(wrote, "The person wrote something.")
    doubted = await collected("access")
    await cases.hold(doubted, "identity", "Two people use it.", officer=OLGA)
    await _takes_two(doubted, "A hold stands.")


async def test_a_look_of_somebody_else_or_before_the_last_search_is_no_look(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    await cases.review(case_id, officer=OLGA)
    await cases.collect(case_id, officer=OLGA)
    await jobs.run_due()
    await cases.review(case_id, officer=PETRA)
    for how in ("fulfilled", "partly"):
        with pytest.raises(Conflict, match="look at what was found first"):
            await cases.propose(case_id, answer=how, reasons="Because of this and that.", officer=OLGA)
    assert await cases.propose(case_id, answer="refused", reasons="It was the fourth time.", officer=OLGA) == "approving"
    assert await cases.caution.told(case_id) == [], "Nothing of it is given away."


async def test_what_was_taken_out_counts_no_longer(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    assert await cases.caution.told(case_id) == ["It names an address that was not proven."]
    found = next(each for each in await cases.review(case_id, officer=PETRA) if each.table == "purchase")
    row = next(number for number, each in enumerate(found.rows) if "mallory" in str(each.fields))
    await cases.redact(case_id, found.id, row, "item", reason="third party", officer=PETRA)
    assert await cases.caution.told(case_id) == []
    await cases.unredact(case_id, found.id, row, "item", officer=PETRA)
    await cases.redact(case_id, found.id, row, "", reason="third party", officer=PETRA)
    assert await cases.caution.told(case_id) == []


async def test_a_long_word_without_an_end_holds_nobody_up(company: Company) -> None:
    """Everybody's pages wait while one process looks through a text."""
    company.run("shop", f"INSERT INTO purchase VALUES (20, 1, '{'a' * 100_000}@')")
    case_id = await collected("access")
    began = time.perf_counter()
    assert await cases.caution.told(case_id) == ["It has free text that may be about others."]
    assert time.perf_counter() - began < 1


async def test_a_correction_is_decided_by_one_whatever_else_was_found(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("rectification", details={"changes": {"name": "Ana Popescu"}})
    await cases.decide_correction(case_id, "name", True, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "fulfilling"


async def test_a_copy_of_plain_data_takes_one_who_need_not_look(company: Company) -> None:
    assert await cases.propose(await collected("access"), officer=OLGA) == "fulfilling"


async def test_taking_something_out_after_the_proposal_voids_it(company: Company) -> None:
    company.run("shop", "INSERT INTO purchase VALUES (20, 1, 'For mallory@example.com')")
    case_id = await collected("access")
    await cases.review(case_id, officer=OLGA)
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    found = next(each for each in await cases.review(case_id, officer=PETRA) if each.table == "purchase")
    await cases.redact(case_id, found.id, 0, "item", reason="third party", officer=PETRA)
    with pytest.raises(Conflict):
        await cases.approve(case_id, waiting.digest, officer=PETRA)
    assert (await cases.case(case_id)).state == "reviewing"


async def _takes_two(case_id: str, why: str) -> None:
    assert why in await cases.caution.told(case_id)
    with pytest.raises(Conflict, match="look at what was found first") as refused:
        await cases.propose(case_id, officer=OLGA)
    assert why in refused.value.sentence and await cases.proposal(case_id) is None
    await cases.review(case_id, officer=OLGA)
    assert await cases.propose(case_id, officer=OLGA) == "approving"
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    with pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, waiting.digest, officer=OLGA)
    assert await cases.approve(case_id, waiting.digest, officer=PETRA) == "fulfilling"


async def test_an_answer_with_something_taken_out_is_partial_and_needs_a_second_person(company: Company) -> None:
    case_id = await collected("access")
    found = await cases.review(case_id, officer=OLGA)
    await cases.redact(case_id, found[0].id, 0, "", reason="third party", officer=OLGA)
    with pytest.raises(Conflict, match="in part"):
        await cases.propose(case_id, officer=OLGA)
    assert await cases.propose(case_id, answer="partly", reasons="It is about somebody else.", officer=OLGA) == "approving"


async def test_the_same_person_with_a_second_account_is_not_a_second_person(company: Company) -> None:
    one = await identity.invite("olga@example.com", name="Olga", roles=["privacy-officer"], by=None)
    person = await identity.person_of(one.officer_id)
    two = await identity.invite("olga.m@example.com", name="Olga M", roles=["approver"], by=None, person=person)
    other = await identity.invite("petra@example.com", name="Petra", roles=["approver"], by=None)
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=one.officer_id)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    with pytest.raises(NotAllowed, match="another person"):
        await cases.approve(case_id, waiting.digest, officer=two.officer_id)
    assert await cases.approve(case_id, waiting.digest, officer=other.officer_id) == "fulfilling"


async def test_a_correction_for_somebody_no_system_holds_is_refused_in_a_sentence_and_can_be_answered(company: Company) -> None:
    async with db.writing():
        await subjects.ensure("email", "new@example.com", by="import")
    case_id = await collected("rectification", "new@example.com", {"changes": {"name": "Neu"}})
    with pytest.raises(Conflict, match="No connected system can correct this"):
        await cases.decide_correction(case_id, "name", True, officer=OLGA)
    with pytest.raises(Conflict, match="No connected system holds"):
        await cases.propose(case_id, officer=OLGA)
    assert (await answer(case_id, "refused", "We hold your address alone.")).outcome == "refused"
