"""Global Privacy Control on the portal's own pages: the browser of a signed-in customer objects for them, once."""

import asyncio
import re

import pytest

from portal import consent, subjects
from portal.settings import HOME
from tests.conftest import House
from tests.people import ANA, BEN, Browser, sign_in

STOPPED = "Your browser asked us not to sell or share your data. We have stopped. Opt-Out Request Honored"
ASKS = "Your browser asks us not to. Allow it all the same?"
ON = {"sec-gpc": "1"}
HTMX = {"hx-request": "true"}


@pytest.fixture
async def shop(sqlite_house: House) -> House:
    await consent.publish_purposes("system", path=HOME / "policies" / "purposes.toml")
    return sqlite_house


async def _said(address: str) -> list[tuple[str, str, str, str]]:
    found = await subjects.find("email", address)
    assert found
    entries = await consent.history(found.subject)
    return [(each.purpose, each.what, each.source, each.grade) for each in reversed(entries)]


async def _may(address: str, purpose: str) -> bool:
    found = await subjects.find("email", address)
    return found is not None and (await consent.permission(found.id, purpose, "ads")).allowed


async def _press(browser: Browser, purpose: str, **more: str) -> str:
    """Press the switch of a purpose for advertising; answers what then stands in its place."""
    page = (await browser.get("/preferences")).text
    found = re.search(rf'action="(/preferences/{purpose}/ads\?[^"]*)"', page)
    assert found, page
    return (await browser.post(found[1].replace("&amp;", "&"), data={"answer": "yes", **more}, headers=HTMX)).text


async def test_it_is_recorded_once_as_an_objection_and_the_page_says_so(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        await _press(ana, "audiences")
        assert await _may(ANA, "audiences") and await _said(ANA) == [("audiences", "yes", "preference-centre", "self-verified")]
        for wrong in ("0", "true", "1, 1", ""):
            await ana.get("/preferences/history", headers={"sec-gpc": wrong})
        assert await _may(ANA, "audiences")
        page = await ana.get("/preferences/history", headers=ON)
        assert STOPPED in page.text and "Through a signal of your browser" in page.text and "the text you saw" in page.text
        assert not await _may(ANA, "audiences")
        signal = ("no", "gpc-signal", "signal")
        assert sorted((await _said(ANA))[1:]) == [("audiences", *signal), ("partners", *signal)]
        for path in ("/preferences/history", "/requests", "/preferences"):
            page = await ana.get(path, headers=ON)
        assert STOPPED in page.text, "The preference centre says it for as long as the browser does."
        assert STOPPED not in (await ana.get("/requests", headers=ON)).text and len(await _said(ANA)) == 3


async def test_tabs_that_open_at_the_same_moment_record_it_once(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        await asyncio.gather(
            *(ana.get(path, headers=ON) for path in ("/preferences", "/requests", "/preferences/history", "/looks"))
        )
    assert sorted(each[0] for each in await _said(ANA)) == ["audiences", "partners"]


async def test_a_refusal_stays_as_it_was_said_and_who_is_not_known_is_not_recorded(shop: House) -> None:
    async with Browser() as ana:
        await ana.get("/", headers=ON)
        await ana.get("/preferences", headers=ON)
        assert await subjects.find("email", ANA) is None
        await sign_in(ana, ANA)
        await _press(ana, "partners", answer="no")
        await ana.get("/preferences", headers=ON)
        said = [each[:3] for each in await _said(ANA)]
        assert said == [("partners", "no", "preference-centre"), ("audiences", "no", "gpc-signal")]


async def test_a_later_yes_of_another_browser_is_not_undone_by_the_next_page(shop: House) -> None:
    async with Browser() as first, Browser() as second:
        await sign_in(first, ANA)
        await first.get("/preferences", headers=ON)
        await sign_in(second, ANA)
        await _press(second, "audiences")
        await first.get("/preferences", headers=ON)
        assert await _may(ANA, "audiences")
        await first.get("/preferences")  # the signal was switched off, and then on again
        await first.get("/preferences", headers=ON)
        assert not await _may(ANA, "audiences")


async def test_a_yes_against_the_signal_takes_a_second_step_and_holds_on_the_next_browser(shop: House) -> None:
    async with Browser() as first, Browser() as second, Browser() as bens:
        await sign_in(first, ANA)
        first.headers.update(ON)
        asked = await _press(first, "audiences")
        assert ASKS in asked and 'name="despite"' in asked and not await _may(ANA, "audiences")
        assert ASKS not in await _press(first, "audiences", answer="no")
        assert ASKS not in await _press(first, "audiences", despite="signal") and await _may(ANA, "audiences")
        page = (await first.get("/preferences")).text
        assert "What you allowed all the same stays on" in page and STOPPED not in page
        await sign_in(second, ANA)
        await second.get("/preferences", headers=ON)
        assert await _may(ANA, "audiences")
        await sign_in(bens, BEN)
        await _press(bens, "audiences", despite="signal")
        await bens.get("/preferences", headers=ON)
        assert not await _may(BEN, "audiences"), "His browser sent no signal when he said yes: he has not been told of it."


async def test_without_scripts_the_second_step_stands_on_the_page_that_follows(shop: House) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        ana.headers.update(ON)
        page = (await ana.get("/preferences")).text
        found = re.search(r'action="(/preferences/partners/ads\?[^"]*)"', page)
        assert found
        action = found[1].replace("&amp;", "&")
        page = (await ana.post(action, data={"answer": "yes"})).text
        assert ASKS in page and "Allow all the same" in page
        await ana.post(action, data={"answer": "yes", "despite": "signal"})
        assert await _may(ANA, "partners")


async def test_two_customers_of_one_browser_are_each_heard_once(shop: House) -> None:
    async with Browser() as shared, Browser() as own:
        shared.headers.update(ON)
        await sign_in(own, ANA)
        for turn in range(2):
            for address in (ANA, BEN):
                await sign_in(shared, address)
                await shared.post("/sign-out")
            if turn == 0:
                await _press(own, "audiences")
        assert await _may(ANA, "audiences") and len(await _said(BEN)) == 2
