"""An address is proven by the link or the code in a mail, once and in time."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import db, identity, messages, subjects
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.conftest import House, on_both
from tests.identity.people import (
    ANA,
    BEN,
    HERS,
    OTHER,
    all_at_once,
    ask,
    code_in_mail,
    count_rows,
    mails,
    newest_mail,
    prove,
    recorded,
    secret_in_mail,
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


@on_both
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


@on_both
async def test_of_twenty_right_codes_at_once_one_counts(house: House) -> None:
    asked, code = await ask(), await code_in_mail()
    results = await all_at_once(identity.prove_code(asked.id, code, browser=HERS) for _number in range(20))
    assert sum(isinstance(each, identity.Proof) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 19
    assert await recorded("customer.proved") == 1


@on_both
async def test_of_twenty_clicks_at_once_one_counts(house: House) -> None:
    await ask()
    secret = await secret_in_mail()
    results = await all_at_once(identity.prove_link(secret, HERS) for _number in range(20))
    assert sum(isinstance(each, identity.Proof) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 19


async def test_unknown_links_and_challenges_are_not_found(house: House) -> None:
    for attempt in (identity.prove_link("x" * 43, HERS), identity.landing("x" * 43), identity.prove_code("x" * 22, "123456")):
        with pytest.raises(NotFound):
            await attempt


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


@on_both
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
