"""What a browser hears of its own yeses: stopped elsewhere, lapsed, or still counting; and nothing about anybody else."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from portal import db, subjects
from portal.lib import clock
from portal.sites import Site
from tests.conftest import House, on_both
from tests.consent.people import known, say
from tests.people import ANA
from tests.sites.shops import DEVICE, Visitor, found_site, problem


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


@on_both
async def test_a_no_that_was_said_elsewhere_reaches_the_browser(house: House, tmp_path: Path) -> None:
    async with Visitor(await found_site(house, tmp_path)) as visitor:
        await visitor.answer(answers={"visits": True, "audiences": True}, how="accept")
        ana, device = await known("email", ANA), await subjects.find("device", DEVICE)
        assert device is not None
        await say(ana, "no", "visits", "web")
        assert await visitor.standing() == {"visits": True, "audiences": True, "partners": None}
        async with db.writing():
            await subjects.link(device.id, ana.subject, by="system", why="It is hers.")
        assert await visitor.standing() == {"visits": False, "audiences": True, "partners": None}
        await say(ana, "yes", "visits", "web")
        assert (await visitor.standing())["visits"] is True


async def test_a_yes_that_lapsed_is_no_answer_any_more(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"visits": True}, how="accept")
        with clock.at(clock.now() + timedelta(days=400)):
            assert (await visitor.standing())["visits"] is None


async def test_a_browser_that_nobody_knows_has_no_answers_and_stays_unknown(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        assert set((await visitor.standing("n" * 22)).values()) == {None}
    assert await db.row("SELECT id FROM identifier") is None


@pytest.mark.parametrize("device", [None, 7, "", "d" * 21, "d" * 21 + "=", ANA])
async def test_only_a_browsers_number_is_asked_about(shop: Site, device: object) -> None:
    async with Visitor(shop) as visitor:
        answer = await visitor.post(
            visitor.at + "/standing", content=json.dumps({"device": device}), headers={"content-type": "text/plain"}
        )
    assert answer.status_code == 422 and "device" in str(problem(answer))


async def test_other_websites_hear_nothing(shop: Site) -> None:
    async with Visitor(shop, "https://evil.example") as visitor:
        answer = await visitor.post(
            visitor.at + "/standing", content=json.dumps({"device": DEVICE}), headers={"content-type": "text/plain"}
        )
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
