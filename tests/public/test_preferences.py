"""The preference centre without scripts: what a click does, and to whom."""

import re

import pytest

from portal import audit, consent, subjects
from portal.settings import HOME
from tests.conftest import House
from tests.people import ANA, BEN, Browser, sign_in


@pytest.fixture
async def shop(sqlite_house: House) -> House:
    await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    return sqlite_house


def _action(html: str, purpose: str, channel: str) -> str:
    found = re.search(rf'action="(/preferences/{purpose}/{channel}\?[^"]*)"', html)
    assert found, html
    return found[1].replace("&amp;", "&")


async def test_giving_and_withdrawing_take_one_click_each(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.get("/preferences")
        action = _action(page.text, "newsletter", "email")
        page = await ana.post(action, data={"answer": "yes"})
        identifier = await subjects.find("email", ANA)
        assert identifier and (await consent.permission(identifier.id, "newsletter", "email")).allowed
        page = await ana.post(_action(page.text, "newsletter", "email"), data={"answer": "no"})
        assert not (await consent.permission(identifier.id, "newsletter", "email")).allowed
        assert page.url.path == "/preferences"


async def test_a_no_answers_in_place_and_can_be_taken_back(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        action = _action((await ana.get("/preferences")).text, "newsletter", "email")
        await ana.post(action, data={"answer": "yes"})
        part = await ana.post(action, data={"answer": "no"}, headers={"hx-request": "true"})
        assert part.text.lstrip().startswith("<tr") and "<html" not in part.text and "HX-Request" in part.headers["vary"]
        once = re.search(r'name="once" value="([^"]+)"', part.text)
        assert once
        part = await ana.post("/preferences/undo", data={"once": once[1]}, headers={"hx-request": "true"})
        identifier = await subjects.find("email", ANA)
        assert identifier and (await consent.permission(identifier.id, "newsletter", "email")).allowed


async def test_nobody_answers_for_somebody_elses_address(shop: House) -> None:
    async with Browser() as ana, Browser() as ben:
        await sign_in(ana, ANA)
        await sign_in(ben, BEN)
        anas = _action((await ana.get("/preferences")).text, "newsletter", "email")
        assert (await ben.post(anas, data={"answer": "yes"})).status_code == 404
        identifier = await subjects.find("email", ANA)
        assert identifier and not (await consent.permission(identifier.id, "newsletter", "email")).allowed


async def test_an_unknown_purpose_or_a_closed_channel_is_said_and_changes_nothing(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        action = _action((await ana.get("/preferences")).text, "newsletter", "email")
        for wrong in (action.replace("newsletter/", "nonsense/"), action.replace("/email?", "/post?")):
            answer = await ana.post(wrong, data={"answer": "yes"})
            assert answer.status_code in (404, 422) and "<h1>" in answer.text
        person = await subjects.find("email", ANA)
        assert person and await consent.history(person.subject) == []


async def test_stopping_all_advertising_closes_every_square_of_it(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        await ana.post(_action((await ana.get("/preferences")).text, "newsletter", "email"), data={"answer": "yes"})
        await ana.post("/preferences/stop")
        person = await subjects.find("email", ANA)
        assert person
        cells = await consent.choices(person.subject)
        assert not any(cell.allowed for cell in cells if cell.purpose.kind in ("marketing", "ads"))
        assert any(cell.allowed for cell in cells if cell.purpose.basis == "contract")


async def test_the_proof_of_an_answer_opens_for_its_person_alone(shop: House) -> None:
    async with Browser() as ana, Browser() as ben:
        await sign_in(ana, ANA)
        await sign_in(ben, BEN)
        await ana.post(_action((await ana.get("/preferences")).text, "newsletter", "email"), data={"answer": "yes"})
        await audit.sequence_all()
        proof = re.search(r'href="(/receipts/[^"]+)"', (await ana.get("/preferences/history")).text)
        assert proof
        receipt = (await ana.get(proof[1] + "/download")).text
        assert audit.verify_receipt(receipt, [await audit.log_key()]).ok
        assert [(await ben.get(proof[1] + end)).status_code for end in ("", "/download")] == [404, 404]


async def test_a_topic_is_found_switched_on_off_and_on_again(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.get("/preferences")
        identifier = await subjects.find("email", ANA)
        assert identifier is not None
        of_topic = re.search(r'action="(/preferences/newsletter/email\?[^"]*topic=readings)"', page.text)
        assert of_topic and '<details class="more">' in page.text
        action = of_topic[1].replace("&amp;", "&")

        async def is_on() -> bool:
            return (await consent.permission(identifier.id, "newsletter", "email", "readings")).allowed

        on = await ana.post(action, data={"answer": "yes"}, headers={"hx-request": "true"})
        assert await is_on() and "Done. It is on." in on.text
        off = await ana.post(action, data={"answer": "no"}, headers={"hx-request": "true"})
        assert not await is_on() and '<details class="more" open>' in off.text and "It is on." not in off.text
        once = re.search(r'name="once" value="([^"]+)"', off.text)
        assert once
        await ana.post("/preferences/undo", data={"once": once[1]}, headers={"hx-request": "true"})
        assert await is_on()
