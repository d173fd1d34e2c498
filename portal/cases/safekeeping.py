"""What this room keeps outside the database for a restored backup: whose earlier requests fell with their erasure."""

from collections.abc import Sequence
from typing import Any

from portal import audit, db, subjects
from portal.cases import contact, events, own_data


async def _tell(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    """Of the deletions those in the portal itself: the person's records by their ids, and the request that was the deletion."""
    told: dict[str, dict[str, Any]] = {}
    for each in entries:
        row = await db.row("SELECT subject FROM case_file WHERE id = ?", each.case) if each.object == own_data.NAME else None
        if row is not None and row["subject"] is not None:
            told[each.id] = {"subjects": (await subjects.whole(row["subject"])).subjects, "case": each.case}
    return told


async def _again(what: dict[str, Any]) -> bool:
    # What the deletion itself says is offered for 30 days more. Older lines do not name it.
    return bool(await contact.fall_of(what["subjects"], but=what.get("case", "")))


audit.safety.keeps([events.ERASED], tell=_tell, again=_again)
