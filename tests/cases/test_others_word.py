"""Somebody stops advertising for another person at an address that we do not know: how long it counts, who ends it."""

import re
from datetime import date, timedelta

import pytest

from portal import audit, cases, consent, db, jobs, statement, subjects
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.cases.shops import OLGA, Company, ask, letters_to, prove, visit
from tests.conftest import on_both
from tests.people import Browser, go_to_work, hire

ASKER, NEW = "agent@example.com", "new.customer@example.com"


async def stopped(address: str = NEW) -> str:
    """An agent's opt-out for an address that nobody knows here; the case."""
    await statement.publish_all("system", why="The first texts.")
    async with db.writing():
        await subjects.mark_verified((await subjects.ensure("email", ASKER, by="import")).id)
    details = {"concerned": {"email": address}, "concerned_name": "Ana Pop", "permission": True}
    opened = await cases.open_for(await visit(ASKER), "opt-out", language="en", who="agent", details=details)
    assert opened.state == "closed"
    return opened.id


async def is_closed() -> bool:
    """Whether somebody else may not add the address."""
    async with db.writing():
        [found] = await subjects.ensure_many([subjects.Arrival("email", NEW, "import")])
    return found is None


async def proven(address: str) -> subjects.Identifier:
    """Its owner signs in with a code."""
    await prove(await ask("access", address), address)
    found = await subjects.find("email", address)
    assert found is not None
    return found


@on_both
async def test_it_counts_at_once_and_ends_after_a_year_when_nobody_saw_a_permission(company: Company) -> None:
    case_id = await stopped()
    [closed] = await cases.others_word.of(case_id)
    assert closed.until == (clock.now() + timedelta(days=366)).date() and NEW not in closed.shown
    with clock.at(clock.now() + timedelta(days=365)):
        assert await is_closed()
    with clock.at(clock.now() + timedelta(days=367)):
        assert await cases.others_word.of(case_id) == [] and not await is_closed()


@on_both
async def test_a_permission_that_was_seen_keeps_it_closed_until_its_owner_says_otherwise(company: Company) -> None:
    case_id = await stopped()
    with clock.at(clock.now() + timedelta(days=5)):
        await cases.mandates.note(case_id, "signed permission", date(2026, 1, 2).isoformat(), officer=OLGA)
        with pytest.raises(Conflict, match="noted already"):
            await cases.mandates.note(case_id, "signed permission", date(2026, 1, 2).isoformat(), officer=OLGA)
    assert await audit.search(case=case_id, event="case.mandate_seen")
    assert await models.Concerned.all().count() == 0 and await subjects.find("email", NEW) is None  # nobody is added by it
    with clock.at(clock.now() + timedelta(days=4000)):
        assert await is_closed()
    [closed] = await cases.others_word.of(case_id)
    assert closed.until is None


async def test_an_officer_who_is_shown_none_opens_it_again(company: Company) -> None:
    case_id = await stopped()
    await cases.others_word.end(case_id, officer=OLGA)
    assert not await is_closed() and await audit.search(case=case_id, event="subject.note_ended")
    with pytest.raises(Conflict, match="No address stands closed"):
        await cases.others_word.end(case_id, officer=OLGA)


async def test_another_note_on_the_address_is_not_taken_away_with_it(company: Company) -> None:
    async with db.writing():
        await subjects.suppress("email", NEW, basis="asked", by="system")
    case_id = await stopped()
    assert await cases.others_word.of(case_id) == []
    with pytest.raises(Conflict):
        await cases.others_word.end(case_id, officer=OLGA)
    assert await subjects.is_suppressed("email", NEW)


async def test_the_owner_is_warned_all_the_same_and_their_own_word_counts(company: Company) -> None:
    await stopped()
    owner = await proven(NEW)
    said = (owner.id, "audiences", "ads", "", "yes", None, "preference-centre", "self-verified")
    assert not (await consent.permission(owner.id, "audiences", "ads")).allowed
    await consent.decide(consent.Word(*said, actor=f"customer:{owner.subject}", edition="audiences@1/en", language="en"))
    assert (await consent.permission(owner.id, "audiences", "ads")).allowed
    async with db.writing():
        second = await subjects.ensure("email", "their.second@example.com", by="import", subject=owner.subject)
        await subjects.mark_verified(second.id)
    with clock.at(clock.now() + timedelta(minutes=1)):
        thief = await cases.open("access", "their.second@example.com", language="en", browser="a thief's")
        await prove(thief, "their.second@example.com", browser="a thief's")
    await jobs.run_due()
    assert "mail/case-notice" in await letters_to(NEW)


async def test_who_stops_it_themselves_is_not_held_to_what_another_said(company: Company) -> None:
    await stopped()
    await cases.open("objection to marketing", NEW, language="en")
    mine = await subjects.find("email", NEW)
    assert mine is not None and not (await consent.permission(mine.id, "catalogue", "post")).allowed
    with clock.at(clock.now() + timedelta(days=400)):
        assert not (await consent.permission(mine.id, "catalogue", "post")).allowed


async def test_officers_see_what_stands_closed_and_decide_on_the_requests_page(company: Company) -> None:
    case_id = await stopped()
    olga = await hire("olga@example.com", "privacy-officer")
    async with Browser() as desk:
        await go_to_work(desk, olga)
        page = (await desk.get("/admin")).text
        link = re.search(r'href="(/admin/cases\?open=no[^"]+)"', page)
        assert "1 address that we do not know is closed on the word of somebody else" in page and link
        assert f"/admin/cases/{case_id}" in (await desk.get(link[1].replace("&amp;", "&"))).text
        page = (await desk.get(f"/admin/cases/{case_id}")).text
        assert "was not known here. It is closed until" in page and "Who may ask for this person?" in page
        page = (await desk.post(f"/admin/cases/{case_id}/mandate", data={"do": "open"})).text
        assert "was not known here" not in page
        assert "closed on the word of somebody else" not in (await desk.get("/admin")).text
    assert not await is_closed()


async def test_a_request_that_showed_nothing_does_not_open_what_a_permission_closed(company: Company) -> None:
    await cases.mandates.note(await stopped(), "signed permission", date(2026, 1, 2).isoformat(), officer=OLGA)
    async with db.writing():
        await subjects.mark_verified((await subjects.ensure("email", "other@example.com", by="import")).id)
    details = {"concerned": {"email": NEW}, "concerned_name": "Ana Pop", "permission": True}
    second = await cases.open_for(await visit("other@example.com"), "opt-out", language="en", who="agent", details=details)
    with pytest.raises(Conflict, match="No address stands closed"):
        await cases.others_word.end(second.id, officer=OLGA)
    assert await is_closed()
