"""An officer looks at what was found: takes out what belongs to others, decides corrections field by field, writes notes.

Every look is an entry that the person will see as date, purpose and role (C-579/21). A change after a proposal voids it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal import audit, db, vault
from portal.cases import events, findings, looking, models, moves, new_address, states, targets, verification
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _
from portal.vault import Place

REASONS = {
    "third party": lambda: _("It is about somebody else (GDPR Art. 15(4))."),
    "trade secret": lambda: _("It would reveal a trade secret (GDPR recital 63)."),
    "legal privilege": lambda: _("It belongs to confidential legal advice."),
    "security": lambda: _("It would weaken the security of our systems."),
    "wrong person": lambda: _("It turned out to be about another person."),
}


@dataclass(frozen=True)
class Note:
    id: str
    at: datetime
    by: str
    text: str


async def review(case_id: str, *, officer: str) -> list[findings.Found]:
    """What was found, for an officer's eyes; the look itself is recorded."""
    row = await moves.load(case_id)
    await looking.note(row, events.LOOKED, officer)
    return await findings.read(row)


async def redact(case_id: str, finding_id: str, row_number: int, field: str, *, reason: str, officer: str) -> None:
    """Take a field out of what the person gets, or with an empty `field` the whole row."""
    if reason not in REASONS:
        raise Invalid(_("Please give a reason."), {"reason": _("Please choose one of the reasons.")})
    async with db.writing():
        row = await _changing(case_id, officer)
        found = await findings.read_one(row, finding_id)
        if found is None or not 0 <= row_number < len(found.rows):
            raise NotFound(_("There is no such row among the findings."))
        if field and all(each.column != field for each in found.rows[row_number].fields):
            raise NotFound(_("There is no such field in this row."))
        if (row_number, field) in found.redacted:
            return
        await models.Redaction.create(
            id=ids.new(),
            case_id=case_id,
            finding_id=finding_id,
            row_number=row_number,
            field=field,
            reason=reason,
            by=f"officer:{officer}",
            at=clock.now(),
        )
        await findings.note_signs(row, finding_id)
        await targets.settle_again(row)
        await audit.record(
            events.REDACTED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            object=f"{found.system}/{found.table}",
            payload={"field": field, "reason": reason},
        )


async def unredact(case_id: str, finding_id: str, row_number: int, field: str, *, officer: str) -> None:
    async with db.writing():
        row = await _changing(case_id, officer)
        gone = await models.Redaction.filter(finding_id=finding_id, case_id=case_id, row_number=row_number, field=field).delete()
        if not gone:
            raise NotFound(_("This was not taken out."))
        await findings.note_signs(row, finding_id)
        await targets.settle_again(row)
        await audit.record(
            events.UNREDACTED, actor=f"officer:{officer}", subject=row.subject, case=case_id, payload={"field": field}
        )


async def decide_correction(
    case_id: str, field: str, accepted: bool, *, why: str = "", rows: Sequence[str] = (), officer: str
) -> None:
    """Accept or decline one corrected field; declining needs a reason, which the person gets (Art. 12(4), 16).

    `rows`: the ids of the entries to change, where several stand in one system (`targets.choose`).
    """
    if not accepted and not why.strip():
        raise Invalid(_("Please say why it is not corrected."), {"why": _("The person will read this.")})
    async with db.writing():
        row = await _changing(case_id, officer)
        correction = await models.CorrectionRow.get_or_none(case_id=case_id, field=field)
        if correction is None:
            raise NotFound(_("Nobody asked to correct this."))
        if accepted and row.state != states.REVIEWING:
            raise Conflict(_("Not every system has answered yet."))
        if accepted:
            new_address.require(correction)
        await keep_decision(correction, accepted, why=why.strip(), rows=rows)
        await audit.record(
            events.CORRECTION_DECIDED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            payload={"field": field, "accepted": accepted},
        )


async def keep_decision(correction: models.CorrectionRow, accepted: bool, *, why: str = "", rows: Sequence[str] = ()) -> None:
    """Inside `writing()`, before it is recorded: what becomes of one field, and of which entries."""
    key = await vault.key_for("case", correction.case_id)
    if accepted:
        await targets.keep(key, correction, targets.choose(correction.field, targets.kept(key, correction), rows))
    correction.accepted = int(accepted)
    correction.why = key.seal(Place("case_correction", "why", correction.id), why)
    await correction.save(update_fields=["accepted", "why"])


async def add_note(case_id: str, text: str, *, officer: str) -> None:
    if not text.strip() or len(text) > 5000:
        raise Invalid(_("Please write the note, in at most 5,000 characters."), {"text": _("Please write something.")})
    async with db.writing():
        row = await moves.load(case_id)
        note_id = ids.new()
        key = await verification.case_key(row)
        sealed = key.seal(Place("case_note", "text", note_id), text.strip())
        await models.Note.create(id=note_id, case_id=case_id, at=clock.now(), by=f"officer:{officer}", text=sealed)
        await audit.record(events.NOTED, actor=f"officer:{officer}", subject=row.subject, case=case_id, object=note_id)


async def notes(case_id: str, *, before: str | None = None, limit: int = 20) -> list[Note]:
    """A page of the notes, newest first; the next one begins `before` the last note's id."""
    key = await vault.find_key("case", case_id)
    if key is None:
        return []
    wanted = models.Note.filter(case_id=case_id, **({"id__lt": before} if before else {}))
    found = await wanted.order_by("-id").limit(limit)
    return [Note(each.id, each.at, each.by, key.open(Place("case_note", "text", each.id), each.text)) for each in found]


async def corrections(case_id: str) -> list[Mapping[str, Any]]:
    """Field by field: old, new, the entries that hold it, whether accepted, why not, and whether it was read back as written."""
    key = await vault.find_key("case", case_id)
    if key is None:
        return []

    def opened(row: models.CorrectionRow, column: str) -> str:
        sealed = getattr(row, column)
        return "" if sealed is None else key.open(Place("case_correction", column, row.id), sealed)

    return [
        {
            "field": each.field,
            **{column: opened(each, column) for column in ("old", "new", "why", "statement")},
            "targets": targets.kept(key, each),
            "accepted": None if each.accepted is None else bool(each.accepted),
            "proven": each.proven is not None,
            "read_back": None if each.read_back is None else bool(each.read_back),
        }
        for each in await models.CorrectionRow.filter(case_id=case_id).order_by("id")
    ]


async def _changing(case_id: str, officer: str) -> models.CaseRow:
    row = await moves.lock(case_id)
    await moves.void(row, actor=f"officer:{officer}")
    if row.state not in (states.REVIEWING, states.COLLECTING, states.TRIAGE):
        raise Conflict(_("There is nothing to review now."))
    return row
