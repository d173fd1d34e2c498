"""Whether somebody who asked may still show who they are: what has to be over before a request ends as unconfirmed.

A request does not expire by itself. An officer ends it, and not while a code can come back, colleagues compare facts, or the
time to answer runs (GDPR Art. 11(2), 12(2), 12(6)).
"""

from portal.cases import events, looking, models
from portal.cases.policy import policy
from portal.lib import clock

ASKED = (events.PROOF_ASKED, events.PROOF_TRIED, events.LETTER_POSTED)


async def proof(row: models.CaseRow) -> bool:
    """By the last time that anybody asked for proof or tried to learn who it is."""
    now = clock.now()
    asked = [at for event in ASKED if (at := await looking.last(row.id, event))]
    if now < max([row.created_at, *asked]) + policy().unconfirmed_after:
        return True
    letters = await models.Letter.filter(case_id=row.id, kind="code", used_at=None)
    if any(each.ends_at is None or each.ends_at > now for each in letters):
        return True
    return await models.ShownProof.filter(case_id=row.id, state="waiting").exists()
