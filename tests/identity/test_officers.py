"""Officers come in by invitation, with two factors, each code once; what is taken from them is gone at once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from portal import db, identity
from portal.identity import passwords, totp
from portal.identity.models import OfficerRow
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, TooMany
from tests.conftest import House
from tests.identity.people import (
    HERS,
    OLGA,
    OTHER,
    PASSWORD,
    PETRA,
    SECRET,
    VIK,
    half_session,
    mails,
    next_code,
    officer,
    officer_session,
    running,
    secret_in_mail,
    totp_at,
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
        results = await _all(identity.accept(new, PASSWORD) for _number in range(4))
        assert sum(isinstance(each, identity.Setup) for each in results) == 1
        assert sum(isinstance(each, Conflict) for each in results) == 3
        with pytest.raises(NotFound):
            await identity.invited("x" * 43)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "olga in the city",
        "passwordpassword",
        "123456789012",
        "aaaaaaaaaaaaaaaa",
        "Qwertyuiop123",
        "x" * 300,
    ],
)
async def test_a_password_that_is_easy_to_guess_is_refused_with_a_reason(sqlite_house: House, password: str) -> None:
    link = (await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)).link
    with pytest.raises(Invalid) as refused:
        await identity.accept(link.rpartition("/")[2], password)
    assert refused.value.fields["password"]
    assert await identity.invited(link.rpartition("/")[2])


@pytest.mark.parametrize("password", ["correct horse battery", "πολύ μακρύς κωδικός", "ใครขายไข่ไก่ ในเมือง", "9f3k-x7qp-mm2z"])
def test_any_long_and_unusual_password_will_do(password: str) -> None:
    passwords.check(password, email=OLGA, name="Olga Ivanova")


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(house: House) -> None:
    await officer(OLGA, "owner")
    sentences = set()
    for email, password in ((OLGA, PASSWORD + "!"), (PETRA, PASSWORD), ("no address", PASSWORD), (OLGA, "")):
        with pytest.raises(NotAllowed) as refused:
            await identity.sign_in(email, password)
        sentences.add(refused.value.sentence)
    assert len(sentences) == 1


async def test_an_address_is_the_same_however_it_is_written(house: House) -> None:
    await officer("Olga@Example.com", "owner")
    assert await identity.sign_in(" OLGA@example.COM ", PASSWORD)
    with pytest.raises(Conflict, match="works here already"):
        await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)


async def test_a_password_alone_opens_nothing(house: House) -> None:
    await officer(OLGA, "owner")
    half = await identity.sign_in(OLGA, PASSWORD)
    assert await identity.session(half, "officer") is None
    assert await identity.pending_setup(half) is None
    with pytest.raises(NotAllowed):
        await identity.step_up_officer(half, await next_code(OLGA))


async def test_of_twenty_posts_of_one_code_in_one_visit_one_succeeds(house: House) -> None:
    half, code = await half_session(await officer(OLGA, "owner")), await next_code(OLGA)
    results = await _all(identity.second_factor(half, code) for _number in range(20))
    assert sum(isinstance(each, str) for each in results) == 1
    assert all(isinstance(each, NotAllowed) for each in results if not isinstance(each, str))
    assert await _live_sessions() == 2  # that of joining, and this one


async def test_of_twenty_visits_with_the_same_code_one_succeeds(house: House) -> None:
    olga = await officer(OLGA, "owner")
    halves = [await half_session(olga) for _number in range(20)]
    code = await next_code(OLGA)
    results = await _all(identity.second_factor(half, code) for half in halves)
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
        await totp.enrol(olga.id, OLGA, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
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
    results = await _all(identity.second_factor(half, code.upper().replace("-", " ")) for _number in range(5))
    assert sum(isinstance(each, str) for each in results) == 1
    with pytest.raises(NotAllowed):
        await identity.second_factor(await half_session(olga), code)


async def test_five_wrong_codes_end_a_visit_even_when_a_hundred_come_at_once(house: House) -> None:
    half, code = await half_session(await officer(OLGA, "owner")), await next_code(OLGA)
    refused = await _all(identity.second_factor(half, wrong(code), browser=OTHER) for _number in range(100))
    assert sum("not the right code" in str(each) for each in refused) == 5
    with pytest.raises(NotAllowed, match="sign in again"):
        await identity.second_factor(half, code)
    assert await _events("officer.refused") == 5


async def test_ten_wrong_passwords_an_hour_end_guessing_even_for_a_right_one_and_after_a_restart(house: House) -> None:
    olga = await officer(OLGA, "owner")
    await identity.second_factor(await half_session(olga), await next_code(OLGA), browser=HERS)
    refused = await _all(identity.sign_in(OLGA, "not her password", browser=OTHER) for _number in range(12))
    assert sum(isinstance(each, NotAllowed) for each in refused) == 10
    assert sum(isinstance(each, TooMany) for each in refused) == 2
    await db.close()
    await db.open_database(house.settings)
    with pytest.raises(TooMany):
        await identity.sign_in(OLGA, PASSWORD, browser=OTHER)
    # The browser she signed in with before has an allowance of its own.
    assert await identity.sign_in(OLGA, PASSWORD, browser=HERS)


async def test_a_removed_role_ends_the_session_in_the_same_moment(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "privacy-officer", "approver")
    token, half = await officer_session(PETRA), await half_session(petra)
    await identity.remove_role(petra.id, "approver", by=olga)
    assert await identity.session(token, "officer") is None
    assert (await identity.officer(petra.id)).roles == {"privacy-officer"}
    with pytest.raises(NotAllowed, match="sign in again"):
        await identity.second_factor(half, await next_code(PETRA))
    with clock.at(clock.now() + timedelta(minutes=2)):
        token = await officer_session(PETRA)
        await identity.grant_role(petra.id, "auditor", by=olga)
        assert await identity.session(token, "officer") is None  # the id changes with the roles


async def test_nobody_gives_themselves_a_role(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "privacy-officer")
    with pytest.raises(NotAllowed, match="Nobody gives themselves"):
        await identity.grant_role(olga.id, "approver", by=olga)
    with pytest.raises(NotAllowed, match="Your role does not allow"):
        await identity.grant_role(petra.id, "approver", by=petra)
    with pytest.raises(Exception, match="(?i)check"):
        async with db.writing():
            await db.run(
                "INSERT INTO officer_role (id, officer, role, granted_at, granted_by) VALUES (?, ?, ?, ?, ?)",
                *("x", olga.id, "approver", 1, f"officer:{olga.id}"),
            )
    assert (await identity.officer(olga.id)).roles == {"owner"}


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


async def test_there_is_always_an_owner_even_when_two_remove_each_other(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "owner", "auditor")
    results = await _all([identity.remove_role(petra.id, "owner", by=olga), identity.remove_role(olga.id, "owner", by=petra)])
    assert sum(each is None for each in results) == 1
    left = [each for each in await identity.officers() if "owner" in each.roles]
    assert len(left) == 1
    for attempt in (identity.remove_role(left[0].id, "owner", by=None), identity.let_go(left[0].id, by=None)):
        with pytest.raises(Conflict, match="only owner"):
            await attempt


async def test_who_was_let_go_has_no_way_in_but_keeps_a_name(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "owner", "privacy-officer")
    token, half = await officer_session(PETRA), await half_session(petra)
    await identity.let_go(petra.id, by=petra)
    assert await identity.session(token, "officer") is None
    gone = await identity.officer(petra.id)
    assert (gone.name, gone.roles) == ("Petra", frozenset()) and gone.left_at
    for attempt in (identity.sign_in(PETRA, PASSWORD), identity.second_factor(half, totp_at(clock.now()))):
        with pytest.raises(NotAllowed):
            await attempt
    with pytest.raises(Conflict, match="has left"):
        await identity.grant_role(petra.id, "owner", by=olga)
    again = await identity.invite(PETRA, name="Petra", roles=["auditor"], by=olga)
    assert again.officer_id == petra.id


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


async def test_who_closed_the_page_too_early_gets_a_second_factor_anew(house: House) -> None:
    invitation = await identity.invite(OLGA, name="Olga", roles=["owner"], by=None)
    lost = await identity.accept(invitation.link.rpartition("/")[2], PASSWORD)
    setup = await identity.pending_setup(await identity.sign_in(OLGA, PASSWORD))
    assert setup is not None and setup.enrolment.secret != lost.enrolment.secret
    with pytest.raises(NotAllowed):
        await identity.second_factor(setup.half, lost.enrolment.recovery_codes[0])
    await identity.second_factor(setup.half, pyotp.TOTP(setup.enrolment.secret).at(clock.now()))


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


async def test_hashing_a_password_keeps_nobody_else_waiting(sqlite_house: House) -> None:
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    watching = asyncio.create_task(watch())
    started = time.monotonic()
    hashed = await asyncio.gather(*(passwords.hash_of(PASSWORD) for _number in range(6)))
    taken = time.monotonic() - started
    done.set()
    await watching
    assert all(each.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for each in hashed)
    assert longest < taken / 2


async def test_what_lies_in_the_database_names_no_officer_and_opens_nothing(sqlite_house: House) -> None:
    invitation = await identity.invite("canary.olga@example.com", name="Olga Canaryname", roles=["owner"], by=None)
    setup = await identity.accept(invitation.link.rpartition("/")[2], PASSWORD, totp_secret=SECRET)
    token = await identity.second_factor(setup.half, totp_at(clock.now()), browser=HERS, device="Canarybrowser 9")
    await db.close()
    written = b"".join(path.read_bytes() for path in sqlite_house.settings.var.glob("portal.db*"))
    secrets = [
        SECRET,
        PASSWORD,
        token,
        setup.half,
        invitation.link.rpartition("/")[2],
        setup.enrolment.recovery_codes[0],
        "$argon2",
    ]
    for canary in ("canary.olga", "Canaryname", "Canarybrowser", HERS, *secrets):
        assert canary.encode() not in written, canary
    await db.open_database(sqlite_house.settings)


@pytest.mark.parametrize(
    ("email", "name", "roles"), [("no address", "Olga", ["owner"]), (OLGA, " ", ["owner"]), (OLGA, "Olga", ["king"])]
)
async def test_a_bad_invitation_changes_nothing(sqlite_house: House, email: str, name: str, roles: list[str]) -> None:
    with pytest.raises(Invalid):
        await identity.invite(email, name=name, roles=roles, by=None)
    assert await mails() == 0 and await identity.officers() == []


async def _all(attempts: Any) -> list[Any]:
    results = await asyncio.gather(*attempts, return_exceptions=True)
    unexpected = [each for each in results if isinstance(each, BaseException) and not isinstance(each, Refusal)]
    assert unexpected == []
    return results


async def _live_sessions() -> int:
    found = await db.row("SELECT count(*) AS n FROM session WHERE closed_at IS NULL")
    assert found is not None
    return int(found["n"])


async def _events(name: str) -> int:
    found = await db.row("SELECT count(*) AS n FROM entry WHERE event = ?", name)
    assert found is not None
    return int(found["n"])
