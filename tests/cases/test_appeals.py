"""A second look: by others than those who refused, while there are any, and with the law's whole time for the new answer."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import audit, cases
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed
from tests.cases.shops import ANA, Company, collected, newest_to, visit
from tests.conftest import on_both
from tests.people import OLGA, PETRA, VIK, Officer, hire

NO = "We do not believe that this is yours."
MAY = ("privacy-officer", "approver")


async def refused(case_id: str, one: Officer, other: Officer) -> None:
    await cases.propose(case_id, answer="refused", reasons=NO, officer=one.id)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=other.id)


async def appealed(case_id: str) -> str:
    return (await cases.appeals.ask(case_id, "It is mine.", await visit(), language="en")).id


async def noted(case_id: str, event: str) -> list[str | None]:
    found = [each for each in await audit.search(case=case_id) if each.event == event]
    return [(await audit.open_payload(each) or {}).get("took_part") for each in found]


@on_both
async def test_a_granted_appeal_is_answered_by_the_one_who_granted_it_and_one_more_with_time_for_it(company: Company) -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with clock.at(start):
        olga, petra, vik = [await hire(each, *MAY) for each in (OLGA, PETRA, VIK)]
        first = await collected("access")
        await refused(first, olga, petra)
        due = (await cases.case(first)).due_on
    with clock.at(start + timedelta(days=25)):
        assert await cases.appeals.possible(first)
        appeal = await appealed(first)
        assert not await cases.appeals.possible(first)
        for each in (olga, petra):
            with pytest.raises(NotAllowed, match="took part"):
                await cases.answering.answer(appeal, "You are right.", officer=each.id, grant=True)
            with pytest.raises(NotAllowed, match="took part"):
                await cases.propose(appeal, answer="refused", reasons=NO, officer=each.id)
        await cases.answering.answer(appeal, "You are right, and we are sorry.", officer=vik.id, grant=True)
        again = await cases.case(first)
        assert "answer it anew" in await newest_to(ANA, "mail/case-answered")
        assert again.state == "triage" and again.due_on > due + timedelta(days=20)
        told = await cases.clocks.of(first)
        assert "second look" in told.because[0] and any("27 March" in each for each in told.because)
        with pytest.raises(NotAllowed, match="took part"):
            await cases.propose(first, answer="refused", reasons=NO, officer=petra.id)
        await refused(first, vik, olga)  # of those who may agree, nobody else is left
        assert await noted(first, "case.refusal_approved") == ["nobody else may decide", None]


async def test_where_a_company_has_two_officers_they_answer_again_and_the_log_says_so(company: Company) -> None:
    olga, petra = [await hire(each, *MAY) for each in (OLGA, PETRA)]
    first = await collected("access")
    await refused(first, olga, petra)
    appeal = await appealed(first)
    await cases.answering.answer(appeal, "You are right, and we are sorry.", officer=petra.id, grant=True)
    await refused(first, olga, petra)
    assert await noted(appeal, "case.answered_in_words") == ["nobody else may decide"]
    assert (await noted(first, "case.proposed"))[0] == "nobody else may decide"
    assert (await cases.case(first)).outcome == "refused"


async def test_a_granted_appeal_is_answered_by_others_also_where_the_first_ones_opened_it_again(company: Company) -> None:
    olga, petra, vik = [await hire(each, *MAY) for each in (OLGA, PETRA, VIK)]
    first = await collected("access")
    await refused(first, olga, petra)
    appeal = await appealed(first)
    await cases.reopen(first, officer=olga.id)
    await cases.propose(first, answer="refused", reasons=NO, officer=olga.id)
    waiting = await cases.proposal(first)
    await cases.answering.answer(appeal, "You are right, and we are sorry.", officer=vik.id, grant=True)
    assert waiting is not None and await cases.appeals.granted(first)
    with pytest.raises(Conflict, match="Nothing is waiting"):
        await cases.approve(first, waiting.digest, officer=vik.id)
    with pytest.raises(NotAllowed, match="took part"):
        await cases.propose(first, answer="refused", reasons=NO, officer=olga.id)
