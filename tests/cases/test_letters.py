"""Letters that nobody posts: officers see them every day, a code ends by a rule, and the person reads what they wait for."""

from datetime import timedelta

import pytest

from portal import audit, cases, db, jobs
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed, NotFound
from tests.cases.shops import OLGA, PETRA, Company, ask, collected
from tests.cases.test_proving import HOME, code_in, moved_in
from tests.cases.test_restrictions import NO, TOLD, by_post, stands
from tests.conftest import on_both
from tests.people import Browser, go_to_work, hire


async def lapse() -> None:
    async with db.writing():
        await jobs.later("cases.lapse_letters", {})
    await jobs.run_due()


async def page_of(case_id: str) -> str:
    async with Browser() as nobody:
        return (await nobody.get(f"/requests/{await cases.reference_of(case_id)}")).text


@on_both
async def test_a_code_that_nobody_posts_is_late_after_two_working_days_and_ends_after_three_weeks(company: Company) -> None:
    moved_in(company)
    opened = await ask("restriction")
    letter = await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    code = await code_in(letter)
    [waits] = await cases.letters.unposted()
    assert (waits.case, waits.kind, waits.late, waits.over) == (opened.id, "code", False, False)
    assert "It is written and goes to the post." in await page_of(opened.id)
    with clock.at(clock.now() + timedelta(days=20)):
        await lapse()
        assert [(each.late, each.over) for each in await cases.letters.unposted()] == [(True, False)]
    with clock.at(clock.now() + timedelta(days=21, hours=1)):
        await lapse()
        await lapse()
        assert [(each.late, each.over) for each in await cases.letters.unposted()] == [(True, True)]
        assert len(await audit.search(case=opened.id, event="case.letter_lapsed")) == 1
        with pytest.raises(Conflict, match="its time is over"):
            await cases.letters.posted(opened.id, letter, officer=OLGA)
        with pytest.raises(NotAllowed):
            await cases.proving.take_letter_code(code)
        with pytest.raises(NotFound):
            await cases.letters.pdf(opened.id, letter, officer=OLGA)
        assert "We did not post it in time" in await page_of(opened.id)
        again = await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
        assert [(each.late, each.over) for each in await cases.letters.unposted()] == [(False, False)]
        await cases.letters.posted(opened.id, again, officer=OLGA)
        assert await cases.letters.unposted() == [] and "It is on its way, and works until" in await page_of(opened.id)


async def test_a_code_that_nobody_needs_any_more_is_not_waited_for(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    with clock.at(clock.now() + timedelta(days=22)):
        await lapse()
        await cases.close(opened.id, "unconfirmed", officer=OLGA)
    assert await cases.letters.unposted() == []


async def test_a_restriction_waits_for_its_letter_in_sight_of_the_officers_and_the_person(company: Company) -> None:
    case_id = await collected("restriction")
    await by_post(case_id)
    await cases.propose(case_id, answer="refused", reasons=NO, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    now = clock.now()
    with clock.at(now + timedelta(days=40)):
        assert await stands(case_id)
        await lapse()
        [letter] = await cases.letters.unposted()
        assert (letter.case, letter.kind, letter.late, letter.over) == (case_id, "case-refused", True, False)
        assert "As long as it is not posted, this stays." in await page_of(case_id)
        row = await models.Letter.get(case_id=case_id, kind="case-refused")
        await cases.letters.posted(case_id, row.id, officer=OLGA)
        assert await cases.letters.unposted() == [] and "is not posted, this stays" not in await page_of(case_id)
    with clock.at(now + timedelta(days=40) + TOLD):
        assert not await stands(case_id)


async def test_the_officers_first_page_names_the_letter_and_leads_to_it(company: Company) -> None:
    moved_in(company)
    opened = await ask("access")
    letter = await cases.proving.write_letter(opened.id, HOME, "shop", officer=OLGA)
    olga = await hire("olga@example.com", "privacy-officer")
    async with Browser() as desk:
        await go_to_work(desk, olga)
        page = (await desk.get("/admin")).text
        assert "Letter with a code: it is written and has to be posted by" in page and f"/admin/cases/{opened.id}" in page
        page = (await desk.post(f"/admin/cases/{opened.id}/letters", data={"posted": letter})).text
        assert "it is written and has to be posted by" not in (await desk.get("/admin")).text
