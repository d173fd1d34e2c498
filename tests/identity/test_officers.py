"""What is taken from officers is gone at once; nobody helps themselves; there is always an owner."""

from datetime import timedelta

import pytest

from portal import db, identity
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed
from tests.conftest import House, on_both
from tests.identity.people import (
    HERS,
    OLGA,
    PASSWORD,
    PETRA,
    SECRET,
    all_at_once,
    half_session,
    next_code,
    officer,
    officer_session,
    totp_at,
)


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


@on_both
async def test_there_is_always_an_owner_even_when_two_remove_each_other(house: House) -> None:
    olga, petra = await officer(OLGA, "owner"), await officer(PETRA, "owner", "auditor")
    results = await all_at_once(
        [identity.remove_role(petra.id, "owner", by=olga), identity.remove_role(olga.id, "owner", by=petra)]
    )
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
