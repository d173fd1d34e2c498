"""The clock goes back, by a correction of its time or on another host: a no is believed all the same."""

from datetime import timedelta

import pytest

from portal import consent, subjects
from portal.consent import ALL, Cell, permissions, stops, unsubscribing
from portal.lib import clock
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say, word
from tests.people import ANA, Browser, sign_in

BACK = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def published(house: House) -> None:
    with clock.at(clock.now() - timedelta(days=3)):
        await publish()


@on_both
@pytest.mark.parametrize("answer", ["no", "unset"])
async def test_what_closes_counts_however_often_the_clock_goes_back(answer: str) -> None:
    ana = await known("email", ANA, proven=True)
    start = clock.now()
    await say(ana, "yes", grade="self-verified")
    for number in range(1, 4):
        with clock.at(start - number * BACK):
            said = await say(ana, answer, grade="self-verified")
            assert said.said_at <= said.recorded_at and not await allowed(ana)
            await say(ana, "yes", grade="self-verified")  # one that may have been heard before, for all we know
            assert not await allowed(ana)
    assert not await allowed(ana)
    with clock.at(start + BACK):
        await say(ana, "yes", grade="self-verified")
        assert await allowed(ana)


@on_both
async def test_a_no_on_every_channel_and_one_by_the_link_of_a_mail_end_a_yes_of_a_later_hour() -> None:
    ana = await known("email", ANA, proven=True)
    for channel in (ALL, "email"):
        await say(ana, "yes", grade="self-verified")
        assert await allowed(ana)
        with clock.at(clock.now() - BACK):
            await say(ana, "no", "back-in-stock", channel, grade="self-verified")
        assert not await allowed(ana)
    await say(ana, "yes", grade="self-verified")
    token = await unsubscribing.unsubscribe_token(ana.id, Cell("back-in-stock", "email"))
    with clock.at(clock.now() - BACK):
        await unsubscribing.unsubscribe(token)
        assert not await allowed(ana)
    assert not await allowed(ana)


@on_both
async def test_an_objection_stands_at_once_and_afterwards_until_a_later_yes_lifts_it() -> None:
    ana = await known("email", ANA, proven=True)
    await say(ana, "yes", "newsletter", grade="self-verified")
    with clock.at(clock.now() - BACK):
        await stops.object_to_marketing(ana.subject, by="system")
        assert not await allowed(ana, "newsletter")
    assert not await allowed(ana, "newsletter")
    with clock.at(clock.now() - 2 * BACK):
        assert not await allowed(ana, "newsletter")
        assert not (await consent.ask("email", ANA, Cell("newsletter", "email"))).allowed
    with clock.at(clock.now() + BACK):
        await say(ana, "yes", "newsletter", grade="self-verified")
        assert await allowed(ana, "newsletter")


@on_both
async def test_a_bounce_after_a_yes_of_a_later_hour_closes_the_address() -> None:
    ana = await known("email", ANA, proven=True)
    await say(ana, "yes", grade="self-verified")
    with clock.at(clock.now() - BACK):
        await stops.suppress_address(ana.id, "email", by="system", why="hard bounce")
    assert not await allowed(ana)


async def test_a_click_in_the_preference_centre_counts_and_the_page_is_right() -> None:
    async with Browser() as browser:
        await sign_in(browser, ANA)
        form = await browser.get("/preferences")
        action = form.text.partition('action="/preferences/back-in-stock/email?')[2].partition('"')[0].replace("&amp;", "&")
        await browser.post(f"/preferences/back-in-stock/email?{action}", data={"answer": "yes"})
        with clock.at(clock.now() - timedelta(seconds=20)):
            await browser.post(f"/preferences/back-in-stock/email?{action}", data={"answer": "no"})
        ana = await subjects.find("email", ANA)
        assert ana is not None and not await allowed(ana)


async def test_what_somebody_claims_is_kept_as_claimed() -> None:
    ana = await known("email", ANA, proven=True)
    await say(ana, "yes", grade="self-verified")
    claimed = clock.now() - BACK
    assert (await consent.decide(word(ana, "no", said_at=claimed))).said_at == claimed
    assert await allowed(ana)


@on_both
async def test_the_stored_words_are_those_of_all_decisions_after_it() -> None:
    ana = await known("email", ANA, proven=True)
    await say(ana, "yes", grade="self-verified")
    with clock.at(clock.now() - BACK):
        await say(ana, "no", grade="self-verified")
    before = await consent.permission(ana.id, "back-in-stock", "email")
    from_scratch = await permissions.permission(ana.id, "back-in-stock", "email", at=clock.now() + BACK)
    assert before.because == from_scratch.because and not before.allowed
