"""How a request ends at the desk before any search, and goes on after its end."""

import re
from datetime import timedelta

import pytest

from portal import cases, jobs
from portal.lib import clock
from tests.cases.shops import ANA, ask, newest_to, prove
from tests.people import OLGA, Browser, Officer, go_to_work, hire

REFUSAL = {"answer": "refused", "ground": "excessive", "reasons": "It was the ninth time since Monday."}


@pytest.mark.parametrize(("right", "words"), [("access", ""), ("complaint", "Too many mails."), ("human review", "The loan.")])
async def test_a_request_is_refused_without_a_search_by_two_people(olga: Browser, petra: Browser, right: str, words: str) -> None:
    opened = await ask(right, details={"country": "RO", "message": words})
    desk = f"/admin/cases/{opened.id}"
    assert "Refuse without a search" not in (await olga.get(desk)).text
    await prove(opened)
    page = await olga.get(desk)
    assert (
        "Refuse without a search" in page.text
        and 'value="legal duty"' not in page.text
        and 'value="third party"' not in page.text
    )
    page = await olga.post(desk + "/proposal", data=REFUSAL | {"ground": "national law"})
    assert page.status_code == 422
    page = await olga.post(desk + "/proposal", data=REFUSAL | {"reasons": ""})
    assert page.status_code == 422 and 'value="excessive" selected' in page.text
    await olga.post(desk + "/proposal", data=REFUSAL)
    assert (await cases.case(opened.id)).state == "approving"
    digest = re.search(r'name="digest" value="(\w+)"', (await petra.get(desk)).text)
    assert digest and 'name="digest"' not in (await olga.get(desk)).text
    await petra.post(desk + "/approval", data={"digest": digest[1]})
    await jobs.run_due()
    case = await cases.case(opened.id)
    assert (case.outcome, case.systems) == ("refused", ())
    told = await newest_to(ANA, "mail/case-refused")
    assert "Art. 12(5)" in told and "ninth time" in told and "complain" in told


async def test_what_was_sent_back_before_a_search_can_be_searched(olga: Browser, petra: Browser) -> None:
    opened = await ask("access")
    await prove(opened)
    desk = f"/admin/cases/{opened.id}"
    await olga.post(desk + "/proposal", data=REFUSAL)
    await petra.post(desk + "/objection", data={"why": "Twice is not excessive."})
    page = await olga.get(desk)
    assert "Search all systems" in page.text and "Refuse without a search" in page.text


async def test_the_button_for_what_nobody_confirmed_comes_with_its_time(olga: Browser) -> None:
    opened = await ask("access")
    desk = f"/admin/cases/{opened.id}"
    assert "Nobody confirmed it" not in (await olga.get(desk)).text
    assert (await olga.post(desk + "/closing", data={"outcome": "unconfirmed"})).status_code == 409
    with clock.at(clock.now() + timedelta(days=15)):
        async with Browser() as later:
            await go_to_work(later, await _again())
            assert "Nobody confirmed it: say so and close" in (await later.get(desk)).text
            await later.post(desk + "/closing", data={"outcome": "unconfirmed"})
            page = await later.get(desk)
            assert (await cases.case(opened.id)).outcome == "unconfirmed" and "Open it again" in page.text
            page = await later.post(desk + "/reopening", data={"reopen-why": ""})
            assert page.status_code == 422 and "Please give the reason." in page.text
            await later.post(desk + "/reopening", data={"reopen-why": "She telephoned: our mail had gone astray."})
            assert (await cases.case(opened.id)).state == "verifying"


async def _again() -> Officer:
    return await hire(f"later.{OLGA}", "privacy-officer")
