"""How a request ends at the desk before any search, and goes on after its end."""

import re
from datetime import timedelta

import pytest

from portal import cases, jobs
from portal.lib import clock
from tests.cases.shops import ANA, ask, newest_to, prove
from tests.cases.test_clocks import recounted
from tests.people import OLGA, Browser, Officer, go_to_work, hire, sign_in

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


async def test_who_calls_a_request_excessive_reads_how_often_it_was_asked_for(olga: Browser) -> None:
    shown = [
        (800, "They have not asked for this before."),
        (400, "more than a year before. Once a year is not excessive for that alone."),
        (100, "They asked for this 1 time in the year before, last on"),
        (90, "They asked for this 2 times in the year before, last on"),
    ]
    for days, sentence in shown:
        with clock.at(clock.now() - timedelta(days=days)):
            opened = await ask("access")
            await prove(opened)
        assert sentence in (await olga.get(f"/admin/cases/{opened.id}")).text
        await cases.withdraw(opened.id, actor="customer:ana")


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


FEE = {"fee-amount": "12,50 EUR", "fee-ground": "excessive", "fee-why": "It is the ninth copy since Monday."}


async def test_a_fee_is_asked_for_in_words_that_the_person_reads_and_the_date_runs_on(olga: Browser) -> None:
    opened = await ask("access")
    await prove(opened)
    desk, due = f"/admin/cases/{opened.id}", (await cases.case(opened.id)).due_on
    for name, value in (
        ("fee-amount", "some money"),
        ("fee-amount", "0 EUR"),
        ("fee-ground", "cannot identify"),
        ("fee-why", ""),
    ):
        page = await olga.post(desk + "/fee", data=FEE | {name: value})
        assert page.status_code == 422 and f'id="{name}-error"' in page.text
    assert (await cases.case(opened.id)).holds == ()
    await olga.post(desk + "/fee", data=FEE)
    assert "On hold: a fee was asked for" in (await olga.get(desk)).text
    assert (await olga.post(desk + "/fee", data=FEE)).status_code == 409
    with clock.at(clock.now() + timedelta(days=3)):
        await recounted()
        assert (await cases.case(opened.id)).due_on == due
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.get(f"/requests/{await cases.reference_of(opened.id)}")
        assert "We asked you for a fee and wait for it." in page.text and "12,50 EUR" in page.text
        assert "ninth copy" in page.text and "Art. 12(5)" in page.text and "you can complain" in page.text
    assert "12,50" not in await newest_to(ANA, "mail/case-message")
    [hold] = (await cases.case(opened.id)).holds
    await olga.post(desk + "/holds", data={"lift": hold.id})
    assert (await cases.case(opened.id)).holds == ()


async def test_a_law_that_counts_from_the_payment_moves_the_date(olga: Browser) -> None:
    opened = await ask("access", details={"country": "GB"})  # UK GDPR Art. 12A
    await prove(opened)
    due = (await cases.case(opened.id)).due_on
    await olga.post(f"/admin/cases/{opened.id}/fee", data=FEE)
    with clock.at(clock.now() + timedelta(days=9)):
        await recounted()
        assert (await cases.case(opened.id)).due_on > due


@pytest.mark.parametrize("right", ["complaint", "opt-out"])
async def test_what_costs_nothing_offers_no_fee(olga: Browser, right: str) -> None:
    opened = await ask(right, details={"country": "RO", "message": "Too many mails."})
    if right == "complaint":
        await prove(opened)
    assert "Ask for a fee" not in (await olga.get(f"/admin/cases/{opened.id}")).text
    assert (await olga.post(f"/admin/cases/{opened.id}/fee", data=FEE)).status_code == 409
