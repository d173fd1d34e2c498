"""The people who work in the back office: who they are, what roles they hold, and how they lose them.

Nobody gives themselves a role, there is always an owner, and a change of roles ends all sessions of that officer in the
same transaction: what was taken away is gone with the next click. The table below refuses self-grants as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import audit, db, subjects, vault
from portal.identity import events
from portal.identity.models import OfficerRole, OfficerRow
from portal.identity.roles import ACTIONS, OWNER, require, role_name
from portal.identity.sessions import end_officer_sessions
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed, NotFound
from portal.paper import _


@dataclass(frozen=True)
class Officer:
    """Somebody who works here, with the roles they hold now."""

    id: str
    name: str
    email: str
    roles: frozenset[str]
    invited_at: datetime
    joined_at: datetime | None
    left_at: datetime | None

    def role_for(self, action: str) -> str:
        """The role by which they may do this: what people are told of who looked (C-579/21); empty for nobody's."""
        return next((each for each in sorted(self.roles) if each in ACTIONS[action]), "")


async def officer(officer_id: str) -> Officer:
    """Raises NotFound. One who left has no roles, but keeps a name in the files."""
    found = await OfficerRow.get_or_none(id=officer_id)
    if found is None:
        raise NotFound(_("There is no such colleague."))
    return (await _opened([found]))[0]


async def officers() -> list[Officer]:
    """All officers, those who left too, in the order they were invited."""
    return await _opened(await OfficerRow.all().order_by("invited_at", "id"))


async def officer_by_email(email: str) -> Officer:
    found = await row_by_email(email)
    if found is None:
        raise NotFound(_("There is no such colleague."))
    return (await _opened([found]))[0]


async def person_of(officer_id: str) -> str:
    """Who that is: the same for all accounts of one person. An account that is not known stands for itself."""
    found = await OfficerRow.get_or_none(id=officer_id)
    return officer_id if found is None else found.person


async def grant_role(officer_id: str, role: str, *, by: Officer | None) -> None:
    """Give a role; `by` None is the operator's command line. Does nothing when the officer holds it."""
    role_name(role)
    if by is not None:
        require(await officer(by.id), "officers.change")
        if by.id == officer_id:
            raise NotAllowed(_("Nobody gives themselves a role. Please ask another owner."))
    async with db.writing():
        if (await officer(officer_id)).left_at is not None:
            raise Conflict(_("This colleague has left. Invite them again first."))
        granted = await db.run(
            "INSERT INTO officer_role (id, officer, role, granted_at, granted_by) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (officer, role) WHERE removed_at IS NULL DO NOTHING",
            *(ids.new(), officer_id, role, clock.micros(clock.now()), actor(by)),
        )
        if granted:
            await end_officer_sessions(officer_id)
            await audit.record(events.ROLE_GRANTED, actor=actor(by), object=f"officer:{officer_id}", payload={"role": role})


async def remove_role(officer_id: str, role: str, *, by: Officer | None) -> None:
    """Take a role and end all the officer's sessions; raises Conflict for the last owner's."""
    role_name(role)
    if by is not None:
        require(await officer(by.id), "officers.change")
    async with db.writing():
        if role == OWNER:
            await _leave_an_owner(officer_id)
        await _take(officer_id, role, by)


async def let_go(officer_id: str, *, by: Officer | None) -> None:
    """An officer leaves: no session, no role, no way in. Their name stays in the files they worked on."""
    if by is not None:
        require(await officer(by.id), "officers.change")
    async with db.writing():
        await lock(officer_id)
        leaving = await officer(officer_id)
        if OWNER in leaving.roles:
            await _leave_an_owner(officer_id)
        await _leave(leaving, by)


async def leave_again(officer_id: str) -> bool:
    """Inside `writing()`, in a restored database: who was let go since. The only owner too: the operator invites another."""
    found = await OfficerRow.get_or_none(id=officer_id)
    if found is None or found.left_at is not None:
        return False
    await _leave(await officer(officer_id), None)
    return True


async def lose_again(officer_id: str, roles: Sequence[str]) -> bool:
    """Inside `writing()`, in a restored database: roles that were taken since, the only owner's too."""
    held = [role for role in roles if await OfficerRole.exists(officer=officer_id, role=role, removed_at=None)]
    for role in held:
        await _take(officer_id, role, None)
    return bool(held)


async def roles_taken(officer_id: str) -> list[str]:
    """Those that the officer held once and holds no more."""
    sql = (
        "SELECT DISTINCT role FROM officer_role WHERE officer = ? AND role NOT IN"
        " (SELECT role FROM officer_role WHERE officer = ? AND removed_at IS NULL) ORDER BY role"
    )
    return [row["role"] for row in await db.rows(sql, officer_id, officer_id)]


async def is_without_owner() -> bool:
    """Whether there are officers, and nobody may invite one but the operator."""
    sql = "SELECT count(*) AS n FROM officer_role WHERE role = ? AND removed_at IS NULL"
    owners = await db.row(sql, OWNER)
    return await OfficerRow.exists() and owners is not None and owners["n"] == 0


async def lock(officer_id: str) -> None:
    """Until the commit nobody else changes how this officer comes in; inside `writing()`, before their sessions are touched.

    Everybody takes the officer first and the sessions after, so that no two wait for each other.
    """
    await db.run("UPDATE officer SET invited_at = invited_at WHERE id = ?", officer_id)


async def row_by_email(email: str) -> OfficerRow | None:
    return await OfficerRow.get_or_none(account=account_of(email))


def account_of(email: str) -> bytes:
    """The blind index of an officer's address; raises Invalid when it is none."""
    return vault.blind("officer account", subjects.canonical("email", email))


def actor(by: Officer | None) -> str:
    return "system" if by is None else f"officer:{by.id}"


async def _leave(leaving: Officer, by: Officer | None) -> None:
    for role in sorted(leaving.roles):
        await _take(leaving.id, role, by)
    await end_officer_sessions(leaving.id)
    await db.run(
        "UPDATE officer SET left_at = ?, password = NULL, totp = NULL WHERE id = ?", clock.micros(clock.now()), leaving.id
    )
    await db.run("UPDATE invitation SET ends_at = 0 WHERE officer = ? AND accepted_at IS NULL", leaving.id)
    await audit.record(events.OFFICER_LEFT, actor=actor(by), object=f"officer:{leaving.id}")


async def _take(officer_id: str, role: str, by: Officer | None) -> None:
    taken = await db.run(
        "UPDATE officer_role SET removed_at = ?, removed_by = ? WHERE officer = ? AND role = ? AND removed_at IS NULL",
        *(clock.micros(clock.now()), actor(by), officer_id, role),
    )
    if taken:
        await end_officer_sessions(officer_id)
        await audit.record(events.ROLE_REMOVED, actor=actor(by), object=f"officer:{officer_id}", payload={"role": role})


async def _leave_an_owner(officer_id: str) -> None:
    # Takes the lock on every owner's row, so that two owners cannot remove each other at the same moment.
    await db.run("UPDATE officer_role SET role = role WHERE role = ? AND removed_at IS NULL", OWNER)
    others = await db.row(
        "SELECT 1 AS one FROM officer_role JOIN officer ON officer.id = officer_role.officer"
        " WHERE role = ? AND removed_at IS NULL AND left_at IS NULL AND officer <> ?",
        OWNER,
        officer_id,
    )
    if others is None:
        raise Conflict(_("This is the only owner. Give the role to somebody else first."))


async def _opened(found: Sequence[OfficerRow]) -> list[Officer]:
    officer_ids = [each.id for each in found]
    keys = await vault.keys_of("officer", officer_ids)
    held: dict[str, set[str]] = {}
    for each in await OfficerRole.filter(officer__in=officer_ids, removed_at=None):
        held.setdefault(each.officer, set()).add(each.role)
    return [_officer(each, keys.get(each.id), held.get(each.id, set())) for each in found]


def _officer(found: OfficerRow, key: vault.Key | None, roles: set[str]) -> Officer:
    return Officer(
        id=found.id,
        name=key.open(vault.Place("officer", "name", found.id), found.name) if key else _("a former colleague"),
        email=key.open(vault.Place("officer", "email", found.id), found.email) if key else "",
        roles=frozenset(roles),
        invited_at=found.invited_at,
        joined_at=found.joined_at,
        left_at=found.left_at,
    )
