"""Guessing codes leads nowhere, and strangers who try lock out nobody but themselves."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import db, identity
from portal.identity import allowances
from portal.lib import clock
from portal.lib.errors import NotAllowed, TooMany
from tests.conftest import House, on_both
from tests.identity.people import (
    ANA,
    BEN,
    HERS,
    OTHER,
    THIRD,
    all_at_once,
    ask,
    code_in_mail,
    mails,
    prove,
    secret_in_mail,
    wrong,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@on_both
async def test_five_wrong_codes_end_a_challenge_even_when_a_hundred_come_at_once(house: House) -> None:
    asked = await ask()
    code, secret = await code_in_mail(), await secret_in_mail()
    refused = await all_at_once(identity.prove_code(asked.id, wrong(code), browser=OTHER) for _number in range(100))
    assert all(isinstance(each, NotAllowed) for each in refused)
    assert sum("newest mail" in str(each) for each in refused) == 4  # the fifth says that it was the last
    found = await db.row("SELECT tried FROM challenge")
    assert found == {"tried": 5}
    with pytest.raises(NotAllowed, match="too many wrong codes"):
        await identity.prove_code(asked.id, code, browser=HERS)
    # The link cannot be guessed, so nobody's wrong codes spoil it for the one who asked.
    assert (await identity.prove_link(secret, HERS)).use == "sign-in"


async def test_ten_wrong_codes_an_hour_end_guessing_across_challenges_and_restarts(house: House) -> None:
    asked, code = await _after_wrong_codes(10, NOON)
    await db.close()
    await db.open_database(house.settings)
    with clock.at(NOON + timedelta(minutes=30)):
        with pytest.raises(TooMany) as refused:
            await identity.prove_code(asked.id, code, browser=THIRD)
    assert 1 <= refused.value.retry_after <= 3600
    # Another address is untouched.
    other, other_code = await ask(BEN), await code_in_mail()
    await identity.prove_code(other.id, other_code)


async def test_right_tries_are_not_counted_but_end_with_the_wrong_ones(house: House) -> None:
    async def judge(right: bool) -> None:
        async with db.writing():
            await allowances.judge("code", b"account", None, right=right, sentence="No more.")

    for _number in range(30):
        await judge(True)
    for _number in range(10):
        await judge(False)
    for right in (True, False):
        with pytest.raises(TooMany, match="No more"):
            await judge(right)


async def test_ninety_wrong_codes_a_day_are_the_end_of_it(house: House) -> None:
    for hour in range(9):
        with clock.at(NOON + timedelta(hours=hour, minutes=hour)):
            # Two challenges of five tries each, started by different uses so that neither joins the other.
            for use in ("sign-in", "request"):
                asked = await ask(use=use)
                await _guess(asked, await code_in_mail())
    with clock.at(NOON + timedelta(hours=12)):
        asked, code = await ask(use="step-up"), await code_in_mail()
        with pytest.raises(TooMany) as refused:
            await identity.prove_code(asked.id, code, browser=HERS)
    assert refused.value.retry_after > 3600


async def test_strangers_cannot_lock_a_familiar_browser_out(house: House) -> None:
    with clock.at(NOON - timedelta(hours=2)):
        await prove(ANA, HERS)
    await _after_wrong_codes(10, NOON)
    with clock.at(NOON + timedelta(minutes=30)):
        asked = await ask(ANA, HERS)
        code = await code_in_mail()
        # A stranger who asks now gets a challenge of their own, not hers to spoil.
        with pytest.raises((TooMany, NotAllowed)):
            other = await ask(ANA, OTHER)
            assert other.id != asked.id
            await identity.prove_code(other.id, code, browser=OTHER)
        await identity.prove_code(asked.id, code, browser=HERS)


@on_both
async def test_strangers_join_the_running_challenge_and_cause_few_mails(house: House) -> None:
    with clock.at(NOON):
        first = await ask(browser="first" + "x" * 40)
        for number in range(50):
            assert await ask(browser=f"{number}" + "y" * 40) == first
        assert await ask(browser=None) == first
        assert await mails() == 1
    with clock.at(NOON + timedelta(seconds=10)):
        assert await ask(browser="first" + "x" * 40) == first
    for minute in range(2, 60):
        with clock.at(NOON + timedelta(minutes=minute)):
            try:
                await ask(browser="first" + "x" * 40)
            except TooMany as refused:
                assert "several mails" in refused.sentence
    assert await mails() == 5


async def test_the_code_of_one_challenge_is_nothing_to_another(house: House) -> None:
    await ask(use="sign-in")
    code = await code_in_mail()
    other = await ask(use="request", bound_to="case-1")
    if code == await code_in_mail():  # one in a million
        return
    with pytest.raises(NotAllowed):
        await identity.prove_code(other.id, code)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00", "9" * 5000])
async def test_what_is_no_code_is_refused_in_plain_words(sqlite_house: House, code: str) -> None:
    asked = await ask()
    with pytest.raises(NotAllowed, match="not the code"):
        await identity.prove_code(asked.id, code)


async def test_a_refusal_inside_a_transaction_could_undo_its_count_and_is_an_error(house: House) -> None:
    asked = await ask()
    with pytest.raises(RuntimeError, match="transaction of its own"):
        async with db.writing():
            await identity.prove_code(asked.id, "123456")


async def _after_wrong_codes(count: int, moment: datetime) -> tuple[identity.Challenge, str]:
    """A running challenge of strangers and its code, after so many wrong codes from their browsers within this hour."""
    with clock.at(moment):
        for number in range(count // 5):
            await _guess(await ask(ANA, f"{number}" + "z" * 40), await code_in_mail())
    with clock.at(moment + timedelta(minutes=29)):
        return await ask(ANA, THIRD), await code_in_mail()


async def _guess(asked: identity.Challenge, code: str) -> None:
    for _number in range(5):
        with pytest.raises(NotAllowed):
            await identity.prove_code(asked.id, wrong(code), browser=OTHER)
