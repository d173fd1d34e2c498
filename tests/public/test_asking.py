"""The form for everything people may ask: several things at once, for another person, and what acts at once."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from portal import cases, db, jobs, messages
from portal.lib import clock
from tests.cases.shops import OLGA, Company, answer, found_company
from tests.conftest import House
from tests.people import ANA, Browser, code_for, sign_in

MOTHER = "mother@example.com"


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def test_a_copy_and_the_deletion_in_one_form_need_one_code_and_one_letter(company: Company) -> None:
    async with Browser() as ana:
        await ana.get("/requests/new")
        page = await ana.post("/requests", data={"right": ["erasure", "access"], "email": ANA, "country": "RO"})
        page = await ana.post(page.url.path, data={"code": await code_for(ANA)})
        assert "You asked for this as well" in page.text and "The deletion of your data" in page.text, page.text
        other = re.search(r'<a href="(/requests/[\w-]+)">The deletion', page.text)
        assert other and "You asked for this as well" in (await ana.get(other[1])).text
    letters = [each.letter.text for each in await messages.mailbox(20) if each.to == ANA and each.letter]
    assert len(letters) == 2 and "a copy of your data: our answer" in letters[0] and "the deletion of your data:" in letters[0]


async def test_stopping_advertising_asks_for_an_address_and_nothing_else(company: Company) -> None:
    async with Browser() as ana:
        await ana.get("/requests/new")
        page = await ana.post("/requests", data={"right": "objection to marketing", "email": ANA, "country": "RO"})
    assert page.url.path.startswith("/requests/") and "Done as you asked." in page.text


async def test_a_request_for_a_child_says_what_we_ask_to_see(company: Company) -> None:
    asked = {"right": "access", "email": MOTHER, "country": "RO", "who": "child"}
    async with Browser() as mother:
        await mother.get("/requests/new")
        page = await mother.post("/requests", data=asked)
        assert page.status_code == 422 and "their name" in page.text and 'id="who-child"' in page.text
        page = await mother.post("/requests", data=asked | {"concerned-name": "Mia", "concerned-email": ANA})
        page = await mother.post(page.url.path, data={"code": await code_for(MOTHER)})
        assert "Please show us that you may ask" in page.text and "birth certificate" in page.text, page.text


async def test_what_was_filled_in_is_neither_lost_nor_taken_for_something_else(company: Company) -> None:
    asked = {"email": ANA, "country": "RO", "new-phone": "+40 722 123 456", "who": "me"}
    async with Browser() as ana:
        await ana.get("/requests/new")
        page = await ana.post("/requests", data=asked | {"concerned-name": "Mia"})
        assert page.status_code == 422 and 'href="#who"' in page.text
        await ana.post("/requests", data=asked)
    found = await db.rows("SELECT right_name, requester FROM case_file")
    assert [(each["right_name"], each["requester"]) for each in found] == [("rectification", "me")]


async def test_nothing_chosen_is_told_at_the_choices(company: Company) -> None:
    async with Browser() as ana:
        page = await ana.post("/requests", data={"email": ANA})
    assert page.status_code == 422 and 'href="#right"' in page.text and "Please choose what you want." in page.text


async def test_a_deletion_offers_both_ways_alike_and_waits_where_nothing_was_chosen(company: Company) -> None:
    async with Browser() as ana:
        form = (await ana.get("/requests/new")).text
        offered = re.findall(r'<input id="delete-(\w+)" name="delete" value="\w+" type="radio"([^>]*)>', form)
        assert [each for each, _more in offered] == ["now", "later"] and not any("checked" in more for _each, more in offered)
        assert "If you choose nothing, we wait three days." in form
        page = await ana.post("/requests", data={"right": "erasure", "email": ANA, "country": "RO", "delete": "soon"})
        assert page.status_code == 422 and 'href="#delete"' in page.text
        page = await ana.post("/requests", data={"right": "erasure", "email": ANA, "country": "RO"})
        page = await ana.post(page.url.path, data={"code": await code_for(ANA)})
        assert "Nothing is deleted before" in page.text and "/withdrawal" in page.text


async def test_the_page_says_when_it_begins_and_takes_it_back_until_then(company: Company) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        asked = {"right": "erasure", "country": "RO"}
        page = await ana.post("/requests", data=asked | {"delete": "later"})
        reference = page.url.path
        case_id = (await cases.status_for_person(reference.rpartition("/")[2])).id
        await cases.collect(case_id, officer=OLGA)
        await jobs.run_due()
        assert (await answer(case_id)).state == "fulfilling"
        page = await ana.get(reference)
        assert "Then the deletion begins by itself" in page.text and "It is being carried out" not in page.text
        page = await ana.post(reference + "/withdrawal")
        assert "You took it back." in page.text and "Nothing is deleted before" not in page.text
        with clock.at(clock.now() + timedelta(days=4)):
            await jobs.run_due()
    assert company.rows("shop", "SELECT count(*) FROM purchase WHERE customer_id = 1") == [(2,)]


async def test_who_chose_now_is_promised_no_wait(company: Company) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.post("/requests", data={"right": "erasure", "country": "RO", "delete": "now"})
        assert "Nothing is deleted before" not in page.text and "Before it is deleted" in page.text
