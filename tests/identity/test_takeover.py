"""Somebody who knows the old password, or stands half-way through the door, is out once the account was reset."""

import asyncio

import pyotp
import pytest

from portal import db, identity
from portal.identity import passwords
from portal.identity.invitations import Invitation
from portal.identity.models import OfficerRow
from portal.identity.officers import lock
from portal.identity.sessions import begin, end_officer_sessions
from portal.lib import clock
from portal.lib.errors import NotAllowed, Refusal
from tests.conftest import House, on_both
from tests.identity.people import OLGA, PASSWORD, PETRA, VIK, all_at_once, half_session, next_code, officer, officer_session

NEW_PASSWORD, NEW_SECRET = "another heron walks", "A" * 32


@on_both
async def test_a_half_session_from_the_old_password_ends_with_the_reset(house: House) -> None:
    petra = await officer(PETRA, "auditor")
    whole, half, code = await officer_session(PETRA), await identity.sign_in(PETRA, PASSWORD), await next_code(PETRA)
    invitation = await identity.invite_again(petra.id, by=None)
    await _all_are_out(half, code)
    assert await identity.session(whole, "officer") is None
    setup = await identity.accept(_secret(invitation), NEW_PASSWORD, totp_secret=NEW_SECRET)
    await _all_are_out(half, pyotp.TOTP(NEW_SECRET).at(clock.now()))
    assert await identity.second_factor(setup.half, pyotp.TOTP(NEW_SECRET).at(clock.now()))


async def test_recovery_codes_of_before_the_reset_are_dead(house: House) -> None:
    first = await identity.invite(PETRA, name="Petra", roles=["auditor"], by=None)
    old = await identity.accept(_secret(first), PASSWORD)
    await identity.second_factor(old.half, pyotp.TOTP(old.enrolment.secret).at(clock.now()))
    await identity.invite_again(old.officer_id, by=None)
    assert await db.rows("SELECT * FROM recovery_code") == []
    half = await half_session(await identity.officer(old.officer_id))  # even if there were one
    for code in (old.enrolment.recovery_codes[0], pyotp.TOTP(old.enrolment.secret).at(clock.now())):
        with pytest.raises(NotAllowed):
            await identity.second_factor(half, code)
    assert await identity.pending_setup(half) is None


@pytest.mark.usefixtures("slow_passwords")
async def test_a_password_that_was_being_compared_during_the_reset_is_the_old_one(house: House) -> None:
    petra, vik = await officer(PETRA, "auditor"), await officer(VIK, "auditor")
    busy = [asyncio.create_task(passwords.hash_of(PASSWORD)) for _number in range(8)]  # so that comparing takes a while
    attempts = [asyncio.create_task(identity.sign_in(each, PASSWORD)) for each in (PETRA, VIK)]
    await asyncio.sleep(0.05)  # both have read the password by now
    await identity.invite_again(petra.id, by=None)
    await identity.let_go(vik.id, by=None)
    for attempt in attempts:
        with pytest.raises(NotAllowed, match="not right"):
            await attempt
    await asyncio.gather(*busy)
    assert await _open_sessions() == 0


@on_both
async def test_a_sign_in_that_commits_while_the_reset_waits_for_it_is_ended_too(house: House) -> None:
    petra = await officer(PETRA, "auditor")
    locked = asyncio.Event()

    async def reset() -> None:
        await locked.wait()
        await identity.invite_again(petra.id, by=None)

    resetting = asyncio.create_task(reset())
    async with db.writing():  # as sign_in ends, slowly
        await lock(petra.id)
        locked.set()
        await asyncio.sleep(0.2)
        half, _id = await begin("half", officer=petra.id)
    await resetting
    await _all_are_out(half, await next_code(PETRA))


@on_both
async def test_a_second_factor_that_arrives_during_the_reset_waits_for_it_and_comes_too_late(house: House) -> None:
    petra = await officer(PETRA, "auditor")
    half, code, locked = await half_session(petra), await next_code(PETRA), asyncio.Event()

    async def arrive() -> str:
        await locked.wait()
        return await identity.second_factor(half, code)

    arriving = asyncio.create_task(arrive())
    async with db.writing():  # as invite_again does it, slowly
        await lock(petra.id)
        locked.set()
        await asyncio.sleep(0.2)
        assert await end_officer_sessions(petra.id) == 2  # this half one, and that of joining
    with pytest.raises(NotAllowed, match="sign in again"):
        await arriving


async def test_who_took_an_invitation_that_was_not_theirs_is_out_when_the_colleague_is_invited_again(house: House) -> None:
    stolen = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    mallory = await identity.accept(_secret(stolen), PASSWORD)
    again = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    await _all_are_out(mallory.half, pyotp.TOTP(mallory.enrolment.secret).at(clock.now()), OLGA)
    assert await identity.accept(_secret(again), NEW_PASSWORD)
    await _all_are_out(mallory.half, mallory.enrolment.recovery_codes[0], OLGA)


@on_both
async def test_a_reset_beside_everything_else_an_officer_may_do_neither_fails_nor_lets_anybody_in(house: House) -> None:
    petra = await officer(PETRA, "auditor")
    for _round in range(5):
        before = await identity.invite_again(petra.id, by=None)
        halves = [await half_session(petra) for _number in range(3)]
        await all_at_once(
            [
                identity.accept(_secret(before), PASSWORD),
                *(identity.second_factor(half, "000000") for half in halves),
                *(identity.pending_setup(half) for half in halves),
                identity.sign_in(PETRA, PASSWORD),
                identity.invite_again(petra.id, by=None),
            ]
        )
        row = await OfficerRow.get(id=petra.id)
        assert await _open_sessions() == 0 or row.password is not None
        last = await identity.invite_again(petra.id, by=None)
        assert await _open_sessions() == 0
        assert (await identity.invited(_secret(last))).id == petra.id


async def _all_are_out(half: str, code: str, email: str = PETRA) -> None:
    for attempt in (
        identity.second_factor(half, code),
        identity.pending_setup(half),
        identity.sign_in(email, PASSWORD),
    ):
        with pytest.raises(Refusal) as refused:
            await attempt
        assert isinstance(refused.value, NotAllowed)


async def _open_sessions() -> int:
    found = await db.row("SELECT count(*) AS n FROM session WHERE closed_at IS NULL")
    assert found is not None
    return int(found["n"])


def _secret(invitation: Invitation) -> str:
    return invitation.link.rpartition("/")[2]
