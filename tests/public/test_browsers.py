"""A browser that said yes on a website, added by its person: steered with their other addresses, and by nobody else."""

from pathlib import Path

import pytest

from portal import audit, subjects
from portal.sites import Site
from portal.subjects import Identifier
from tests.conftest import House
from tests.consent.people import known
from tests.people import ANA, Browser, sign_in
from tests.sites.shops import DEVICE, Visitor, found_site

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
