"""The second factor: each code once, few wrong ones, and without it no door opens."""

from datetime import UTC, datetime, timedelta

import pytest

from portal import db, identity
from portal.identity import totp
from portal.identity.models import OfficerRow
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed
from tests.conftest import House, on_both
from tests.identity.people import (
    OLGA,
    OTHER,
    PASSWORD,
    SECRET,
    all_at_once,
    half_session,
    next_code,
    officer,
    recorded,
    running,
    totp_at,
    wrong,
)

MORNING = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


async def test_a_password_alone_opens_nothing(house: House) -> None:
    await officer(OLGA, "owner")
    half = await identity.sign_in(OLGA, PASSWORD)
    assert await identity.session(half, "officer") is None
    assert await identity.pending_setup(half) is None
    with pytest.raises(NotAllowed):
        await identity.step_up_officer(half, await next_code(OLGA))


@on_both
async def test_of_twenty_posts_of_one_code_in_one_visit_one_succeeds(house: House) -> None:
    half, code = await half_session(await officer(OLGA, "owner")), await next_code(OLGA)
    results = await all_at_once(identity.second_factor(half, code) for _number in range(20))
    assert sum(isinstance(each, str) for each in results) == 1
    assert all(isinstance(each, NotAllowed) for each in results if not isinstance(each, str))
    assert await _live_sessions() == 2  # that of joining, and this one


@on_both
async def test_of_twenty_visits_with_the_same_code_one_succeeds(house: House) -> None:
    olga = await officer(OLGA, "owner")
    halves = [await half_session(olga) for _number in range(20)]
    code = await next_code(OLGA)
    results = await all_at_once(identity.second_factor(half, code) for half in halves)
    assert sum(isinstance(each, str) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 19


async def test_a_code_of_a_neighbouring_step_is_taken_but_never_an_earlier_one_again(house: House) -> None:
    with clock.at(MORNING):
        olga = await officer(OLGA, "owner")
    for shift, accepted in ((-30, True), (30, True), (0, False), (30, False), (-90, False), (90, False)):
        with clock.at(MORNING + timedelta(minutes=5)):
            half = await half_session(olga)
            code = totp_at(MORNING + timedelta(minutes=5, seconds=shift))
            if accepted:
                await identity.second_factor(half, code)
            else:
                with pytest.raises((Conflict, NotAllowed)):
                    await identity.second_factor(half, code)


@pytest.mark.parametrize(
    ("moment", "code"),
    # RFC 6238, appendix B, SHA-1; the last six of eight digits
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
async def test_codes_are_those_of_the_standard(sqlite_house: House, moment: int, code: str) -> None:
    olga = await officer(OLGA, "owner")
    async with db.writing():
        await totp.enrol(olga.id, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    with clock.at(datetime.fromtimestamp(moment, UTC)):
        assert await totp.step_of(await OfficerRow.get(id=olga.id), code) == moment // 30
        assert await totp.step_of(await OfficerRow.get(id=olga.id), wrong(code)) is None


async def test_a_recovery_code_works_once_instead_of_the_telephone(house: House) -> None:
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    setup = await identity.accept(invitation.link.rpartition("/")[2], PASSWORD, totp_secret=SECRET)
    await identity.second_factor(setup.half, totp_at(clock.now()))
    code = setup.enrolment.recovery_codes[3]
    olga = await identity.officer(setup.officer_id)
    half = await half_session(olga)
    results = await all_at_once(identity.second_factor(half, code.upper().replace("-", " ")) for _number in range(5))
    assert sum(isinstance(each, str) for each in results) == 1
    with pytest.raises(NotAllowed):
        await identity.second_factor(await half_session(olga), code)


async def test_five_wrong_codes_end_a_visit_even_when_a_hundred_come_at_once(house: House) -> None:
    half, code = await half_session(await officer(OLGA, "owner")), await next_code(OLGA)
    refused = await all_at_once(identity.second_factor(half, wrong(code), browser=OTHER) for _number in range(100))
    assert sum("not the right code" in str(each) for each in refused) == 5
    with pytest.raises(NotAllowed, match="sign in again"):
        await identity.second_factor(half, code)
    assert await recorded("officer.refused") == 5


async def test_an_officer_steps_up_with_the_second_factor_and_gets_a_new_token(house: House) -> None:
    with clock.at(MORNING):
        await officer(OLGA, "owner")
    with clock.at(MORNING + timedelta(minutes=1)):
        old = await identity.second_factor(await identity.sign_in(OLGA, PASSWORD), totp_at(clock.now()))
    with clock.at(MORNING + timedelta(minutes=20)):
        assert not identity.fresh(await running(old, "officer"))
        with pytest.raises(NotAllowed):
            await identity.step_up_officer(old, wrong(totp_at(clock.now())))
        new = await identity.step_up_officer(old, totp_at(clock.now()))
        assert identity.fresh(await running(new, "officer"))
        assert await identity.session(old, "officer") is None


async def _live_sessions() -> int:
    found = await db.row("SELECT count(*) AS n FROM session WHERE closed_at IS NULL")
    assert found is not None
    return int(found["n"])
