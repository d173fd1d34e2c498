"""Answered in words: a complaint, a decision that a human being shall look at, an appeal (GDPR Art. 12(3), 22(3), 77).

An officer writes, the person gets it as a letter with where else they can turn, and the request closes as answered. Against
an appeal decides nobody who took part in the answer it is against (Va. Code 59.1-577(C); EDPB 01/2022 §57).
"""

from portal import db, identity
from portal.cases import clocks, closing, events, models, moves, states
from portal.lib.errors import Conflict, Invalid, NotAllowed
from portal.paper import _

LONGEST = 8000


async def answer(case_id: str, text: str, *, officer: str, grant: bool = False) -> None:
    """Write to the person and close. `grant`, for an appeal: the first request is opened again, and answered anew by others,
    with the time that the law gives."""
    if not 10 <= len(text.strip()) <= LONGEST:
        raise Invalid(_("Please write the answer, in at most 8,000 characters."), {"answer": _("The person will read this.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.right not in states.IN_WORDS or (grant and row.appeal_of is None):
            raise Conflict(_("This request is not answered in words."))
        said, actor = await by_others(row, officer, "cases.process"), f"officer:{officer}"
        await moves.move(row, "answer", event=events.ANSWERED_IN_WORDS, actor=actor, payload=said, officer=row.officer or officer)
        await closing.tell(row, "mail/case-answered", {"text": text.strip(), "granted": grant})
        await moves.finish(row, "answered", actor=actor)
        if grant and row.appeal_of is not None:
            await _begin_anew(row.appeal_of, officer)


async def _begin_anew(case_id: str, officer: str) -> None:
    """Also where those who answered have opened it again meanwhile: what they propose now is no answer of others."""
    first = await moves.lock(case_id)
    if not first.is_open:
        await closing.reopen(case_id, officer=officer)
    elif first.state == states.APPROVING:
        await moves.void(first, actor=f"officer:{officer}")
    await clocks.begin_anew(await moves.load(case_id))


async def by_others(row: models.CaseRow, officer: str, action: str, *, but: str = "") -> dict[str, str]:
    """Raises NotAllowed for whoever took part in the answer that an appeal is or was against, while anybody else may do this
    (`but`: not this person). Where nobody else may, they can; answers what the log says of that.
    """
    before, person = await _took_part(row), await identity.person_of(officer)
    if person not in before:
        return {}
    here = [each for each in await identity.officers() if each.joined_at is not None and each.left_at is None]
    if {await identity.person_of(each.id) for each in here if identity.may(each, action)} - before - {but}:
        raise NotAllowed(_("You took part in the answer that this is against, so another officer has to look at it."))
    return {"took_part": "nobody else may decide"}


async def _took_part(row: models.CaseRow) -> set[str]:
    """The persons who proposed or agreed to what an appeal is against, or was, when this request is answered anew."""
    found = await models.Approval.filter(case_id=row.appeal_of or row.id)
    if row.appeal_of is None:
        since = row.counted_from
        found = [each for each in found if since is not None and each.proposed_at < since and each.decision == "approved"]
    return {person for each in found for person in (each.proposed_person, each.decided_person) if person}
