"""Sessions can be listed and ended, last no longer than they should, and never turn from one kind into the other."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import db, identity
from portal.lib import clock
from portal.lib.errors import NotAllowed, NotFound
from tests.conftest import House, on_both
from tests.identity.people import (
    ANA,
    BEN,
    HERS,
    OLGA,
    OTHER,
    ask,
    code_in_mail,
    count_rows,
    officer,
    officer_session,
    prove,
    running,
    signed_in,
)

MORNING = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


async def test_a_proof_opens_a_session_for_customers_alone(house: House) -> None:
    token = await signed_in()
    session = await running(token)
    assert session.kind == "customer" and session.officer is None and session.device == "Firefox on Linux"
    assert identity.fresh(session)
    assert await identity.session(token, "officer") is None
    assert await identity.session(token, "half") is None
    assert await identity.session(token[:-1], "customer") is None
    assert await identity.session("", "customer") is None


async def test_an_officers_session_is_nothing_at_the_customers_door(house: House) -> None:
    await officer(OLGA, "owner")
    token = await officer_session(OLGA)
    assert (await running(token, "officer")).officer
    assert await identity.session(token, "customer") is None
    with pytest.raises(ValueError, match="second_factor"):
        await identity.open_session("officer", subject="x", identifier="y")


async def test_a_session_ends_half_an_hour_after_its_last_use(house: House) -> None:
    with clock.at(MORNING):
        token = await signed_in()
    for minutes in (29, 58):
        with clock.at(MORNING + timedelta(minutes=minutes)):
            assert await identity.session(token, "customer")
    with clock.at(MORNING + timedelta(minutes=89)):
        assert await identity.session(token, "customer") is None


async def test_a_session_ends_after_half_a_day_however_busy(house: House) -> None:
    with clock.at(MORNING):
        token = await signed_in()
    for step in range(1, 36):
        with clock.at(MORNING + timedelta(minutes=20 * step)):
            assert await identity.session(token, "customer")
    with clock.at(MORNING + timedelta(hours=12, seconds=5)):
        assert await identity.session(token, "customer") is None


async def test_setting_the_clock_back_prolongs_no_session(house: House) -> None:
    with clock.at(MORNING):
        token = await signed_in()
    with clock.at(MORNING - timedelta(days=1)):
        assert await identity.session(token, "customer") is None


@on_both
async def test_looking_writes_at_most_once_a_minute(house: House) -> None:
    with clock.at(MORNING):
        token = await signed_in()
    with clock.at(MORNING + timedelta(seconds=50)):
        await identity.session(token, "customer")
        assert (await running(token)).seen_at - MORNING < timedelta(seconds=1)
    with clock.at(MORNING + timedelta(seconds=70)):
        await identity.session(token, "customer")
        assert (await running(token)).seen_at - MORNING >= timedelta(seconds=70)


async def test_a_person_sees_and_ends_all_their_sessions_and_nobody_elses(house: House) -> None:
    here, there, bens = await running(await signed_in()), await signed_in(ANA, OTHER), await signed_in(BEN)
    other = await running(there)
    assert [each.id for each in await identity.sessions_of(here)] == [other.id, here.id]
    with pytest.raises(NotFound):
        await identity.close_session((await running(bens)).id, by=here)
    await identity.close_session(other.id, by=here)
    assert await identity.session(there, "customer") is None
    with pytest.raises(NotFound):
        await identity.close_session(other.id, by=here)
    assert await identity.sign_out_everywhere(here) == 1
    assert await identity.sessions_of(here) == []
    assert await identity.session(bens, "customer")


async def test_signing_in_again_ends_the_session_the_browser_had(house: House) -> None:
    planted = await signed_in(BEN)
    proof = await prove()
    token = await identity.open_session(subject=proof.subject, identifier=proof.identifier_id, instead_of=planted)
    assert token != planted and await identity.session(planted, "customer") is None
    assert (await running(token)).subject == proof.subject


async def test_a_fresh_proof_is_asked_for_after_ten_minutes_and_changes_the_token(house: House) -> None:
    with clock.at(MORNING):
        old = await signed_in()
    with clock.at(MORNING + timedelta(minutes=11)):
        session = await running(old)
        assert not identity.fresh(session)
        asked = await ask(use="step-up", bound_to=session.id)
        new = await identity.step_up(old, await identity.prove_code(asked.id, await code_in_mail(), browser=HERS))
        assert await identity.session(old, "customer") is None
        stepped = await running(new)
        assert identity.fresh(stepped) and stepped.id != session.id and stepped.subject == session.subject
        assert stepped.ends_at == session.ends_at


@pytest.mark.parametrize("use", ["sign-in", "request"])
async def test_a_proof_for_something_else_is_no_step_up(house: House, use: str) -> None:
    token = await signed_in()
    proof = await prove(use=use, bound_to=(await running(token)).id)
    with pytest.raises(NotAllowed):
        await identity.step_up(token, proof)
    assert await identity.session(token, "customer")


async def test_another_persons_or_another_visits_proof_is_no_step_up(house: House) -> None:
    token = await signed_in()
    session = await running(token)
    for proof in (
        await prove(BEN, use="step-up", bound_to=session.id),
        await prove(ANA, use="step-up", bound_to="another session"),
    ):
        with pytest.raises(NotAllowed):
            await identity.step_up(token, proof)


@on_both
async def test_ended_sessions_go_after_thirty_days(house: House) -> None:
    with clock.at(MORNING):
        await signed_in()
    with clock.at(MORNING + timedelta(days=31)):
        await signed_in(BEN)
    assert await count_rows("session") == 1


async def test_signing_in_and_out_is_recorded_for_the_person(house: House) -> None:
    session = await running(await signed_in())
    await identity.close_session(session.id, by=session)
    found = await db.rows("SELECT event FROM entry WHERE subject = ? ORDER BY id", session.subject)
    names = [each["event"] for each in found]
    assert [name for name in names if name.startswith(("customer.", "session."))] == [
        "customer.proved",
        "customer.signed_in",
        "session.closed",
    ]
