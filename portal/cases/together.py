"""Several requests sent in one form: one proof, one confirmation, and pages that lead to each other.

Each stays a request of its own with its own law, clock, answer and proof (GDPR Art. 12(3)); `together` names the first.
"""

from datetime import date

from portal import messages
from portal.cases import models, plain_words, states
from portal.paper import in_language


async def rows(row: models.CaseRow) -> list[models.CaseRow]:
    """All that were sent as one, in their order, this one among them."""
    if not row.together:
        return [row]
    return await models.CaseRow.filter(together=row.together).order_by("id")


async def unproven_beside(row: models.CaseRow) -> list[str]:
    """The others that wait for the very proof this one just got."""
    waiting = [each for each in await rows(row) if each.state == states.VERIFYING]
    return [each.id for each in waiting if each.id != row.id]


async def tell_started(row: models.CaseRow, address: str) -> None:
    """Inside `writing()`, with the first proof: one letter that lists all, however often this is called."""
    begun = [each for each in await rows(row) if each.right not in states.AT_ONCE and each.state != states.CLOSED]
    with in_language(row.language):
        asked = [{"what": plain_words.asked_for(each.right), "due": date.fromisoformat(each.due_on)} for each in begun]
    await messages.send_later(
        template="mail/case-started",
        to=address,
        language=row.language,
        context={"asked": asked},
        case=row.id,
        key=f"case-started {row.together or row.id}",
    )


async def beside(case_id: str) -> list[models.CaseRow]:
    """The other requests that were sent together with this one, for a page that leads to them."""
    row = await models.CaseRow.get(id=case_id)
    return [each for each in await rows(row) if each.id != case_id]
