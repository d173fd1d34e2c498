"""Stopping by the link in a message: only ever off, kept for ever, taken back only from its own answer."""

import base64
from datetime import timedelta

import pytest

from portal import consent, db, subjects
from portal.consent import Cell
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish, say

BOOKS = Cell("back-in-stock", "email")


async def _decisions() -> int:
    found = await db.row("SELECT count(*) AS n FROM decision")
    assert found is not None
    return int(found["n"])


async def test_the_link_of_a_message_counts_for_the_very_next_check(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    assert (await consent.unsubscribing.read_unsubscribe_token(token)).cell == BOOKS and await allowed(ana)
    await consent.unsubscribing.unsubscribe(token)
    answer = await consent.ask("email", "ana@example.com", BOOKS)
    assert not answer.allowed and answer.because.source == "unsubscribe-link" and answer.because.grade == "self"


async def test_a_link_works_after_ten_years_and_again_after_a_new_yes(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    with clock.at(clock.now() + timedelta(days=3653)):
        await say(ana, "yes")
        await consent.unsubscribing.unsubscribe(token)
        assert not await allowed(ana)
        await say(ana, "yes")
        assert await allowed(ana)
        await consent.unsubscribing.unsubscribe(token)
        assert not await allowed(ana)


@on_both
async def test_pressed_twice_it_is_written_once_and_both_answers_can_take_it_back(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    first, second = await consent.unsubscribing.unsubscribe(token), await consent.unsubscribing.unsubscribe(token)
    assert await _decisions() == 2
    for each in (first, second):
        await consent.unsubscribing.take_back(token, each.once)
        assert await allowed(ana)
    assert await _decisions() == 3


async def test_taking_back_works_for_ten_minutes_with_the_value_of_that_answer_alone(house: House) -> None:
    await publish()
    ana, ben = await known("email", "ana@example.com"), await known("email", "ben@example.com")
    for each in (ana, ben):
        await say(each, "yes")
    anas, bens = [await consent.unsubscribing.unsubscribe_token(each.id, BOOKS) for each in (ana, ben)]
    stopped = await consent.unsubscribing.unsubscribe(anas)
    for token, once in ((bens, stopped.once), (anas, ""), (anas, anas), (anas, stopped.once[:-1])):
        with pytest.raises(NotFound):
            await consent.unsubscribing.take_back(token, once)
    with clock.at(clock.now() + timedelta(minutes=11)), pytest.raises(Conflict):
        await consent.unsubscribing.take_back(anas, stopped.once)
    assert not await allowed(ana)


async def test_taking_back_never_allows_more_than_stood_before(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    await say(ana, "no")
    stopped = await consent.unsubscribing.unsubscribe(token)
    await consent.unsubscribing.take_back(token, stopped.once)
    assert not await allowed(ana)


async def test_a_link_that_was_changed_or_cut_short_is_said_to_be_and_writes_nothing(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    changed = [bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]) for at in range(len(raw))]
    forged = [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in changed]
    for wrong in (*forged, token[:-2], token + "AAAA", "", "x", "é", "\x00", consent_undo_of_nothing()):
        with pytest.raises(NotFound):
            await consent.unsubscribing.unsubscribe(wrong)
    assert await allowed(ana) and await _decisions() == 1


def consent_undo_of_nothing() -> str:
    """A genuine value for another use."""
    from portal import vault

    return vault.seal_link("undo", bytes(16))


async def test_an_erased_address_is_off_the_list_and_nothing_is_written(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    stopped = await consent.unsubscribing.unsubscribe(token)
    async with db.writing():
        await subjects.forget(ana.subject, by="system")
    before = await _decisions()
    assert (await consent.unsubscribing.unsubscribe(token)).once == ""
    with pytest.raises(Conflict):
        await consent.unsubscribing.take_back(token, stopped.once)
    assert await _decisions() == before


async def test_there_is_no_link_for_what_nobody_can_choose_or_reach(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    fixed = next(each for each in await consent.purposes() if each.default == "fixed")
    for cell, refusal in (
        (Cell(fixed.key, fixed.channels[0]), Invalid),
        (Cell("offers", "sms"), Invalid),
        (Cell("newsletter", "email", "gardening"), Invalid),
        (Cell("newsletter", "*"), Invalid),
        (Cell("nonsense", "email"), NotFound),
        (Cell("newsletter", "post"), NotFound),
    ):
        with pytest.raises(refusal):
            await consent.unsubscribing.unsubscribe_token(ana.id, cell)


async def test_a_no_by_link_is_kept_even_when_its_purpose_is_no_longer_used(house: House) -> None:
    await publish()
    ana = await known("email", "ana@example.com")
    await say(ana, "yes")
    token = await consent.unsubscribing.unsubscribe_token(ana.id, BOOKS)
    async with db.writing():
        await db.run("UPDATE purpose SET retired_at = ? WHERE key = 'back-in-stock'", clock.micros(clock.now()))
    link = await consent.unsubscribing.read_unsubscribe_token(token)
    assert link.purpose is not None and link.purpose.key == "back-in-stock"
    await consent.unsubscribing.unsubscribe(token)
    async with db.writing():
        await db.run("UPDATE purpose SET retired_at = NULL WHERE key = 'back-in-stock'")
    assert not await allowed(ana)
