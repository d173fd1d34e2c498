"""Officers come in by an invitation that works once, with a password and a second factor of their own."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from portal import db, identity
from portal.identity.invitations import Invitation
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from tests.conftest import House, on_both
from tests.identity.people import (
    OLGA,
    PASSWORD,
    PETRA,
    VIK,
    all_at_once,
    half_session,
    mails,
    officer,
    officer_session,
    running,
    secret_in_mail,
    wrong,
)

MORNING = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


async def test_an_invited_officer_chooses_a_password_and_a_second_factor_and_is_in(house: House) -> None:
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner", "approver"], by=None)
    secret = await secret_in_mail()
    assert invitation.link.endswith(f"/admin/invitation/{secret}")
    assert (await identity.invited(secret)).name == "Olga"
    setup = await identity.accept(secret, PASSWORD)
    assert "<svg" in setup.enrolment.qr and setup.enrolment.uri.startswith("otpauth://totp/")
    assert len(set(setup.enrolment.recovery_codes)) == 10
    assert await identity.session(setup.half, "officer") is None
    assert (await identity.officer(setup.officer_id)).joined_at is None
    token = await identity.second_factor(setup.half, pyotp.TOTP(setup.enrolment.secret).at(clock.now()), device="Firefox")
    session = await running(token, "officer")
    olga = await identity.officer(session.officer or "")
    assert (olga.name, olga.email, set(olga.roles)) == ("Olga", OLGA, {"owner", "approver"}) and olga.joined_at
    assert identity.fresh(session) and session.device == "Firefox"


async def test_an_invitation_works_once_for_three_days_and_only_the_newest(house: House) -> None:
    with clock.at(MORNING):
        old = (await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)).link.rpartition("/")[2]
        new = (await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)).link.rpartition("/")[2]
        for attempt in (identity.invited(old), identity.accept(old, PASSWORD)):
            with pytest.raises(NotAllowed, match="too old"):
                await attempt
    with clock.at(MORNING + timedelta(days=3, seconds=5)):
        with pytest.raises(NotAllowed, match="too old"):
            await identity.accept(new, PASSWORD)
    with clock.at(MORNING + timedelta(days=2)):
        results = await all_at_once(identity.accept(new, PASSWORD) for _number in range(4))
        assert sum(isinstance(each, identity.Setup) for each in results) == 1
        assert sum(isinstance(each, Conflict) for each in results) == 3
        with pytest.raises(NotFound):
            await identity.invited("x" * 43)


async def test_only_owners_invite_and_what_an_officer_object_claims_counts_for_nothing(house: House) -> None:
    petra = await officer(PETRA, "privacy-officer")
    pretender = identity.Officer(**{**petra.__dict__, "roles": frozenset({"owner"})})
    for attempt in (
        identity.invite(VIK, name="Vik", roles=["auditor"], by=pretender),
        identity.invite_again(petra.id, by=pretender),
        identity.let_go(petra.id, by=pretender),
        identity.remove_role(petra.id, "privacy-officer", by=pretender),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_inviting_again_replaces_password_and_second_factor_and_nobody_does_it_for_themselves(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "auditor")
    token = await officer_session(PETRA)
    with pytest.raises(NotAllowed):
        await identity.invite_again(olga.id, by=olga)
    invitation = await identity.invite_again(petra.id, by=olga)
    assert await identity.session(token, "officer") is None
    with pytest.raises(NotAllowed):
        await identity.sign_in(PETRA, PASSWORD)
    setup = await identity.accept(invitation.link.rpartition("/")[2], "another heron walks", totp_secret="A" * 32)
    assert await identity.second_factor(setup.half, pyotp.TOTP("A" * 32).at(clock.now()))
    assert (await identity.officer(petra.id)).roles == {"auditor"}


async def test_what_is_to_be_set_up_stays_the_same_until_the_first_code(house: House) -> None:
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    setup = await identity.accept(invitation.link.rpartition("/")[2], PASSWORD)
    before = await db.rows("SELECT totp FROM officer"), await db.rows("SELECT hash FROM recovery_code ORDER BY id")
    with pytest.raises(NotAllowed):
        await identity.second_factor(setup.half, wrong(pyotp.TOTP(setup.enrolment.secret).at(clock.now())))
    for minutes in (0, 3, 6):  # later than a minute, the visit itself is noted
        with clock.at(clock.now() + timedelta(minutes=minutes)):
            assert await identity.pending_setup(setup.half) == setup
    assert (await db.rows("SELECT totp FROM officer"), await db.rows("SELECT hash FROM recovery_code ORDER BY id")) == before
    await identity.second_factor(setup.half, pyotp.TOTP(setup.enrolment.secret).at(clock.now()))
    half = await half_session(await identity.officer(setup.officer_id))
    assert await identity.pending_setup(half) is None
    for code in setup.enrolment.recovery_codes[:2]:  # the codes that were shown last are the ones that work
        assert await identity.second_factor(half, code)
        half = await half_session(await identity.officer(setup.officer_id))


async def test_who_closed_the_page_too_early_gets_a_second_factor_anew(house: House) -> None:
    """And whoever else had seen the old one, or looks at it at the same time, is left with nothing."""
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    lost = await identity.accept(invitation.link.rpartition("/")[2], PASSWORD)
    setup = await identity.pending_setup(await identity.sign_in(OLGA, PASSWORD))
    assert setup is not None and setup.enrolment.secret != lost.enrolment.secret
    assert not set(setup.enrolment.recovery_codes) & set(lost.enrolment.recovery_codes)
    with pytest.raises(NotAllowed, match="sign in again"):
        await identity.pending_setup(lost.half)
    with pytest.raises(NotAllowed):
        await identity.second_factor(setup.half, lost.enrolment.recovery_codes[0])
    await identity.second_factor(setup.half, pyotp.TOTP(setup.enrolment.secret).at(clock.now()))


@on_both
async def test_invited_several_times_at_once_somebody_gets_one_account_and_one_working_link(house: House) -> None:
    invitations = await all_at_once(identity.invite(OLGA, name="Olga", roles=["owner"], by=None) for _number in range(4))
    assert len({each.officer_id for each in invitations}) == len(await identity.officers()) == 1
    assert await _working(invitations) == 1
    olga = (await identity.officers())[0]
    assert await db.row("SELECT count(*) AS n FROM data_key WHERE kind = 'officer'") == {"n": 1}
    again = await all_at_once(identity.invite_again(olga.id, by=None) for _number in range(4))
    assert await _working([*invitations, *again]) == 1


async def _working(invitations: list[Invitation]) -> int:
    found = await all_at_once(identity.invited(each.link.rpartition("/")[2]) for each in invitations)
    return sum(isinstance(each, identity.Officer) for each in found)


@pytest.mark.parametrize(
    ("email", "name", "roles"), [("no address", "Olga", ["owner"]), (OLGA, " ", ["owner"]), (OLGA, "Olga", ["king"])]
)
async def test_a_bad_invitation_changes_nothing(sqlite_house: House, email: str, name: str, roles: list[str]) -> None:
    with pytest.raises(Invalid):
        await identity.invite(email, name=name, roles=roles, by=None)
    assert await mails() == 0 and await identity.officers() == []
