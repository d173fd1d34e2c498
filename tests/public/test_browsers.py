"""A browser that said yes on a website, added by its person: steered with their other addresses, and by nobody else."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, db, sites, subjects
from portal.lib import clock
from portal.sites import Site
from portal.subjects import Identifier
from tests.conftest import House, on_both
from tests.consent.people import known
from tests.people import ANA, Browser, sign_in
from tests.sites.shops import DEVICE, SHOP, Visitor, found_site

BEN = "ben@example.com"


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


async def _token(visitor: Visitor) -> str:
    """Of the proof that the browser keeps of its yes."""
    proof: str = (await visitor.answer(answers={"visits": True, "audiences": True}, how="accept")).json()["proof"]
    await audit.sequence_all()
    return proof.rpartition("/")[2]


async def _browser() -> Identifier:
    device = await subjects.find("device", DEVICE)
    assert device is not None
    return device


async def test_a_browser_is_steered_from_home_once_its_person_added_it(shop: Site) -> None:
    ana = await known("email", ANA)
    async with Visitor(shop) as visitor, Browser() as browser:
        token = await _token(visitor)
        page = await visitor.get(f"{visitor.at}/proof/{token}")
        assert f'href="/browsers/{token}"' in page.text
        asked = await browser.get(f"/browsers/{token}", follow_redirects=False)
        assert asked.status_code == 303 and asked.headers["location"] == "/sign-in"
        await sign_in(browser, ANA)
        page = await browser.get(f"/browsers/{token}")
        assert "Yes to: Measuring our website" in page.text and DEVICE not in page.text
        for _twice in range(2):
            await browser.post(f"/browsers/{token}")
        assert "This browser is yours" in (await browser.get(f"/browsers/{token}")).text
        assert (await _browser()).subject == ana.subject
        centre = (await browser.get("/preferences")).text
        assert "A browser of yours" in centre and DEVICE not in centre
        assert await visitor.standing() == {"visits": True, "audiences": True, "partners": None}
        await browser.post(f"/preferences/visits/web?to={(await _browser()).id}", data={"answer": "no"})
        assert await visitor.standing() == {"visits": False, "audiences": True, "partners": None}
        await browser.post("/preferences/stop")
        assert (await visitor.standing())["audiences"] is False


async def test_a_browser_that_somebody_added_is_taken_from_nobody(shop: Site) -> None:
    ana = await known("email", ANA)
    await known("email", BEN)
    async with Visitor(shop) as visitor, Browser() as browser, Browser() as other:
        token = await _token(visitor)
        await sign_in(browser, ANA)
        await browser.post(f"/browsers/{token}")
        await sign_in(other, BEN)
        refused = await other.post(f"/browsers/{token}")
        assert refused.status_code == 409 and ANA not in refused.text
        assert (await _browser()).subject == ana.subject


async def test_a_shared_address_adds_no_browser(shop: Site) -> None:
    await known("email", ANA, audience="shared")
    async with Visitor(shop) as visitor, Browser() as browser:
        token = await _token(visitor)
        alone = (await _browser()).subject
        await sign_in(browser, ANA)
        assert f'action="/browsers/{token}"' not in (await browser.get(f"/browsers/{token}")).text
        assert (await browser.post(f"/browsers/{token}")).status_code == 403
        assert (await _browser()).subject == alone


async def test_without_the_proof_there_is_no_browser_to_add(shop: Site) -> None:
    await known("email", ANA)
    async with Visitor(shop) as visitor, Browser() as browser:
        token = await _token(visitor)
        await sign_in(browser, ANA)
        for wrong in (token[:-3] + "AAA", "x", token[:20]):
            assert (await browser.get(f"/browsers/{wrong}")).status_code == 404
            assert (await browser.post(f"/browsers/{wrong}")).status_code == 404
    assert await audit.search(event="identifier.linked", limit=1) == []


async def test_a_browser_that_a_person_gave_up_is_heard_and_can_be_added_again_by_whoever_uses_it(shop: Site) -> None:
    await known("email", BEN), await known("email", ANA)
    async with Visitor(shop) as visitor, Browser() as bens, Browser() as anas:
        await sign_in(bens, BEN)
        await sign_in(anas, ANA)
        old = await _token(visitor)
        await bens.post(f"/browsers/{old}")
        await bens.post(f"/preferences/addresses/{(await _browser()).id}", data={"is": "left"})
        assert (await _browser()).subject == (await _browser()).home
        assert (await visitor.answer(answers={"visits": False, "audiences": False}, how="refuse")).status_code == 200
        assert (await visitor.standing())["visits"] is False
        refused = await anas.post(f"/browsers/{old}")
        assert refused.status_code == 409 and "too old to tell" in refused.text
        await anas.post(f"/browsers/{await _token(visitor)}")
        ana = await subjects.find("email", ANA)
        assert ana is not None and (await _browser()).subject == ana.subject


async def test_an_answer_of_another_day_adds_no_browser(shop: Site) -> None:
    await known("email", ANA)
    async with Visitor(shop) as visitor:
        token = await _token(visitor)
    with clock.at(clock.now() + timedelta(hours=25)):
        async with Browser() as anas:
            await sign_in(anas, ANA)
            page = await anas.get(f"/browsers/{token}")
            assert "too old to tell" in page.text and "Yes, this browser is mine" not in page.text
            assert (await anas.post(f"/browsers/{token}")).status_code == 409
    assert (await _browser()).subject == (await _browser()).home


async def test_nobody_gets_a_person_by_the_proof_of_a_browser(shop: Site) -> None:
    """However the records came to hang together: here an officer put Ana under the older record of her browser."""
    mallory = await known("email", BEN)
    async with Visitor(shop) as visitor:
        token = await _token(visitor)
    ana = await known("email", ANA, proven=True)
    async with db.writing():
        await subjects.merge(ana.subject, into=(await _browser()).home, by="officer:olga", why="one person")
    async with Browser() as bens:
        await sign_in(bens, BEN)
        assert (await bens.post(f"/browsers/{token}")).status_code == 409
    found = await subjects.find("email", ANA)
    assert found is not None and found.subject != mallory.subject


@on_both
async def test_of_many_who_add_a_browser_at_once_one_has_it(house: House, tmp_path: Path) -> None:
    shop = await found_site(house, tmp_path)
    people = [await known("email", f"p{number}@example.com") for number in range(8)]
    async with Visitor(shop) as visitor:
        token = await _token(visitor)
    added = [sites.proofs.take_home(token, each.subject, by=f"customer:{each.subject}") for each in people]
    done = await asyncio.gather(*added, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict"] * 7 + ["NoneType"]


async def test_a_proof_opens_under_the_name_of_its_own_site_alone(sqlite_house: House, tmp_path: Path) -> None:
    other = SHOP.replace("[shop", "[other").replace("{origins}", '["https://other.example.com"]').replace("The shop", "Another")
    shop = await found_site(sqlite_house, tmp_path, text=SHOP + other)
    async with Visitor(shop) as visitor:
        token = await _token(visitor)
        elsewhere = f"/w/v1/{sites.key_of(sites.named('other'))}/proof/{token}"
        assert (await visitor.get(f"{visitor.at}/proof/{token}")).status_code == 200
        assert (await visitor.get(elsewhere)).status_code == (await visitor.get(elsewhere + "/1")).status_code == 404
