"""What takes long about an answer is done before the turn to write: nobody waits for it, and nothing older is signed by it."""

import asyncio

from portal import cases, db, vault
from portal.cases import ahead, freeze, moves
from tests.cases.shops import OLGA, Company, collected
from tests.conftest import on_both


async def stored() -> int:
    [found] = await db.rows("SELECT count(*) AS n FROM blob")
    return int(found["n"])


async def take_out_an_item(case_id: str) -> None:
    found = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "purchase")
    await cases.redact(case_id, found.id, 0, "item", reason="third party", officer=OLGA)


async def test_others_write_while_a_large_copy_is_prepared(company: Company) -> None:
    many = ", ".join(f"({number}, 1, 'Tea, {number} boxes')" for number in range(100, 8_100))
    company.run("shop", f"INSERT INTO purchase VALUES {many}")
    case_id = await collected("access")
    proposing = asyncio.create_task(cases.propose(case_id, officer=OLGA))
    turns = 0
    while not proposing.done():
        async with db.writing():
            turns += 1
        await asyncio.sleep(0)
    assert await proposing == "fulfilling" and turns > 10, turns


@on_both
async def test_what_was_taken_out_meanwhile_is_not_in_the_answer(company: Company) -> None:
    case_id = await collected("access")
    before = await stored()
    async with ahead.stored(case_id, answer="fulfilled", reasons="") as early:
        assert early is not None and await stored() == before + 1
        await take_out_an_item(case_id)
        async with db.writing():
            digest, blob = await ahead.keep(await moves.lock(case_id), "fulfilled", "", early)
    assert digest != early.digest and blob != early.blob and await stored() == before + 1
    assert digest == (await freeze.kept(blob)).digest
    assert "Tea, two boxes" not in "".join([str(each) for each in (await freeze.kept(blob)).systems])


@on_both
async def test_an_answer_is_not_kept_with_other_reasons_than_were_given(company: Company) -> None:
    case_id = await collected("access")
    async with ahead.stored(case_id, answer="refused", reasons="For this one.") as early, db.writing():
        assert early is not None
        _digest, blob = await ahead.keep(await moves.lock(case_id), "refused", "For that one.", early)
    assert (await freeze.kept(blob)).reasons == "For that one."


async def test_what_was_taken_out_since_a_second_person_looked_shows_in_what_is_compared(company: Company) -> None:
    case_id = await collected("access")
    await cases.propose(case_id, answer="partly", reasons="Some of it is another's.", officer=OLGA)
    early = await ahead.taken(case_id)
    assert early is not None
    await take_out_an_item(case_id)
    async with db.writing():
        assert await ahead.digest(await moves.lock(case_id), "", early.reasons, early) != early.digest


async def test_who_is_erased_while_an_answer_is_prepared_leaves_nothing_behind(company: Company) -> None:
    case_id = await collected("access")
    async with ahead.stored(case_id, answer="refused", reasons="For a reason.") as early:
        assert early is not None
        async with db.writing():
            row = await moves.lock(case_id)
            assert row.subject is not None and await vault.shred("life", row.subject)
    assert await db.rows("SELECT 1 AS one FROM blob WHERE id = ?", early.blob) == []
