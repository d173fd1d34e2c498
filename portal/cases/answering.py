"""Answered in words: a complaint, a decision that a human being shall look at, an appeal (GDPR Art. 12(3), 22(3), 77).

An officer writes, the person gets it as a letter with where else they can turn, and the request closes as answered. Against
an appeal decides nobody who took part in the answer it is against (Va. Code 59.1-577(C); EDPB 01/2022 §57).
"""

from portal import db, identity
from portal.cases import closing, events, models, moves, states
from portal.lib.errors import Conflict, Invalid, NotAllowed
from portal.paper import _

LONGEST = 8000


async def answer(case_id: str, text: str, *, officer: str, grant: bool = False) -> None:
    """Write to the person and close. `grant`, for an appeal: the first request is opened again, and answered anew."""
    if not 10 <= len(text.strip()) <= LONGEST:
        raise Invalid(_("Please write the answer, in at most 8,000 characters."), {"answer": _("The person will read this.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.right not in states.IN_WORDS or (grant and row.appeal_of is None):
            raise Conflict(_("This request is not answered in words."))
        await refuse_who_decided(row, officer)
        actor = f"officer:{officer}"
        await moves.move(row, "answer", event=events.ANSWERED_IN_WORDS, actor=actor, officer=row.officer or officer)
        await closing.tell(row, "mail/case-answered", {"text": text.strip(), "granted": grant})
        await moves.finish(row, "answered", actor=actor)
        if grant and row.appeal_of is not None and not (await moves.load(row.appeal_of)).is_open:
            await closing.reopen(row.appeal_of, officer=officer)


async def refuse_who_decided(row: models.CaseRow, officer: str) -> None:
    """Raises NotAllowed for whoever proposed or agreed to the answer that this appeal is against."""
    if row.appeal_of is None:
        return
    person = await identity.person_of(officer)
    for each in await models.Approval.filter(case_id=row.appeal_of):
        if person in (each.proposed_person, each.decided_person):
            raise NotAllowed(_("You took part in the answer that this is against, so another officer has to look at it."))
