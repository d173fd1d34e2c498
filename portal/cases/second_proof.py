"""The way out of the careful freeze for whoever asked: a code to another address of theirs (GDPR Art. 12(6); EDPB 01/2022).

Only to one that was on file and theirs before the request came in: what somebody added or joined since shows nothing. The code is
taken as any other of the request; with it the freeze is lifted (verification.accept).
"""

from dataclasses import dataclass

from portal import audit, db, identity, subjects
from portal.cases import events, grades, mine, models, moves, states, verification
from portal.lib.errors import NotFound
from portal.paper import _


@dataclass(frozen=True)
class Address:
    """One that would do; `shown` is enough of it for its owner."""

    id: str
    shown: str


async def addresses(case_id: str) -> list[Address]:
    """Those that would lift the freeze; empty while there is none."""
    row = await moves.load(case_id)
    frozen = models.Hold.filter(case_id=case_id, kind="freeze", lifted_at=None)
    if row.subject is None or row.requester != "me" or row.state == states.CLOSED or not await frozen.exists():
        return []
    if "code" not in grades.proofs_for(row.right).ways or await verification.is_erased(row):
        return []
    shown = {each.identifier for each in await models.CaseIdentifier.filter(case_id=case_id)}
    before = {each.id for each in (await subjects.whole(row.subject, at=row.created_at)).identifiers}
    person = [each for each in (await subjects.whole(row.subject)).identifiers if each.id in before]
    theirs = [each for each in person if each.kind == "email" and each.audience == "person" and each.erased_at is None]
    would_do = [each for each in theirs if each.id not in shown and verification.proven_before(each, row)]
    values = await subjects.values_of(would_do)
    return [Address(each.id, subjects.mask(each.kind, value)) for each in would_do if (value := values[each.id])]


async def ask(case_id: str, address: str, session: identity.Session, *, browser: str | None = None) -> str:
    """Send a code to one of them; answers the challenge's id."""
    async with db.writing():
        row = await moves.lock(case_id)
        if not await mine.is_of(case_id, session) or address not in {each.id for each in await addresses(case_id)}:
            raise NotFound(_("There is no such address."))
        to = await subjects.value_of(await subjects.get(address)) or ""
        challenge = await identity.challenge(to, use="request", bound_to=case_id, language=row.language, browser=browser)
        actor = f"customer:{session.subject}"
        await audit.record(events.PROOF_ASKED, actor=actor, subject=row.subject, case=case_id, object=address)
    return challenge.id
