"""Handing a copy over without the portal: by tracked post to the proven postal address, or from hand to hand.

For people who showed who they are in another way than by their mailbox (GDPR Art. 12(1), 15(3); EDPB 01/2022 §66): nobody
signs in for them, and nothing goes to an address that the request itself named first.
"""

from portal import audit, db, vault
from portal.cases import events, handover, models, moves, states, verification
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _

HOW = ("tracked post", "in person")


async def package(case_id: str, *, officer: str) -> handover.File:
    """For the officer who prints it, or puts it on a stick; recorded."""
    async with db.writing():
        row = await moves.lock(case_id)
        found = await _waiting(row)
        await audit.record(events.LETTER_READ, actor=f"officer:{officer}", subject=row.subject, case=case_id, object=found.id)
    return handover.File(f"case-{case_id}.zip", found.size, vault.read_blob(found.blob_id))


async def given(case_id: str, how: str, *, officer: str) -> None:
    """It was handed to the post as a tracked letter, or into the person's hands; the request closes."""
    if how not in HOW:
        raise Invalid(_("Please say how it was given."), {"given": _("Choose one of these.")})
    async with db.writing():
        row = await moves.lock(case_id)
        found = await _waiting(row)
        if how == "tracked post" and not await _has_place(row):
            raise Conflict(_("No postal address was proven in this request. Give it from hand to hand."))
        found.opened_at = clock.now()
        await found.save(update_fields=["opened_at"])
        actor = f"officer:{officer}"
        await audit.record(
            events.HANDED_OVER, actor=actor, subject=row.subject, case=case_id, object=found.id, payload={"how": how}
        )
        await moves.finish(row, row.proposed, actor=actor)


async def _waiting(row: models.CaseRow) -> models.PackageRow:
    if row.reach != "post" or row.state != states.DELIVERING or await verification.is_erased(row):
        raise Conflict(_("This copy is fetched in the portal, or it is not ready."))
    if await models.Hold.filter(case_id=row.id, kind="freeze", lifted_at=None).exists():
        raise Conflict(_("Somebody said that they did not ask for this. Decide about that first."))
    found = (
        await models.PackageRow.filter(case_id=row.id, kind="package", keep_until__gt=clock.now()).order_by("-made_at").first()
    )
    if found is None:
        raise NotFound(_("This package is not kept any more. You can ask for a new one at any time."))
    return found


async def _has_place(row: models.CaseRow) -> bool:
    return await models.Letter.filter(case_id=row.id, kind="code", used_at__isnull=False).exists()
