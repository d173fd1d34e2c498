"""When an answer was said: by our clock, less the time that the browser measured since; its own clock is only a claim."""

from datetime import timedelta
from pathlib import Path

import pytest

from portal import consent, db, subjects
from portal.lib import clock
from portal.sites import Site
from tests.conftest import House, on_both
from tests.sites.shops import DEVICE, Visitor, found_site, problem, said

MINUTE = 60_000


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


async def test_the_order_of_the_presses_counts_though_the_browsers_clock_is_slow(shop: Site) -> None:
    slow = {"said_at": clock.rfc3339(clock.now() - timedelta(minutes=5))}
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"visits": False, "audiences": True}, how="mixed", age=30, **slow)
        with clock.at(clock.now() + timedelta(minutes=1)):
            yes = await visitor.answer(answers={"visits": True}, how="accept", age=30, **slow)
            assert yes.json()["answers"] == {"visits": True}
        with clock.at(clock.now() + timedelta(minutes=3)):
            await visitor.answer(answers={"visits": False}, how="refuse", age=30)
            late = await visitor.answer(answers={"visits": True}, how="accept", age=2 * MINUTE, **slow)
            assert late.json()["answers"] == {"visits": False}, "It was said before the no."


@on_both
async def test_a_no_and_then_a_yes_that_arrive_together_count_in_their_order(house: House, tmp_path: Path) -> None:
    """As a browser brings them that was away: but what was said elsewhere between the two, or after, counts too."""
    async with Visitor(await found_site(house, tmp_path)) as visitor:
        await visitor.answer(answers={"visits": True, "audiences": True}, how="accept", age=0)
        with clock.at(clock.now() + timedelta(hours=1)):
            await visitor.answer(answers={"visits": False, "audiences": False}, how="refuse", age=5 * MINUTE)
            both = await visitor.answer(answers={"visits": True, "audiences": True}, how="accept", age=4 * MINUTE)
            assert both.json()["answers"] == {"visits": True, "audiences": True}
        with clock.at(clock.now() + timedelta(hours=2)):
            await visitor.answer(answers={"audiences": False}, how="refuse", age=2 * MINUTE)  # in another tab, meanwhile
            await visitor.answer(answers={"visits": False, "audiences": False}, how="refuse", age=5 * MINUTE)
            late = await visitor.answer(answers={"visits": True, "audiences": True}, how="accept", age=4 * MINUTE)
            assert late.json()["answers"]["audiences"] is False
        with clock.at(clock.now() + timedelta(hours=3)):
            await visitor.answer(answers={"visits": True}, how="accept", age=0)
            await visitor.answer(answers={"visits": False}, how="refuse", age=60 * MINUTE)
            device = await subjects.find("device", DEVICE)
            assert device is not None
            assert not (await consent.permission(device.id, "visits", "web")).allowed, "A no of any age ends what is there."


async def test_a_press_on_yes_under_a_stop_hears_that_it_does_not_count(shop: Site) -> None:
    """Only who is signed in lifts a stop: the script is told so, and says it."""
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"audiences": True}, how="accept", age=0)
        device = await subjects.find("device", DEVICE)
        assert device is not None
        await consent.stops.object_to_marketing(device.subject, by=f"customer:{device.subject}")
        assert (await visitor.answer(answers={"audiences": True}, how="accept", age=0)).json()["answers"] == {"audiences": False}
        told = (await visitor.get(f"{visitor.at}/settings?lang=en")).json()["texts"]["unlike"]
        assert "a no or a stop of yours stands" in told and "preferences" in told


async def test_an_answer_that_is_brought_again_is_older_and_still_the_same(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        one = said(answers={"visits": True, "audiences": False}, age=10)
        first = await visitor.answer(**one)
        again = await visitor.answer(**{**one, "age": 90 * MINUTE})
        assert again.status_code == 200 and again.json() == first.json()
        assert (await visitor.answer(**{**one, "age": 20, "answers": {"visits": True}})).status_code == 409
    assert len(await db.rows("SELECT id FROM decision")) == 2


async def test_an_age_without_measure_makes_a_yes_old_and_a_no_none_the_less(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        await visitor.answer(answers={"visits": True}, how="accept", age=0)
        await visitor.answer(answers={"visits": False}, how="refuse", age=10**30)
        device = await subjects.find("device", DEVICE)
        assert device is not None and not (await consent.permission(device.id, "visits", "web")).allowed
        assert (await visitor.answer(answers={"partners": True}, how="accept", age=10**30)).json()["answers"] == {
            "partners": False
        }
        for bad in (-1, 1.5, True, "5", [1]):
            answer = await visitor.answer(age=bad)
            assert answer.status_code == 422 and "/age" in str(problem(answer)["errors"]), bad
