"""What this room keeps outside the database, so that a restored backup opens to nobody who was shut out since: keys of other
programs that were revoked, officers who left, roles that were taken, and passwords that an invitation replaced.

Ids and names of roles alone. What opens (a new key, a role, a password) is lost with the database and given anew by people.
"""

from collections.abc import Sequence
from typing import Any

from portal import audit, db
from portal.identity import events
from portal.identity.api_keys import revoke_key
from portal.identity.invitations import shut_out_again
from portal.identity.officers import is_without_owner, leave_again, lose_again, roles_taken
from portal.identity.sessions import end_visits

__all__ = ["end_visits", "is_without_owner"]

_OFFICER, _KEY = "officer:", "key:"


async def _tell_object(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"object": each.object} for each in entries}


async def _tell_roles(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"object": each.object, "roles": await roles_taken(each.object.removeprefix(_OFFICER))} for each in entries}


async def _revoke_again(what: dict[str, Any]) -> bool:
    key_id = what["object"].removeprefix(_KEY)
    if await db.row("SELECT 1 AS one FROM api_key WHERE id = ? AND revoked_at IS NULL", key_id) is None:
        return False
    await revoke_key(key_id, by=None)
    return True


async def _leave_again(what: dict[str, Any]) -> bool:
    return await leave_again(what["object"].removeprefix(_OFFICER))


async def _lose_again(what: dict[str, Any]) -> bool:
    return await lose_again(what["object"].removeprefix(_OFFICER), what["roles"])


async def _shut_out_again(what: dict[str, Any]) -> bool:
    return await shut_out_again(what["object"].removeprefix(_OFFICER))


audit.safety.keeps([events.KEY_REVOKED], tell=_tell_object, again=_revoke_again)
audit.safety.keeps([events.OFFICER_LEFT], tell=_tell_object, again=_leave_again)
audit.safety.keeps([events.ROLE_REMOVED], tell=_tell_roles, again=_lose_again)
audit.safety.keeps([events.OFFICER_INVITED], tell=_tell_object, again=_shut_out_again)
