"""A form that a signed-in person sends twice, by a double click or from two tabs, has one effect; asking anew stays possible."""

import asyncio
from datetime import timedelta

import pytest

from portal import audit, cases, consent, db, identity, statement, subjects
from portal.cases import models
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.cases.shops import ANA, BEN, OLGA, Company, answer, collected, letters_to, visit
from tests.conftest import on_both
from tests.consent.people import publish, say
from tests.people import Browser, sign_in


async def on_file(address: str = ANA) -> subjects.Identifier:
    async with db.writing():
        return await subjects.ensure("email", address, by="import")


async def several(session: identity.Session, *rights: str, times: int = 4) -> set[str]:
    """The same form, sent so many times at once; the references that were answered."""
    first, *also = rights
    asked = [cases.open_for(session, first, language="en", also=also) for _each in range(times)]
    return {each.reference for each in await asyncio.gather(*asked)}


@on_both
async def test_a_form_sent_four_times_at_once_is_one_request_with_one_page(company: Company) -> None:
    await on_file()
    [reference] = await several(await visit(), "access", "erasure")
    assert await models.CaseRow.all().count() == 2 and await letters_to(ANA) == ["mail/case-started"]
    assert (await cases.status_for_person(reference)).state == "triage"
    assert len(await audit.search(event="case.opened")) == 2


@on_both
async def test_what_acts_at_once_acts_once_and_again_after_a_change_of_mind(company: Company) -> None:
    await statement.publish_all("system", why="The first texts.")
    mine, session = await on_file(), await visit()
    assert len(await several(session, "withdrawal")) == 1
    assert await models.CaseRow.all().count() == 1
    with clock.at(clock.now() + timedelta(minutes=5)):
        said = (mine.id, "newsletter", "email", "", "yes", None, "preference-centre", "self-verified")
        await consent.decide(consent.Word(*said, actor=f"customer:{mine.subject}", edition="newsletter@1/en", language="en"))
        await several(session, "withdrawal")
        assert await models.CaseRow.all().count() == 2
        assert not (await consent.permission(mine.id, "newsletter", "email")).allowed


async def test_other_words_other_people_and_the_same_right_after_the_end_are_requests_of_their_own(company: Company) -> None:
    await on_file(), await on_file(BEN)
    session = await visit()
    first = await cases.open_for(session, "access", language="en")
    told = await cases.open_for(session, "access", language="en", details={"message": "And the letters of 2019."})
    bens = await cases.open_for(await visit(BEN), "access", language="en")
    assert len({first.id, told.id, bens.id}) == 3
    async with db.writing():
        other = await subjects.ensure("email", "ana.second@example.com", by="import", subject=(await visit()).subject)
        await subjects.mark_verified(other.id)
    second = await visit("ana.second@example.com")
    theirs = await cases.open_for(second, "access", language="en")
    assert theirs.id != first.id and await cases.is_of(theirs.id, second)
    await cases.withdraw(first.id, actor="customer:ana")
    later = await cases.open_for(session, "access", language="en")
    assert later.id not in (first.id, told.id) and later.state == "triage"
    with clock.at(clock.now() + timedelta(hours=2)):
        assert (await cases.open_for(await visit(), "access", language="en")).id != later.id


async def test_who_signs_in_again_and_sends_the_form_once_more_has_proven_the_first_one(company: Company) -> None:
    await on_file()
    session = await visit()
    with clock.at(clock.now() + timedelta(minutes=20)):
        [reference] = await several(session, "access")
        status = await cases.status_for_person(reference)
        assert status.state == "verifying" and await letters_to(ANA) == ["mail/code"]
        again = await cases.open_for(await visit(), "access", language="en")
        assert (again.id, again.state) == (status.id, "triage")
        await cases.collect(again.id, officer=OLGA)


async def test_two_tabs_lead_to_the_same_page(company: Company) -> None:
    await statement.publish_all("system", why="The first texts.")
    async with Browser() as ana:
        await sign_in(ana, ANA)
        sent = [ana.post("/requests", data={"right": "access", "country": "RO"}) for _tab in range(2)]
        pages = await asyncio.gather(*sent)
        assert pages[0].url == pages[1].url and "/requests/" in pages[0].url.path
        assert await models.CaseRow.all().count() == 1


@on_both
async def test_a_second_look_that_is_asked_for_twice_at_once_is_one(company: Company) -> None:
    first = await collected("access")
    await answer(first, "refused", "Because of this and that.")
    session = await visit()
    asked = [cases.appeals.ask(first, "It is mine.", session, language="en") for _each in range(4)]
    assert len({(each.id, each.reference) for each in await asyncio.gather(*asked)}) == 1
    assert await models.CaseRow.filter(appeal_of=first).count() == 1
    with pytest.raises(Conflict, match="second look is being taken already"):
        await cases.appeals.ask(first, "And something else.", session, language="en")


async def test_the_same_words_after_other_words_are_new_ones(company: Company) -> None:
    await on_file()
    session = await visit()
    asked = [
        await cases.open_for(session, "rectification", language="en", details={"changes": {"name": name}})
        for name in ("Ana Pop", "Ana Pope", "Ana Pop")
    ]
    assert len({each.id for each in asked}) == 3


async def test_a_second_no_within_seconds_of_a_yes_counts(company: Company) -> None:
    await publish()
    mine, session = await on_file(), await visit()
    now = clock.now()
    with clock.at(now):
        await several(session, "withdrawal", times=1)
    with clock.at(now + timedelta(seconds=2)):
        await say(mine, "yes", grade="self-verified")
    with clock.at(now + timedelta(seconds=4)):
        await several(session, "withdrawal", times=1)
        assert not (await consent.permission(mine.id, "back-in-stock", "email")).allowed
    assert await models.CaseRow.all().count() == 2
