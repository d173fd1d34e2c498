"""Somebody says "it wasn't me" after all was done: officers see it, answer in time, and what was stopped stays."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from portal import audit, cases, consent, db, jobs, statement, subjects
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Invalid
from tests.cases.shops import ANA, OLGA, Company, answer, ask, collected, letters_to, newest_to, prove, visit
from tests.cases.test_handover import run_tidy
from tests.conftest import on_both
from tests.people import Browser, go_to_work, hire

ASKER, OLD = "mother@example.com", "ana.old@example.com"
FOUND = "A relative of yours asked for it and showed your signature. Nothing was handed over."


async def known(address: str, subject: str | None = None) -> subjects.Identifier:
    async with db.writing():
        found = await subjects.ensure("email", address, by="import", subject=subject)
        await subjects.mark_verified(found.id)
    return found


async def stopped_by_another() -> tuple[str, str]:
    """Somebody stopped advertising networks for Ana at once; the case, and the secret of the warning that she got."""
    await statement.publish_all("system", why="The first texts.")
    await known(ANA), await known(ASKER)
    details = {"concerned": {"email": ANA}, "concerned_name": "Ana Pop", "permission": True}
    opened = await cases.open_for(await visit(ASKER), "opt-out", language="en", who="agent", details=details)
    await jobs.run_due()
    return opened.id, secret_in(await newest_to(ANA, "mail/case-notice"))


def secret_in(mail: str) -> str:
    found: list[str] = re.findall(r"/requests/notices/([\w-]+)", mail)
    return found[-1]


@on_both
@pytest.mark.parametrize("why", ["hard bounce", "spam complaint", "not theirs"])
async def test_an_address_that_cannot_or_will_not_be_reached_is_not_warned(company: Company, why: str) -> None:
    """Until it is proven again: then somebody reads it, and it is theirs."""
    ana = await known(ANA)
    other = await known(ASKER, ana.subject)
    async with db.writing():
        await consent.stops.suppress_address(other.id, "email", by="system", why=why)
    opened = await ask("access")
    await prove(opened)
    assert await letters_to(ASKER) == [] and await audit.search(event="case.notice_sent", case=opened.id) == []
    async with db.writing():
        await subjects.mark_verified(other.id)
    again = await ask("access", details={"message": "Once more."})
    await prove(again)
    assert await letters_to(ASKER) == ["mail/case-notice"]


@on_both
async def test_a_stop_on_another_way_keeps_nobody_from_being_warned(company: Company) -> None:
    ana = await known(ANA)
    other = await known(ASKER, ana.subject)
    async with db.writing():
        await consent.stops.suppress_address(other.id, "sms", by="system", why="number unassigned")
    await prove(await ask("access"))
    assert await letters_to(ASKER) == ["mail/case-notice"]


@on_both
async def test_a_stop_that_was_not_asked_for_waits_for_an_officer_who_answers_its_person(company: Company) -> None:
    with clock.at(datetime(2026, 11, 27, 9, tzinfo=UTC)):  # 30 November and 1 December are free in Romania
        case_id, secret = await stopped_by_another()
        await cases.not_me(secret)
        await cases.not_me(secret)
        [doubt] = await cases.doubts.waiting()
        assert (doubt.case, doubt.decide_by, doubt.late, doubt.done) == (case_id, date(2026, 12, 3), False, True)
    with clock.at(datetime(2026, 12, 4, 9, tzinfo=UTC)):
        assert [each.late for each in await cases.doubts.waiting(case_id)] == [True]
        [hold] = (await cases.case(case_id)).holds
        with pytest.raises(Invalid, match="write an answer"):
            await cases.lift(hold.id, officer=OLGA)
        assert await cases.doubts.waiting()
        await cases.lift(hold.id, words=FOUND, officer=OLGA)
        assert await cases.doubts.waiting() == []
        mine = await subjects.find("email", ANA)
        assert mine is not None and not (await consent.permission(mine.id, "audiences", "ads")).allowed
    assert FOUND in await newest_to(ANA, "mail/case-doubt") and "mail/case-doubt" not in await letters_to(ASKER)
    assert [each.object for each in await audit.search(event="case.not_me", case=case_id)] == [mine.id]


async def test_a_copy_that_was_fetched_before_its_owner_said_no_is_seen_too(company: Company) -> None:
    ana = await known(ANA)
    await known(OLD, ana.subject)
    case_id = await collected("access")
    await answer(case_id)
    session = await visit()
    await cases.download(await cases.hand_over(case_id, session), session)
    with clock.at(clock.now() + timedelta(days=1)):
        assert (await cases.not_me(secret_in(await newest_to(OLD, "mail/case-notice"))))[1]
        assert [each.done for each in await cases.doubts.waiting()] == [True]


async def test_it_is_told_and_seen_also_when_the_words_of_the_request_are_gone(company: Company) -> None:
    case_id, secret = await stopped_by_another()
    with clock.at(clock.now() + timedelta(days=31)):
        await run_tidy()
        assert (await cases.case(case_id)).address == ""
        await cases.not_me(secret)
        [hold] = (await cases.case(case_id)).holds
        await cases.lift(hold.id, words=FOUND, officer=OLGA)
        assert FOUND in await newest_to(ANA, "mail/case-doubt")


async def test_what_an_officer_refused_while_somebody_doubted_it_is_decided(company: Company) -> None:
    ana = await known(ANA)
    await known(OLD, ana.subject)
    case_id = await collected("access")
    await cases.not_me(secret_in(await newest_to(OLD, "mail/case-notice")))
    assert [each.done for each in await cases.doubts.waiting()] == [False]
    await answer(case_id, "refused", "It was not you who asked.")
    assert await cases.doubts.waiting() == []
    [hold] = await models.Hold.filter(case_id=case_id)
    await cases.lift(hold.id, officer=OLGA)


async def test_the_officers_first_page_leads_to_it_and_the_person_reads_what_happens(company: Company) -> None:
    case_id, secret = await stopped_by_another()
    async with Browser() as ana:
        await ana.get(f"/requests/notices/{secret}")
        page = await ana.post(f"/requests/notices/{secret}")
        day = cases.doubts.decide_by(clock.now())
        assert "had been done before you told us" in page.text and f"{day:%Y}" in page.text
        assert "what was stopped stays stopped" in page.text
    olga = await hire("olga@example.com", "privacy-officer")
    async with Browser() as desk:
        page = await go_to_work(desk, olga)
        page = await desk.get("/admin")
        assert "did not ask for what was done already" in page.text and f"/admin/cases/{case_id}" in page.text
        page = await desk.get(f"/admin/cases/{case_id}")
        lift = re.search(r'name="lift" value="([^"]+)"', page.text)
        assert lift and "Your answer, as they will read it" in page.text
        page = await desk.post(f"/admin/cases/{case_id}/holds", data={"lift": lift[1]})
        assert page.status_code == 422 and "Please write an answer." in page.text
        page = await desk.post(f"/admin/cases/{case_id}/holds", data={"lift": lift[1], "lift-words": FOUND})
        assert page.status_code == 200 and "did not ask for what was done already" not in (await desk.get("/admin")).text
    assert FOUND in await newest_to(ANA, "mail/case-doubt")
