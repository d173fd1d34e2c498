"""Customers prove an address by a mail with a link and a 6-digit code; either will do (GDPR Art. 12(6), ASVS 5.0 V6.5, V6.6).

A known and an unknown address take the same way: the mail goes out, and only the proof makes a person of it. The link
(256 bits) works in the browser that asked, and nowhere else; wrong codes never spoil it, so nobody can lock the owner
of an address out of it. The code works in any browser that asked for it: 5 wrong tries each, and see allowances.py.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from portal import audit, db, messages, subjects, vault
from portal.identity import allowances, events
from portal.identity.models import ChallengeRow
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed, NotFound, Refusal
from portal.paper import _
from portal.paper import address as full_address

MINUTES = 10
WRONG_TRIES = 5
AGAIN_AFTER = timedelta(seconds=60)
CLOCK_SKEW = timedelta(minutes=5)
USES = ("sign-in", "request", "step-up", "new-address")


@dataclass(frozen=True)
class Challenge:
    """What a browser may know of a running challenge: the same for known and unknown addresses."""

    id: str
    use: str
    bound_to: str


@dataclass(frozen=True)
class Landing:
    """What the page behind a link shows: a button in the browser that asked, a field for the code in any other."""

    challenge: Challenge
    same_browser: bool


@dataclass(frozen=True)
class Proof:
    """An address was just shown to be the person's. Good for `use`, and for `bound_to` (a case, a session) alone.

    `new_device`: other browsers proved this address before, and this one not until lately. `by_account`: no mail to it was read,
    the company's own sign-in vouched for it.
    """

    identifier_id: str
    subject: str
    use: str
    bound_to: str
    new_device: bool = False
    by_account: bool = False


async def challenge(
    address: str, *, use: str = "sign-in", bound_to: str = "", language: str, browser: str | None = None
) -> Challenge:
    """Mail a link and a code to an address; raises Invalid when it is none, TooMany when too many mails went there.

    Without `browser` (the value of a random cookie) the link always asks for the code.
    """
    if use not in USES:
        raise ValueError(f"A challenge is for one of {USES}, not {use!r}.")
    account = _account(address)
    async with db.writing():
        familiar = bool(browser) and await allowances.is_familiar(account, browser or "")
        running = await _running(account, use, bound_to, browser, familiar=familiar)
        if running is not None:
            return running
        await allowances.count(
            "mail",
            account,
            browser,
            allowances.MAILS,
            _("We have sent several mails to this address already. Please wait a while."),
        )
        return await _ask(await _mailbox(address), account, use, bound_to, language, browser, familiar=familiar)


async def landing(secret: str, browser: str | None = None) -> Landing:
    """What lies behind a link; changes nothing, however often a mail scanner looks. Raises like `prove_link`."""
    found = await ChallengeRow.get_or_none(link_digest=ids.digest(secret))
    if found is None or not _is_running(found):
        raise _why_not(found)
    return Landing(Challenge(found.id, found.use, found.bound_to), _started_in(found, browser))


async def prove_link(secret: str, browser: str | None = None) -> Proof:
    """Take the link's word, once, in the browser that asked; elsewhere NotAllowed says to enter the code."""
    async with db.writing():
        found = await ChallengeRow.get_or_none(link_digest=ids.digest(secret))
        if found is None or not _is_running(found):
            raise _why_not(found)
        if not _started_in(found, browser):
            raise NotAllowed(_("This link was asked for in another browser. Please enter the code from the same mail."))
        return await _consume(found, browser, "link")


async def prove_code(challenge_id: str, code: str, *, browser: str | None = None) -> Proof:
    """Take the code's word, once; a wrong one counts. Not inside `writing()`, where a refusal would undo the count."""
    if db.in_writing():
        raise RuntimeError("prove_code() counts wrong tries in a transaction of its own.")
    async with db.writing():
        found = await _tried(challenge_id)
        given = vault.one_time_code_hash(found.id, "".join(code.split()))
        right = hmac.compare_digest(given, found.code_hash)
        sentence = _("Too many wrong codes for this address. Please use the link in the mail, or try again later.")
        await allowances.judge("code", found.account, browser, right=right, sentence=sentence)
        if right:
            return await _consume(found, browser, "code")
    if found.tried >= WRONG_TRIES:
        raise _used_up()
    raise NotAllowed(_("That is not the code from the newest mail. Please look again; spaces do not matter."))


async def forget(address: str) -> None:
    """Nothing remains of the asks for an address, of the mails they caused, nor of the browsers that answered; inside
    `writing()`. Else challenges go a day after they ended, their mails after 90 days, browsers after a year.
    """
    await db.run("DELETE FROM challenge WHERE account = ?", _account(address))
    await messages.forget(_account(address))
    await allowances.forget(_account(address))


async def _running(account: bytes, use: str, bound_to: str, browser: str | None, *, familiar: bool) -> Challenge | None:
    """The challenge that a further ask joins instead of causing one more mail.

    A stranger joins whatever strangers have running; asked again in its own browser after a minute, a new mail goes out.
    What a familiar browser has running stays its own, so that nobody else can use its tries up.
    """
    now = clock.steady()
    found = await ChallengeRow.filter(account=account, use=use, bound_to=bound_to, ends_at__gt=now, consumed_at=None).order_by(
        "-asked_at"
    )
    for each in found:
        if not _is_running(each) or each.tried >= WRONG_TRIES:
            continue
        if _started_in(each, browser):
            if each.asked_at > now - AGAIN_AFTER:
                return Challenge(each.id, use, bound_to)
        elif not familiar and not each.familiar:
            return Challenge(each.id, use, bound_to)
    return None


async def _ask(
    address: str, account: bytes, use: str, bound_to: str, language: str, browser: str | None, *, familiar: bool
) -> Challenge:
    now = clock.steady()
    await db.run("DELETE FROM challenge WHERE ends_at < ?", clock.micros(now - timedelta(days=1)))
    # The id goes to whoever asked: it must not tell when somebody else did.
    challenge_id, secret, code = ids.secret(128), ids.secret(256), ids.digits(6)
    await ChallengeRow.create(
        id=challenge_id,
        use=use,
        bound_to=bound_to,
        account=account,
        address=(await vault.key_for("portal")).seal(_place(challenge_id), address),
        link_digest=ids.digest(secret),
        code_hash=vault.one_time_code_hash(challenge_id, code),
        browser=ids.digest(browser) if browser else None,
        familiar=int(familiar),
        asked_at=now,
        ends_at=now + timedelta(minutes=MINUTES),
    )
    await messages.send_later(
        template="mail/code",
        to=address,
        language=language,
        context={"code": code, "link": full_address(f"/l/{secret}"), "minutes": MINUTES, "use": use},
        account=account,
    )
    known = await subjects.find("email", address)
    await audit.record(
        events.SIGN_IN_ASKED, actor="system", subject=known.subject if known else None, object="challenge", payload={"use": use}
    )
    return Challenge(challenge_id, use, bound_to)


async def _mailbox(address: str) -> str:
    """Where the mail goes: to the spelling on file, or else to the canonical one, never to a typed look-alike of it."""
    known = await subjects.find("email", address)
    on_file = await subjects.value_of(known) if known else None
    return on_file or subjects.canonical("email", address)


async def _tried(challenge_id: str) -> ChallengeRow:
    """Count a try before looking at it, so that parallel ones cannot share the last."""
    now = clock.steady()
    counted = await db.run(
        "UPDATE challenge SET tried = tried + 1"
        " WHERE id = ? AND tried < ? AND consumed_at IS NULL AND ends_at > ? AND asked_at <= ?",
        challenge_id,
        WRONG_TRIES,
        clock.micros(now),
        clock.micros(now + CLOCK_SKEW),
    )
    found = await ChallengeRow.get_or_none(id=challenge_id)
    if not counted or found is None:
        raise _why_not(found)
    return found


async def _consume(found: ChallengeRow, browser: str | None, by: str) -> Proof:
    consumed = await db.run(
        "UPDATE challenge SET consumed_at = ? WHERE id = ? AND consumed_at IS NULL", clock.micros(clock.now()), found.id
    )
    if not consumed:
        raise _consumed()
    address = (await vault.key_for("portal")).open(_place(found.id), found.address)
    identifier = await subjects.ensure("email", address, by="system")
    if identifier.audience == subjects.FORMER:
        # Its earlier owner has left it: whoever reads it now is somebody new, and sees nothing of the other.
        await subjects.forget_addresses([identifier.id], by="system")
        identifier = await subjects.ensure("email", address, by="system")
    if await subjects.value_of(identifier) != address:
        # Recorded since the mail went out, in another spelling: that mailbox was not the one that was proven.
        raise _consumed()
    return await _proven(identifier, Challenge(found.id, found.use, found.bound_to), browser, events.PROVED, {"by": by})


async def vouched(address: str, asked: Challenge, browser: str) -> Proof:
    """Inside `writing()`, and only for this room: who calls it has the word of the company's own sign-in for that address.

    It is the word for that spelling: what only our index takes for the same (ß for ss, a wider letter) may be another mailbox.
    """
    mailbox = await _mailbox(address)
    if mailbox.strip().encode().lower() != address.strip().encode().lower():
        raise NotAllowed(_("Your account has this address in another spelling. Please let us send you a message instead."))
    identifier = await subjects.ensure("email", mailbox, by="system")
    if identifier.audience == subjects.FORMER:
        # Most likely an account in which the old address still stands, and nobody new.
        raise NotAllowed(_("We no longer use the address that your account has. Please let us send you a message instead."))
    return await _proven(identifier, asked, browser, events.VOUCHED, {})


async def _proven(
    identifier: subjects.Identifier, asked: Challenge, browser: str | None, event: audit.Event, how: dict[str, str]
) -> Proof:
    await subjects.mark_verified(identifier.id, by=f"customer:{identifier.subject}")
    account = _account(await subjects.value_of(identifier) or "")
    new_device = await allowances.is_new(account, browser)
    await allowances.remember(account, browser)
    await audit.record(
        event,
        actor=f"customer:{identifier.subject}",
        subject=identifier.subject,
        object=f"identifier:{identifier.id}",
        payload={"use": asked.use} | how,
    )
    return Proof(identifier.id, identifier.subject, asked.use, asked.bound_to, new_device, event is events.VOUCHED)


async def is_new_device(address: str, browser: str | None) -> bool:
    """Whether other browsers proved this address before, and this one not until lately."""
    return await allowances.is_new(_account(address), browser)


def _account(address: str) -> bytes:
    return vault.blind("customer account", subjects.canonical("email", address))


def _is_running(found: ChallengeRow) -> bool:
    """A clock that was set back before this process began must not bring old challenges to life: one from the future does
    not run. One that is set back now changes nothing."""
    now = clock.steady()
    return found.consumed_at is None and found.ends_at > now and found.asked_at <= now + CLOCK_SKEW


def _started_in(found: ChallengeRow, browser: str | None) -> bool:
    return bool(browser) and found.browser is not None and hmac.compare_digest(ids.digest(browser or ""), found.browser)


def _why_not(found: ChallengeRow | None) -> Refusal:
    if found is None:
        return NotFound(_("This link or code is not valid. Please ask for a new mail."))
    if found.consumed_at is not None:
        return _consumed()
    if not _is_running(found):
        return NotAllowed(_("This link or code is too old. Please ask for a new mail and use it within 10 minutes."))
    return _used_up()


def _consumed() -> Refusal:
    return Conflict(_("This link or code was used already. If that was not you, please ask for a new mail."))


def _used_up() -> Refusal:
    return NotAllowed(_("That were too many wrong codes. Please use the link in the mail, or ask for a new mail."))


def _place(challenge_id: str) -> vault.Place:
    return vault.Place("challenge", "address", challenge_id)
