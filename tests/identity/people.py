"""What the tests of this room do again and again: read the newest mail, bring an officer in."""

import asyncio
import re
from collections.abc import Awaitable, Iterable
from datetime import datetime
from typing import Any

import pyotp

from portal import db, identity, messages
from portal.identity import passwords, totp
from portal.identity.invitations import store_password
from portal.identity.sessions import begin
from portal.lib import clock
from portal.lib.errors import Refusal

ANA, BEN, OLGA, PETRA, VIK = (f"{name}@example.com" for name in ("ana", "ben", "olga", "petra", "vik"))
HERS, OTHER, THIRD = "browser of Ana" + "a" * 30, "browser of somebody" + "b" * 30, "third browser" + "c" * 30
PASSWORD = "seven green herons wade"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def ask(address: str = ANA, browser: str | None = HERS, **more: str) -> identity.Challenge:
    return await identity.challenge(address, language="en", browser=browser, **more)


async def newest_mail() -> str:
    letter = (await messages.mailbox(limit=1))[0].letter
    assert letter is not None
    return letter.text


async def code_in_mail() -> str:
    return str(re.findall(r"^(\d{6})$", await newest_mail(), re.MULTILINE)[0])


async def secret_in_mail() -> str:
    return str(re.findall(r"https?://\S+/([\w-]{43})(?![\w-])", await newest_mail())[0])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def mails() -> int:
    return await count_rows("message")


async def count_rows(table: str) -> int:
    found = await db.row(f"SELECT count(*) AS n FROM {table}")
    assert found is not None
    return int(found["n"])


async def prove(address: str = ANA, browser: str = HERS, **more: str) -> identity.Proof:
    await ask(address, browser, **more)
    return await identity.prove_link(await secret_in_mail(), browser)


async def signed_in(address: str = ANA, browser: str = HERS) -> str:
    proof = await prove(address, browser)
    return await identity.open_session(subject=proof.subject, identifier=proof.identifier_id, device="Firefox on Linux")


async def running(token: str, kind: str = "customer") -> identity.Session:
    found = await identity.session(token, kind)
    assert found is not None
    return found


async def officer(email: str, *roles: str) -> identity.Officer:
    """Somebody who works here, with PASSWORD and SECRET."""
    name = email.partition("@")[0].capitalize()
    invitation = await identity.invite(email, name=name, roles=list(roles), by=None)
    hashed = await passwords.hash_of(PASSWORD)
    async with db.writing():
        await store_password(invitation.officer_id, hashed)
        await totp.enrol(invitation.officer_id, SECRET)
    await identity.second_factor(await half_session(await identity.officer(invitation.officer_id)), totp_at(clock.now()))
    return await identity.officer(invitation.officer_id)


async def officer_session(email: str) -> str:
    """Signed in a step later than the last time, because a code works once."""
    half = await half_session(await identity.officer_by_email(email))
    return await identity.second_factor(half, await next_code(email))


async def half_session(officer: identity.Officer) -> str:
    """As `sign_in` leaves it after the right password, without argon2's work."""
    async with db.writing():
        return (await begin("half", officer=officer.id))[0]


async def next_code(email: str) -> str:
    """The code of the step after the last one that was taken (accepted while clocks may differ by one step)."""
    found = await identity.officer_by_email(email)
    row = await db.row("SELECT totp_step FROM officer WHERE id = ?", found.id)
    assert row is not None
    return pyotp.TOTP(SECRET).generate_otp(max(row["totp_step"] + 1, int(clock.now().timestamp()) // 30 - 1))


def totp_at(moment: datetime) -> str:
    return pyotp.TOTP(SECRET).at(moment)


async def all_at_once(attempts: Iterable[Awaitable[Any]]) -> list[Any]:
    """What each answered or was refused with; anything else that was raised fails the test."""
    results = await asyncio.gather(*attempts, return_exceptions=True)
    unexpected = [each for each in results if isinstance(each, BaseException) and not isinstance(each, Refusal)]
    assert unexpected == []
    return results


async def recorded(event: str) -> int:
    found = await db.row("SELECT count(*) AS n FROM entry WHERE event = ?", event)
    assert found is not None
    return int(found["n"])
