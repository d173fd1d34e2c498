"""What the person says beside a correction that was refused, in their own words (GDPR Art. 16; Charter Art. 8(2)).

It is kept as long as the words of the request; officers read it, and papers that are made from then on carry it.
"""

from collections.abc import Mapping
from typing import Any

from portal import audit, db, vault
from portal.cases import events, models, moves, review, states
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _
from portal.vault import Place

LONGEST = 2000
_REFUSED = ("partly", "refused")


async def of(case_id: str) -> list[Mapping[str, Any]]:
    """For the person, once the request has ended: each correction, with `open` where they may say that they disagree."""
    row = await moves.load(case_id)
    if row.state != states.CLOSED or row.right != "rectification":
        return []
    return [{**each, "open": _is_open(row, each["accepted"])} for each in await review.corrections(case_id)]


async def say(case_id: str, field: str, words: str, *, actor: str) -> None:
    """In place of what they said before. Raises Invalid, Conflict where nothing was refused, NotFound for another field."""
    words = words.strip()
    if not 1 <= len(words) <= LONGEST:
        problem = _("Please write something, in at most %d letters.") % LONGEST
        raise Invalid(problem, {f"statement-{field}": problem})
    async with db.writing():
        row = await moves.lock(case_id)
        correction = await models.CorrectionRow.get_or_none(case_id=case_id, field=field)
        if correction is None:
            raise NotFound(_("Nobody asked to correct this."))
        key = await vault.find_key("case", case_id)
        if key is None or not _is_open(row, None if correction.accepted is None else bool(correction.accepted)):
            raise Conflict(_("This was not refused, or it is too long ago."))
        correction.statement = key.seal(Place("case_correction", "statement", correction.id), words)
        await correction.save(update_fields=["statement"])
        await audit.record(events.STATED, actor=actor, subject=row.subject, case=case_id, payload={"field": field})


def _is_open(row: models.CaseRow, accepted: bool | None) -> bool:
    return row.state == states.CLOSED and row.right == "rectification" and row.outcome in _REFUSED and not accepted
