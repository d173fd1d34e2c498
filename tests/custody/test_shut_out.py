"""Who was shut out since the backup stays outside: officers, their roles and ways in, programs, and visits that were ended."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from portal import audit, custody, identity, sites
from portal.audit import safetyfile
from portal.cases import feed
from portal.custody import commands
from portal.identity.api_keys import key_of
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.settings import Settings
from tests.custody.copies import back_up, found_portal, in_use, open_portal
from tests.people import ANA, OLGA, PASSWORD, PETRA, VIK, Browser, Officer, go_to_work, hire, sign_in
from tests.sites.shops import policies_of_shop, token


@dataclass(frozen=True)
class Office:
    """Petra is owner, Olga privacy officer and approver, Vik auditor; a shop's program has a key."""

    backup: Path
    petra: Officer
    olga: Officer
    vik: Officer
    key: identity.ApiKey
    secret: str


@pytest.fixture
async def office(portal: Settings, tmp_path: Path) -> Office:
    with clock.at(clock.now() - timedelta(days=1)):
        async with open_portal():
            await found_portal()
            petra, olga = await hire(PETRA, "owner"), await hire(OLGA, "approver", "privacy-officer")
            vik = await hire(VIK, "auditor")
            key, secret = await identity.add_key("shop", scopes=["permissions:read"], grade="self", by=None)
            return Office((await back_up(tmp_path / "backups")).data, petra, olga, vik, key, secret)


async def test_officers_and_programs_that_were_shut_out_stay_outside(office: Office) -> None:
    async with _then():
        await identity.revoke_key(office.key.id, by=None)
        await identity.let_go(office.olga.id, by=None)
        await identity.remove_role(office.vik.id, "auditor", by=None)
    done = await custody.restore(office.backup, new_log=True)
    assert done.again == {"key.revoked": 1, "officer.left": 1, "officer.role_removed": 2} and not done.without_owner
    async with open_portal():
        assert await key_of(office.secret) is None
        assert (await identity.officer(office.olga.id)).left_at is not None
        assert (await identity.officer(office.olga.id)).roles == (await identity.officer(office.vik.id)).roles == frozenset()
        async with Browser() as browser:
            assert "Your code" not in (await _password(browser, OLGA)).text
        async with Browser() as browser:
            assert (await go_to_work(browser, office.petra)).status_code == 200, "who was not shut out comes in"
        await audit.sequence_all()
        [revoked] = await audit.search(event="key.revoked")
        assert revoked.actor == "system" and audit.verify_receipt(await audit.prove(revoked.id), [await audit.log_key()]).ok


async def test_a_role_that_was_given_back_before_the_backup_stays(office: Office, tmp_path: Path) -> None:
    async with _then():
        await identity.remove_role(office.vik.id, "auditor", by=None)
        await identity.grant_role(office.vik.id, "auditor", by=None)
        later = (await back_up(tmp_path / "backups")).data
        await identity.revoke_key(office.key.id, by=None)
    assert len(list(safetyfile.read())) >= 2
    assert (await custody.restore(later, new_log=True)).again == {"key.revoked": 1}
    async with open_portal():
        assert (await identity.officer(office.vik.id)).roles == {"auditor"}


async def test_the_only_owner_who_left_is_let_go_again_and_the_restore_says_so(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another one came in between, and is lost with the database."""
    async with _then():
        await identity.grant_role(office.olga.id, "owner", by=None)
        await identity.let_go(office.petra.id, by=None)
    given = Namespace(file=office.backup, keys=None, new_log=True, in_place=False)
    assert await asyncio.to_thread(commands.run_restore, given) == 0
    said = capsys.readouterr().out
    assert "officer.left: 1" in said and "Nobody is owner any more" in said and "docs/operate.md" in said
    async with open_portal():
        assert (await identity.officer(office.petra.id)).roles == frozenset()
        await identity.grant_role(office.olga.id, "owner", by=None)


async def test_a_password_that_an_invitation_replaced_opens_nothing_again(office: Office) -> None:
    async with _then():
        await identity.invite_again(office.olga.id, by=None)
    assert (await custody.restore(office.backup, new_log=True)).again == {"officer.invited": 1}
    async with open_portal():
        async with Browser() as browser:
            assert "Your code" not in (await _password(browser, OLGA)).text
        assert (await identity.officer(office.olga.id)).roles == {"approver", "privacy-officer"}
        await identity.invite_again(office.olga.id, by=None)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_calendar_whose_address_was_ended_or_replaced_is_read_by_nobody(
    office: Office, replaced: bool, tmp_path: Path
) -> None:
    async with _then():
        secret = await feed.make(office.olga.id)
        made = (await back_up(tmp_path / "later")).data
        assert b"BEGIN:VCALENDAR" in await feed.calendar(secret)
        await (feed.make if replaced else feed.end)(office.olga.id)
    done = await custody.restore(made, new_log=True)
    assert done.again == {"case.feed_made" if replaced else "case.feed_ended": 1}
    async with open_portal():
        with pytest.raises(NotFound):
            await feed.calendar(secret)


async def test_a_websites_secret_that_was_replaced_names_nobody(portal: Settings, tmp_path: Path) -> None:
    with in_use(replace(portal, policies=policies_of_shop(tmp_path))):
        async with open_portal():
            site = sites.named("shop")
            secret = await sites.links.make_secret(site, by="system")
            made = (await back_up(tmp_path / "backups")).data
            await sites.links.make_secret(site, by="system")
            await audit.sequence_all()
        assert (await custody.restore(made, new_log=True)).again == {"sites.secret_made": 1}
        async with open_portal():
            assert await sites.links.read(site, token(secret, email=ANA)) is None


async def test_visits_that_were_ended_since_the_backup_run_no_more(portal: Settings, tmp_path: Path) -> None:
    async with open_portal(), Browser() as browser:
        await found_portal()
        await sign_in(browser, ANA)
        made = await back_up(tmp_path / "backups")
        assert (await browser.get("/preferences", follow_redirects=False)).status_code == 200
        await audit.sequence_all()
    await custody.restore(made.data, new_log=True)
    async with open_portal(), Browser() as again:
        again.cookies = browser.cookies
        assert (await again.get("/preferences", follow_redirects=False)).status_code != 200


@asynccontextmanager
async def _then() -> AsyncIterator[None]:
    """The portal is open; all that happens is signed."""
    async with open_portal():
        yield
        await audit.sequence_all()


async def _password(browser: Browser, address: str) -> httpx2.Response:
    await browser.get("/admin/sign-in")
    return await browser.post("/admin/sign-in", data={"email": address, "password": PASSWORD})
