"""When data that was only stored may be used again: never by an answer that was taken back, nor before anybody was told."""

from datetime import timedelta

from portal import cases, db, jobs
from portal.cases import models
from portal.lib import clock
from tests.cases.shops import OLGA, PETRA, Company, answer, collected

NO = "We do not believe it."
TOLD = timedelta(days=3, hours=1)


async def stands(case_id: str) -> bool:
    await jobs.run_due()
    return (await models.CaseRow.get(id=case_id)).restriction is not None


async def test_a_restriction_that_was_refused_and_then_agreed_to_stays(company: Company) -> None:
    case_id = await collected("restriction")
    await answer(case_id, "refused", NO)
    now = clock.now()
    with clock.at(now + timedelta(days=1)):
        await cases.reopen(case_id, officer=OLGA)
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        assert (await answer(case_id)).outcome == "fulfilled"
    with clock.at(now + TOLD):
        assert await stands(case_id)


async def test_a_refusal_on_paper_ends_a_restriction_three_days_after_it_was_posted(company: Company) -> None:
    case_id = await collected("restriction")
    await by_post(case_id)
    await cases.propose(case_id, answer="refused", reasons=NO, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    now = clock.now()
    with clock.at(now + timedelta(days=10)):
        assert await stands(case_id)
        letter = (await cases.letters.of_case(case_id))[-1]
        await cases.letters.posted(case_id, letter.id, officer=OLGA)
    with clock.at(now + timedelta(days=12)):
        assert await stands(case_id)
    with clock.at(now + timedelta(days=10) + TOLD):
        assert not await stands(case_id)


async def by_post(case_id: str) -> None:
    async with db.writing():
        await models.CaseRow.filter(id=case_id).update(reach="post")
