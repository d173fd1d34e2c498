"""How an officer comes in: invited by an owner (the first by the operator's command line), then a password of their own
and a second factor, which is not optional. The link works once and for three days; opening it changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.exceptions import IntegrityError

from portal import audit, db, messages, vault
from portal.identity import events, passwords, totp
from portal.identity.models import InvitationRow, OfficerRow
from portal.identity.officers import Officer, account_of, actor, grant_role, lock, officer, row_by_email
from portal.identity.roles import require, role_name
from portal.identity.sessions import begin, end_officer_sessions, session
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from portal.paper import _
from portal.paper import address as full_address
from portal.vault import Place

DAYS = 3


@dataclass(frozen=True)
class Invitation:
    """What went out. The link is known only to the mail, and to the operator where the command line invited."""

    officer_id: str
    link: str
    ends_at: datetime


@dataclass(frozen=True)
class Setup:
    """The last step of coming in: show the second factor, then pass a code from it with `half` to `second_factor`."""

    half: str
    officer_id: str
    enrolment: totp.Enrolment


async def invite(
    email: str, *, name: str, roles: list[str], by: Officer | None, language: str = "en", person: str | None = None
) -> Invitation:
    """Invite somebody to work here. Raises Conflict when they do already, Invalid for a bad address, name or role.

    `person` (an officer's, see `person_of`) says that this is a second account of somebody who works here already.
    """
    if by is not None:
        require(await officer(by.id), "officers.change")
    name = _checked_name(name)
    for role in roles:
        role_name(role)
    async with db.writing():
        officer_id = await _add(email.strip(), name, person) or await _take_back(email, name, person)
        for role in roles:
            await grant_role(officer_id, role, by=by)
        return await _send(officer_id, by, language)


async def invite_again(officer_id: str, *, by: Officer | None, language: str = "en") -> Invitation:
    """For a lost telephone and lost recovery codes, or a forgotten password: both are chosen anew, the roles stay."""
    if by is not None:
        require(await officer(by.id), "officers.change")
        if by.id == officer_id:
            raise NotAllowed(_("Please ask another owner to invite you again."))
    async with db.writing():
        await lock(officer_id)
        if (await officer(officer_id)).left_at is not None:
            raise Conflict(_("This colleague has left. Invite them again first."))
        await _close_old_ways_in(officer_id)
        return await _send(officer_id, by, language)


async def shut_out_again(officer_id: str) -> bool:
    """Inside `writing()`, in a restored database: who was invited anew since (a lost telephone?) has to be once more."""
    unused = "officer = ? AND accepted_at IS NULL AND ends_at > 0"
    links = await db.run(f"UPDATE invitation SET ends_at = 0 WHERE {unused}", officer_id)
    found = await OfficerRow.get_or_none(id=officer_id)
    if found is None or (found.password is None and not links):
        return False
    await _close_old_ways_in(officer_id)
    await audit.record(events.OFFICER_SHUT_OUT, actor="system", object=f"officer:{officer_id}")
    return True


async def invited(secret: str) -> Officer:
    """Whom a link invites; changes nothing. Raises NotFound, NotAllowed (too old) or Conflict (used)."""
    found = await InvitationRow.get_or_none(link_digest=ids.digest(secret))
    if found is None or found.accepted_at is not None or found.ends_at <= clock.now():
        raise _why_not(found)
    return await officer(found.officer)


async def accept(secret: str, password: str, *, totp_secret: str | None = None) -> Setup:
    """Take the invitation, once, with a password of one's own; raises Invalid when that is too weak.

    `totp_secret` (base32) is for those who bring their own authenticator's secret; else a fresh one is made.
    """
    person = await invited(secret)
    passwords.check(password, email=person.email, name=person.name)
    hashed = await passwords.hash_of(password)
    async with db.writing():
        await lock(person.id)
        now = clock.micros(clock.now())
        taken = await db.run(
            "UPDATE invitation SET accepted_at = ? WHERE link_digest = ? AND accepted_at IS NULL AND ends_at > ?",
            *(now, ids.digest(secret), now),
        )
        if not taken:
            raise _why_not(await InvitationRow.get_or_none(link_digest=ids.digest(secret)))
        await store_password(person.id, hashed)
        await audit.record(events.OFFICER_ACCEPTED, actor=f"officer:{person.id}", object=f"officer:{person.id}")
        half = await begin_setup(person.id, totp_secret)
        setup = await pending_setup(half)
    assert setup is not None
    return setup


async def begin_setup(officer_id: str, totp_secret: str | None = None) -> str:
    """A second factor anew, which this half session alone may see: others are ended. Inside `writing()`; answers its token."""
    await end_officer_sessions(officer_id)
    await totp.enrol(officer_id, totp_secret)
    return (await begin("half", officer=officer_id))[0]


async def pending_setup(half: str) -> Setup | None:
    """For one who has a password but never used the second factor: the one to set up, the same until then. Else None."""
    async with db.reading():
        running = await session(half, "half")
        if running is None:
            raise NotAllowed(_("Please sign in again."))
        found = await OfficerRow.get(id=running.officer)
        given = await totp.enrolment(found, (await officer(found.id)).email)
    return None if given is None else Setup(half, found.id, given)


async def store_password(officer_id: str, hashed: str) -> None:
    """Inside `writing()`."""
    sealed = (await vault.key_for("officer", officer_id)).seal(Place("officer", "password", officer_id), hashed)
    await db.run("UPDATE officer SET password = ? WHERE id = ?", sealed, officer_id)


async def _add(email: str, name: str, person: str | None) -> str | None:
    """Somebody new; answers their id. None when the address is known, also when it has become so this very moment."""
    officer_id = ids.new()
    if await row_by_email(email) is not None:
        return None
    try:
        async with db.savepoint():
            key = await vault.key_for("officer", officer_id)
            await OfficerRow.create(
                id=officer_id,
                person=person or ids.new(),
                account=account_of(email),
                name=key.seal(Place("officer", "name", officer_id), name),
                email=key.seal(Place("officer", "email", officer_id), email),
                invited_at=clock.now(),
            )
    except IntegrityError:
        return None
    return officer_id


async def _take_back(email: str, name: str, person: str | None) -> str:
    """Somebody who left, or was invited and never came: under a new name, if need be, and with a new password."""
    known = await row_by_email(email)
    assert known is not None  # officers are never deleted
    await lock(known.id)
    found = await officer(known.id)
    if found.left_at is None and found.joined_at is not None:
        raise Conflict(_("This person works here already."))
    await _close_old_ways_in(found.id)
    key = await vault.key_for("officer", found.id)
    sealed_name = key.seal(Place("officer", "name", found.id), name)
    await db.run("UPDATE officer SET name = ?, left_at = NULL WHERE id = ?", sealed_name, found.id)
    if person:
        await db.run("UPDATE officer SET person = ? WHERE id = ?", person, found.id)
    return found.id


async def _close_old_ways_in(officer_id: str) -> None:
    """Password, second factor, recovery codes and sessions: whoever knows one of them is a stranger from now on."""
    await db.run("UPDATE officer SET password = NULL, joined_at = NULL WHERE id = ?", officer_id)
    await totp.forget(officer_id)
    await end_officer_sessions(officer_id)


async def _send(officer_id: str, by: Officer | None, language: str) -> Invitation:
    now = clock.now()
    secret, ends_at = ids.secret(256), now + timedelta(days=DAYS)
    # Only the newest link works.
    await db.run("UPDATE invitation SET ends_at = ? WHERE officer = ? AND accepted_at IS NULL", clock.micros(now), officer_id)
    await InvitationRow.create(
        id=ids.new(), officer=officer_id, link_digest=ids.digest(secret), invited_by=actor(by), ends_at=ends_at
    )
    person = await officer(officer_id)
    link = full_address(f"/admin/invitation/{secret}")
    await messages.send_later(
        template="mail/invitation",
        to=person.email,
        language=language,
        context={"invitee": person.name, "link": link, "until": ends_at, "invited_by": by.name if by else ""},
    )
    await audit.record(
        events.OFFICER_INVITED, actor=actor(by), object=f"officer:{officer_id}", payload={"roles": sorted(person.roles)}
    )
    return Invitation(officer_id, link, ends_at)


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid(_("Please give the name as colleagues know it."), {"name": _("1 to 100 characters.")})
    return name


def _why_not(found: InvitationRow | None) -> Refusal:
    if found is None:
        return NotFound(_("This invitation is not valid. Please ask for a new one."))
    if found.accepted_at is not None:
        return Conflict(_("This invitation was used already. You can sign in with your password."))
    return NotAllowed(_("This invitation is too old. Please ask for a new one."))
