"""Another e-mail address in place of the one on file: nobody's before it was shown to reach the person (GDPR Art. 16, 5(1)(d)).

The proof changes nothing by itself. It takes place with the answer, in the portal last of all: the new address becomes the
person's and takes over every no, the old one is told where that is safe, and is then one that its person has left.
"""

from portal import audit, connectors, consent, db, identity, subjects, vault
from portal.cases import events, models, moves, states, verification
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed
from portal.paper import _
from portal.vault import Place

FIELD = "email"
USE = "new-address"
# Who asks has to be known first: the code goes where a stranger could have pointed it.
_UNKNOWN = (states.RECEIVED, states.VERIFYING)


async def is_awaited(case_id: str) -> bool:
    """Whether the person has still to show that the new address is theirs."""
    row = await moves.load(case_id)
    correction = await models.CorrectionRow.get_or_none(case_id=case_id, field=FIELD)
    if correction is None or correction.proven is not None or correction.accepted == 0 or row.requester != "me":
        return False
    return row.is_open == 1 and row.state not in _UNKNOWN and await vault.find_key("case", case_id) is not None


async def ask(case_id: str, *, browser: str | None = None) -> str:
    """Send a link and a code to the new address; answers the challenge's id. Conflict where nothing waits for it."""
    async with db.writing():
        row = await moves.lock(case_id)
        correction = await _awaited(row)
        to = (await verification.case_key(row)).open(Place("case_correction", "new", correction.id), correction.new)
        challenge = await identity.challenge(to, use=USE, bound_to=case_id, language=row.language, browser=browser)
        await audit.record(events.PROOF_ASKED, actor="system", subject=row.subject, case=case_id, payload={"field": FIELD})
    return challenge.id


async def prove(proof: identity.Proof) -> None:
    """It reaches them. The browser that asked has to be checked before: elsewhere somebody may only have been told to type it."""
    if proof.use != USE:
        raise NotAllowed(_("This proof belongs to another request."))
    async with db.writing():
        row = await moves.lock(proof.bound_to)
        correction = await _awaited(row)
        if (await subjects.get(proof.identifier_id)).audience != "person":
            raise NotAllowed(_("Several people use this address, so it cannot stand in place of your own."))
        correction.proven = proof.identifier_id
        await correction.save(update_fields=["proven"])
        await audit.record(
            events.NEW_ADDRESS_PROVEN,
            actor=f"customer:{row.subject}",
            subject=row.subject,
            case=row.id,
            object=proof.identifier_id,
        )


def require(correction: models.CorrectionRow) -> None:
    """Raises Conflict where an officer would put an address in place that nobody has proven."""
    if correction.field == FIELD and correction.proven is None:
        raise Conflict(_("The person has not confirmed the new address yet: its code is sent from the request's page."))


async def replace(row: models.CaseRow, old_id: str) -> connectors.Change:
    """Inside `writing()`: the portal's own part of the correction. Raises ConnectorError where an officer has to look first."""
    correction = await models.CorrectionRow.get(case_id=row.id, field=FIELD)
    old, new = await subjects.get(old_id), await _proven(row, correction)
    values = await subjects.values_of([old, new])
    person = (await subjects.whole(old.subject)).subjects[0]
    if new.subject != person:
        await subjects.link(new.id, person, by="system", why="corrected")
    if old.audience == "person" and old.id != new.id:
        await verification.tell_old(row, old)
        await consent.addresses.replaced(old.id, new.id, subject=person, by="system", language=row.language)
    await _goes_on_with(new, values[new.id] or "", old)
    return connectors.Change("identifier", {"id": old.id}, "value", FIELD, values[old.id], values[new.id])


async def _awaited(row: models.CaseRow) -> models.CorrectionRow:
    if not await is_awaited(row.id):
        raise Conflict(_("This request needs no confirmation now."))
    return await models.CorrectionRow.get(case_id=row.id, field=FIELD)


async def _proven(row: models.CaseRow, correction: models.CorrectionRow) -> subjects.Identifier:
    if correction.proven is None:
        raise connectors.ConnectorError(_("The new address was not confirmed."), True)
    new = await subjects.get(correction.proven)
    if new.erased_at is not None or new.audience != "person":
        raise connectors.ConnectorError(_("The new address was erased, left or shared since it was confirmed."), True)
    # Known here before, as somebody: whoever talks that person into typing a code must not get what is theirs.
    if new.created_at < row.created_at and new.subject not in (await subjects.whole(row.subject or "")).subjects:
        told = _("The new address belongs to another record here. Look at both under Duplicates first, then ask this once more.")
        raise connectors.ConnectorError(told, True)
    return new


async def _goes_on_with(new: subjects.Identifier, address: str, old: subjects.Identifier) -> None:
    """What the person began with the old address and still runs covers the new one too, and is answered there."""
    proven = await models.CaseIdentifier.filter(identifier=old.id).values_list("case_id", flat=True)
    for row in await models.CaseRow.filter(id__in=list(proven), is_open=1, requester="me"):
        if not await models.CaseIdentifier.exists(case_id=row.id, identifier=new.id):
            await models.CaseIdentifier.create(id=ids.new(), case_id=row.id, identifier=new.id, how="code", proven_at=clock.now())
        key = await vault.find_key("case", row.id)
        if key is None or row.address_kind != FIELD:
            continue
        known = await subjects.find(FIELD, await verification.case_address(row))
        if known is not None and known.id == old.id:
            row.address = key.seal(Place("case_file", "address", row.id), address)
            await row.save(update_fields=["address"])
