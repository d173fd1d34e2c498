"""An officer signs in: first the password, which opens half a session, then the second factor, which makes it whole.

A wrong e-mail and a wrong password get the same answer after the same work. Wrong tries are counted for the account
over all sessions (allowances.py); a code or a recovery code is taken once (totp.py). NIST SP 800-63B AAL2.
"""

from portal import audit, db, vault
from portal.identity import allowances, events, passwords, totp
from portal.identity.challenges import CLOCK_SKEW
from portal.identity.invitations import begin_setup, store_password
from portal.identity.models import OfficerRow, SessionRow
from portal.identity.officers import account_of, lock
from portal.identity.sessions import Session, begin, end_session, session
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed
from portal.paper import _
from portal.vault import Place

WRONG_TRIES = 5
PASSWORDS_OF_A_NETWORK = 60


async def sign_in(email: str, password: str, *, browser: str | None = None, network: str = "") -> str:
    """The password is right: answers the token of a half session, good for `second_factor` and nothing else.

    Tries are counted per `network` too, for whoever guesses at many accounts; a browser that this officer has signed in
    with before is not, so that nobody who shares the network (an office, a proxy) can lock its owner out.
    """
    _not_inside_writing()
    try:
        account = account_of(email)
    except Invalid:
        account = b""
    if network and not (browser and await allowances.is_familiar(account, browser)):
        await _count_for(network)
    found = await OfficerRow.get_or_none(account=account, left_at=None)
    hashed = await _password_of(found)
    right = await passwords.matches(hashed, password)
    new_hash = await passwords.hash_of(password) if right and hashed and passwords.is_outdated(hashed) else None
    async with db.writing():
        await allowances.judge("password", account, browser, right=right, sentence=_too_many())
        if right and found is not None:
            now = await _unchanged(found)
            if new_hash:
                await store_password(now.id, new_hash)
            return (await begin("half", officer=now.id))[0] if now.joined_at else await begin_setup(now.id)
        if found is not None:
            await _record_refusal(found.id, "password")
    raise NotAllowed(_("E-mail or password is not right."))


async def _count_for(network: str) -> None:
    await db.throttle(
        f"officers:{network}",
        limit=PASSWORDS_OF_A_NETWORK,
        per=allowances.HOUR,
        sentence=_("There were many tries from your network. Please try again in a while."),
    )


async def _unchanged(found: OfficerRow) -> OfficerRow:
    """Comparing took a while: who was let go or invited again meanwhile does not come in with the old password."""
    await lock(found.id)
    now = await OfficerRow.get_or_none(id=found.id, left_at=None)
    if now is None or now.password != found.password:
        raise NotAllowed(_("E-mail or password is not right."))
    return now


async def second_factor(half: str, code: str, *, browser: str | None = None, device: str = "") -> str:
    """A code of the authenticator, or a recovery code, makes the session whole: answers its token for the cookie.

    The first code ever makes the officer one who joined. Raises Conflict for a code that was taken already.
    """
    _not_inside_writing()
    async with db.writing():
        running = await _tried(half)
        found = await OfficerRow.get(id=running.officer)
        if await _takes(found, code, browser):
            await end_session(running.id)
            if found.joined_at is None:
                await db.run("UPDATE officer SET joined_at = ? WHERE id = ?", clock.micros(clock.now()), found.id)
                await audit.record(events.OFFICER_JOINED, actor=f"officer:{found.id}", object=f"officer:{found.id}")
            await allowances.remember(found.account, browser)
            token, session_id = await begin("officer", officer=found.id, device=device)
            await audit.record(events.OFFICER_SIGNED_IN, actor=f"officer:{found.id}", object=f"session:{session_id}")
            return token
        await _record_refusal(found.id, "second factor")
    raise NotAllowed(_("That is not the right code. Wait for the next one, or use a recovery code."))


async def step_up_officer(token: str, code: str, *, browser: str | None = None) -> str:
    """A signed-in officer uses the second factor once more; answers the new token, the old one is dead."""
    _not_inside_writing()
    async with db.writing():
        running = await session(token, "officer")
        if running is None:
            raise NotAllowed(_("Please sign in again."))
        await lock(running.officer or "")
        if await session(token, "officer") is None:  # ended while we waited for the lock
            raise NotAllowed(_("Please sign in again."))
        found = await OfficerRow.get(id=running.officer)
        if await _takes(found, code, browser):
            return await _renewed(running)
        await _record_refusal(found.id, "second factor")
    raise NotAllowed(_("That is not the right code. Wait for the next one, or use a recovery code."))


async def _takes(found: OfficerRow, code: str, browser: str | None) -> bool:
    """Whether this is a right code, and if so take it, once. A wrong one counts."""
    step = await totp.step_of(found, code)
    recovery = None if step is not None else await totp.recovery_code(found.id, code)
    right = step is not None or recovery is not None
    await allowances.judge("second factor", found.account, browser, right=right, sentence=_too_many())
    if step is not None and not await totp.accept(found.id, step):
        raise Conflict(_("This code was used already. Wait for the next one; it takes at most 30 seconds."))
    if recovery is not None:
        if not await totp.use_recovery_code(recovery):
            raise Conflict(_("This recovery code was used already."))
        await audit.record(events.RECOVERY_USED, actor=f"officer:{found.id}", object=f"officer:{found.id}")
    return right


async def _tried(half: str) -> SessionRow:
    """Count a try of this half session before looking at the code."""
    begun = await SessionRow.get_or_none(token=ids.digest(half), kind="half")
    await lock((begun.officer if begun else None) or "")
    now = clock.steady()
    counted = await db.run(
        "UPDATE session SET tried = tried + 1"
        " WHERE token = ? AND kind = 'half' AND closed_at IS NULL AND ends_at > ? AND started_at <= ? AND tried < ?",
        *(ids.digest(half), clock.micros(now), clock.micros(now + CLOCK_SKEW), WRONG_TRIES),
    )
    if not counted:
        raise NotAllowed(_("Please sign in again with your password."))
    return await SessionRow.get(token=ids.digest(half))


async def _renewed(running: Session) -> str:
    await end_session(running.id)
    token, session_id = await begin("officer", officer=running.officer, device=running.device, ends_at=running.ends_at)
    await audit.record(events.OFFICER_STEPPED_UP, actor=f"officer:{running.officer}", object=f"session:{session_id}")
    return token


async def _password_of(found: OfficerRow | None) -> str | None:
    key = await vault.find_key("officer", found.id if found else "")
    if found is None or key is None or found.password is None:
        return None
    return key.open(Place("officer", "password", found.id), found.password)


async def _record_refusal(officer_id: str, because: str) -> None:
    await audit.record(events.OFFICER_REFUSED, actor="system", object=f"officer:{officer_id}", payload={"because": because})


def _not_inside_writing() -> None:
    if db.in_writing():
        raise RuntimeError("Wrong tries are counted in a transaction of their own; an outer one would undo the count.")


def _too_many() -> str:
    return _("Too many wrong tries. Please wait and try again later.")
