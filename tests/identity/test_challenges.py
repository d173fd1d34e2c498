"""An address is proven by the link or the code in a mail, once, in time, and not by guessing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal import db, identity, messages, subjects
from portal.identity import allowances
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, TooMany
from tests.conftest import House
from tests.identity.people import (
    ANA,
    BEN,
    HERS,
    OTHER,
    THIRD,
    ask,
    code_in_mail,
    count_rows,
    mails,
    newest_mail,
    prove,
    secret_in_mail,
    wrong,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


async def test_the_link_proves_the_address_once_in_the_browser_that_asked(house: House) -> None:
    asked = await ask(use="request", bound_to="case-1")
    secret = await secret_in_mail()
    proof = await identity.prove_link(secret, HERS)
    assert (proof.use, proof.bound_to) == (asked.use, asked.bound_to) == ("request", "case-1")
    found = await subjects.find("email", ANA)
    assert found is not None and found.id == proof.identifier_id and found.subject == proof.subject
    assert found.verified_at is not None
    with pytest.raises(Conflict, match="used already"):
        await identity.prove_link(secret, HERS)


async def test_in_another_browser_the_link_asks_for_the_code(house: House) -> None:
    asked = await ask()
    secret, code = await secret_in_mail(), await code_in_mail()
    for browser in (OTHER, "", None):
        landing = await identity.landing(secret, browser)
        assert landing.challenge == asked and not landing.same_browser
        with pytest.raises(NotAllowed, match="enter the code"):
            await identity.prove_link(secret, browser)
    assert (await identity.prove_code(asked.id, f" {code[:3]} {code[3:]} ", browser=OTHER)).use == "sign-in"


async def test_a_link_asked_for_without_a_browser_works_in_none(house: House) -> None:
    await ask(browser=None)
    for browser in (HERS, "", None):
        with pytest.raises(NotAllowed, match="enter the code"):
            await identity.prove_link(await secret_in_mail(), browser)


async def test_a_mail_scanner_may_open_the_link_fifty_times(house: House) -> None:
    await ask()
    secret = await secret_in_mail()
    before = await db.rows("SELECT * FROM challenge")
    for _number in range(50):
        assert (await identity.landing(secret, HERS)).same_browser
    assert await db.rows("SELECT * FROM challenge") == before
    await identity.prove_link(secret, HERS)


async def test_known_and_unknown_addresses_are_treated_alike_until_one_is_proven(house: House) -> None:
    async with db.writing():
        await subjects.ensure("email", ANA, by="system")
    people = await count_rows("subject")
    seen = []
    for address in (ANA, "nobody@example.com"):
        asked, code, secret = await ask(address), await code_in_mail(), await secret_in_mail()
        words = (await newest_mail()).replace(code, "CODE").replace(secret, "SECRET")
        seen.append((len(asked.id), asked.use, asked.bound_to, words))
    assert seen[0] == seen[1]
    assert await count_rows("subject") == people
    await identity.prove_code(asked.id, code)
    assert await count_rows("subject") == people + 1


@pytest.mark.parametrize("typed", ["", "ana", "ana@", "ana@example.com, ben@example.com", "a\r\nBcc: ben@example.com", "a b@c.d"])
async def test_what_is_no_address_gets_no_mail(sqlite_house: House, typed: str) -> None:
    with pytest.raises(Invalid):
        await ask(typed)
    assert await mails() == 0


async def test_a_look_alike_of_an_address_on_file_gets_no_mail(house: House) -> None:
    async with db.writing():
        await subjects.ensure("email", "Straße@example.com", by="system")
    await ask("strasse@example.com")
    assert (await messages.mailbox())[0].to == "Straße@example.com"
    assert (await identity.prove_link(await secret_in_mail(), HERS)).use == "sign-in"


async def test_a_look_alike_recorded_meanwhile_is_not_taken_over(house: House) -> None:
    await ask("strasse@example.com")
    async with db.writing():
        await subjects.ensure("email", "Straße@example.com", by="system")
    with pytest.raises(Conflict):
        await identity.prove_link(await secret_in_mail(), HERS)


async def test_after_ten_minutes_link_and_code_are_too_old(house: House) -> None:
    with clock.at(NOON):
        asked = await ask()
        secret, code = await secret_in_mail(), await code_in_mail()
    with clock.at(NOON + timedelta(minutes=10, seconds=5)):
        for attempt in (identity.prove_code(asked.id, code), identity.prove_link(secret, HERS), identity.landing(secret, HERS)):
            with pytest.raises(NotAllowed, match="too old"):
                await attempt
    with clock.at(NOON + timedelta(minutes=9, seconds=50)):
        await identity.prove_code(asked.id, code)


async def test_setting_the_clock_back_brings_nothing_to_life(house: House) -> None:
    with clock.at(NOON):
        asked = await ask()
        secret, code = await secret_in_mail(), await code_in_mail()
    with clock.at(NOON - timedelta(days=1)):
        for attempt in (identity.prove_code(asked.id, code), identity.prove_link(secret, HERS)):
            with pytest.raises(NotAllowed):
                await attempt


async def test_five_wrong_codes_end_a_challenge_even_when_a_hundred_come_at_once(house: House) -> None:
    asked = await ask()
    code, secret = await code_in_mail(), await secret_in_mail()
    refused = await _all(identity.prove_code(asked.id, wrong(code), browser=OTHER) for _number in range(100))
    assert all(isinstance(each, NotAllowed) for each in refused)
    assert sum("newest mail" in str(each) for each in refused) == 4  # the fifth says that it was the last
    found = await db.row("SELECT tried FROM challenge")
    assert found == {"tried": 5}
    with pytest.raises(NotAllowed, match="too many wrong codes"):
        await identity.prove_code(asked.id, code, browser=HERS)
    # The link cannot be guessed, so nobody's wrong codes spoil it for the one who asked.
    assert (await identity.prove_link(secret, HERS)).use == "sign-in"


async def test_of_twenty_right_codes_at_once_one_counts(house: House) -> None:
    asked, code = await ask(), await code_in_mail()
    results = await _all(identity.prove_code(asked.id, code, browser=HERS) for _number in range(20))
    assert sum(isinstance(each, identity.Proof) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 19
    assert await _events("customer.proved") == 1


async def test_of_twenty_clicks_at_once_one_counts(house: House) -> None:
    await ask()
    secret = await secret_in_mail()
    results = await _all(identity.prove_link(secret, HERS) for _number in range(20))
    assert sum(isinstance(each, identity.Proof) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 19


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


async def test_unknown_links_and_challenges_are_not_found(house: House) -> None:
    for attempt in (identity.prove_link("x" * 43, HERS), identity.landing("x" * 43), identity.prove_code("x" * 22, "123456")):
        with pytest.raises(NotFound):
            await attempt


async def test_a_refusal_inside_a_transaction_could_undo_its_count_and_is_an_error(house: House) -> None:
    asked = await ask()
    with pytest.raises(RuntimeError, match="transaction of its own"):
        async with db.writing():
            await identity.prove_code(asked.id, "123456")


async def test_the_database_holds_neither_address_nor_link_nor_code(sqlite_house: House) -> None:
    await ask("canary.petal@example.com")
    secret, code = await secret_in_mail(), await code_in_mail()
    await identity.prove_link(secret, HERS)
    await db.close()
    written = b"".join(path.read_bytes() for path in sqlite_house.settings.var.glob("portal.db*"))
    assert len(written) > 50_000
    for canary in ("canary.petal", secret, HERS):
        assert canary.encode() not in written
    assert f"\n{code}\n".encode() not in written
    await db.open_database(sqlite_house.settings)


async def test_of_an_erased_person_no_visit_remains(house: House) -> None:
    proof = await prove()
    await identity.open_session(subject=proof.subject, identifier=proof.identifier_id)
    await prove(BEN, OTHER)
    async with db.writing():
        await identity.forget(await subjects.identifiers_of(proof.subject))
        await subjects.forget(proof.subject, by="system")
    assert await count_rows("session") == 0
    assert await count_rows("challenge") == await count_rows("familiar_browser") == 1
    # Whoever comes back with the same address is somebody new.
    assert (await prove()).subject != proof.subject


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


async def _all(attempts: Any) -> list[Any]:
    results = await asyncio.gather(*attempts, return_exceptions=True)
    unexpected = [each for each in results if isinstance(each, BaseException) and not isinstance(each, Refusal)]
    assert unexpected == []
    return results


async def _events(name: str) -> int:
    found = await db.row("SELECT count(*) AS n FROM entry WHERE event = ?", name)
    assert found is not None
    return int(found["n"])
