"""A second look at an answer: asked for on the page of the request, with a clock of its own (Va. Code 59.1-577(C) and others).

Whoever may read the answer may ask. Who decides is answering.py's to say: nobody who took part in the first answer.
"""

from portal import db, identity
from portal.cases import intake, mine, models, moves, states, verification
from portal.lib.errors import Conflict, NotFound
from portal.paper import _

APPEALABLE = ("refused", "partly")


async def possible(case_id: str) -> bool:
    """Whether this request ended in a way that can be looked at again, and nobody looks already."""
    row = await moves.load(case_id)
    open_ones = models.CaseRow.filter(appeal_of=case_id, is_open=1)
    return row.state == states.CLOSED and row.outcome in APPEALABLE and row.appeal_of is None and not await open_ones.exists()


async def ask(case_id: str, text: str, session: identity.Session, *, language: str) -> intake.Opened:
    """A request of its own; proven like any other when the last proof is too old. Sent twice with the same words, it is one."""
    async with db.writing():
        first = await moves.lock(case_id)
        if not await mine.is_of(case_id, session):
            raise NotFound(_("There is no such request."))
        running = await models.CaseRow.filter(appeal_of=case_id, is_open=1).order_by("id").first()
        if running is not None and (await verification.details(running)).get("message") == text:
            challenge = running.challenge if running.state == states.VERIFYING else None
            return intake.Opened(running.id, await mine.reference_of(running.id), running.state, challenge)
        if not await possible(case_id):
            raise Conflict(_("A second look is being taken already, or there is nothing to look at again."))
        return await intake.open_for(
            session, "appeal", language=language, who=first.requester, details={"message": text}, appeal_of=first
        )


async def granted(case_id: str) -> bool:
    """Whether this request is answered anew, because a second look found that the person was right."""
    return (await moves.load(case_id)).counted_from is not None


async def against(case_id: str) -> str | None:
    """The case that an appeal is against; None for any other request."""
    return (await moves.load(case_id)).appeal_of
