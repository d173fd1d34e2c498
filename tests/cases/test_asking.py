"""Asking again, from wherever: strangers cannot use up what an address may ask for. And: by which law it is answered."""

import asyncio

import pytest

from portal import cases, subjects
from portal.cases import models
from portal.lib.errors import TooMany
from tests.cases.shops import ANA, Company, code_to, letters_to, prove
from tests.conftest import on_both


async def test_strangers_who_ask_for_an_address_do_not_keep_its_owner_from_asking(company: Company) -> None:
    for number in range(12):
        await cases.open("access", ANA, language="en", browser=f"stranger {number}")
    hers = await cases.open("access", ANA, language="en", browser="hers")
    assert await models.CaseRow.all().count() == 1 and await letters_to(ANA) == ["mail/code"]
    assert hers.challenge is not None and hers.reference == ""
    assert await prove(hers) == "triage"
    assert await cases.reference_of(hers.id)


async def test_a_form_sent_six_times_at_once_is_one_request_with_one_answer(company: Company) -> None:
    asked = [cases.open("access", ANA, language="en", browser="hers") for _each in range(6)]
    opened = await asyncio.gather(*asked)
    assert await models.CaseRow.all().count() == 1 and await letters_to(ANA) == ["mail/code"]
    assert len({(each.id, each.challenge, each.state) for each in opened}) == 1
    assert len([each for each in opened if each.reference]) == 1


async def test_only_the_very_same_request_is_joined(company: Company) -> None:
    theirs = await cases.open("rectification", ANA, language="en", details={"changes": {"phone": "+40766666666"}})
    hers = await cases.open("rectification", ANA, language="en", details={"changes": {"phone": "+40712345678"}})
    await prove(hers)
    assert hers.id != theirs.id
    assert (await cases.case(hers.id)).state == "triage" and (await cases.case(theirs.id)).state == "verifying"


@on_both
async def test_a_proven_request_is_joined_by_nobody(company: Company) -> None:
    first = await cases.open("access", ANA, language="en")
    await prove(first)
    assert (await cases.open("access", ANA, language="en")).id != first.id


async def test_one_browser_opens_five_different_requests_a_day_for_an_address(company: Company) -> None:
    async def ask(number: int, browser: str) -> None:
        await cases.open("access", ANA, language="en", details={"message": f"{number}"}, browser=browser)

    for number in range(5):
        await ask(number, "stranger")
    with pytest.raises(TooMany, match="Several requests"):
        await ask(6, "stranger")
    await cases.open("access", ANA, language="en", details={"message": "0"}, browser="hers")


async def test_the_code_of_a_joined_request_works_in_the_browser_that_joined(company: Company) -> None:
    await cases.open("access", ANA, language="en", browser="stranger")
    hers = await cases.open("access", ANA, language="en", browser="hers")
    assert hers.challenge is not None and await code_to(ANA)
    await prove(hers)
    known = await subjects.find("email", ANA)
    assert known is not None and (await cases.case(hers.id)).subject == known.subject
