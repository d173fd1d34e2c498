"""Double opt-in: a yes by somebody unproven waits until the address itself confirms it (14 days)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from portal import db, subjects
from portal.consent.decisions import Decided, find, following, known_of, record_again
from portal.lib import clock, ids
from portal.lib.errors import Conflict
from portal.paper import _

CONFIRM_WITHIN = timedelta(days=14)


async def confirm_double_opt_in(decision_id: str, by: str, evidence: Mapping[str, Any] | None = None) -> Decided:
    """Record the firm yes, said when the pending one was, so that a no said in between stands; twice changes nothing.

    The caller has proven the address just now (`subjects.mark_verified`).
    """
    async with db.writing():
        pending = await find(decision_id)
        if pending.state != "pending":
            raise Conflict(_("There is nothing to confirm."))
        earlier = await following(decision_id, "yes")
        if earlier is not None:
            return earlier
        now = clock.now()
        if now > pending.recorded_at + CONFIRM_WITHIN:
            raise Conflict(_("This confirmation came after 14 days. Please sign up again."))
        person = (await subjects.people([pending.word.identifier]))[pending.word.identifier]
        mine = known_of(person, pending.word.identifier)
        if mine.verified_at is None or mine.erased_at is not None:
            raise Conflict(_("This address has not been confirmed."))
        grade = "self-verified" if mine.audience == "person" else "self"
        word = replace(pending.word, grade=grade, actor=by, evidence=evidence)
        firm = Decided(ids.new(), word, pending.said_at, now, pending.expires_at, "firm", "", decision_id)
        return await record_again(firm, person)
