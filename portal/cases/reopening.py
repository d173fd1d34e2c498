"""An officer opens a request again that had ended: something was overlooked, or came to light since (GDPR Art. 12(2), 24).

With a reason that stays with it as a note. The date stays the one it had. What was found, proposed and approved before answers
nothing any more: the systems are asked anew, and whatever takes a second person takes one again.
"""

from portal import db
from portal.cases import closing, mine, moves, review, states
from portal.lib.errors import Conflict, Invalid
from portal.paper import _

LONGEST = 2000


async def reopen(case_id: str, why: str, *, officer: str) -> None:
    """Raises Conflict for what its person took back: only they can go on with that."""
    if not 10 <= len(why.strip()) <= LONGEST:
        told = _("Please say why it is opened again, in at most 2,000 characters.")
        raise Invalid(told, {"reopen-why": _("Please give the reason.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.requester == states.BY_COMPANY:
            raise Conflict(_("Nobody asked for this deletion. If no basis is left, open a new one."))
        if row.outcome == "withdrawn":
            raise Conflict(_("The person took this back. They can ask again at any time; we do not go on without them."))
        await closing.reopen(case_id, officer=officer)
        await review.add_note(case_id, why, officer=officer)
        row = await moves.load(case_id)
        if row.state == states.TRIAGE:  # whoever has to confirm it anew hears of that
            await closing.tell(row, "mail/case-reopened", {"reference": await mine.reference_of(row.id)})


def possible(state: str, outcome: str, requester: str) -> bool:
    """Whether a page offers it."""
    return state == states.CLOSED and outcome != "withdrawn" and requester != states.BY_COMPANY
