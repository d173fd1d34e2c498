"""An address that its person has left: it proves nothing about them any more (people change mailboxes; GDPR Art. 5(1)(d)).

It stays known, so that nothing goes there and connected systems hear of it, until somebody proves the mailbox: that is
somebody new, and only then is the old record of the address erased (see identity.challenges).
"""

from portal import audit
from portal.lib.errors import Conflict
from portal.paper import _
from portal.subjects import events
from portal.subjects.identifiers import get
from portal.subjects.models import Identifier

FORMER = "former"


async def disown(identifier_id: str, *, by: str) -> Identifier:
    """The person says that this address is no longer theirs; inside `writing()`."""
    identifier = await get(identifier_id)
    if identifier.erased_at is not None:
        raise Conflict(_("This address was erased."))
    identifier.audience, identifier.verified_at, identifier.first_verified_at = FORMER, None, None
    await identifier.save(update_fields=["audience", "verified_at", "first_verified_at"])
    await audit.record(events.DISOWNED, actor=by, subject=identifier.home, object=identifier_id)
    return identifier
