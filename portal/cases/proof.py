"""The evidence file of a closed case: a PDF/A-3 for officers, auditors and courts (GDPR Art. 5(2), 12(3)-(5), 24).

Who asked, how it was verified, what was searched, decided and done, and when, without the personal data itself: what
goes in is listed here field by field, so that nothing slips in with a new field of the snapshot. Attached are the same
facts for machines and, for each step, its receipt from the audit log, checkable without us.
"""

import json
from collections import Counter
from typing import Any

from portal import audit
from portal.cases import events, plain_words
from portal.cases.letterhead import letterhead
from portal.cases.snapshot import Correction, Proven, Removal, Row, Snapshot, System, Table
from portal.lib.errors import NotFound
from portal.paper import Attachment, in_language, pdf, render
from portal.settings import get

FORMAT = "portal/case-record/1"
DECISIONS = frozenset({"case.proposed", "case.approved", "case.refusal_approved", "case.sent_back", "case.correction_decided"})
DECISIONS |= {events.AUTOPILOT_ANSWERED.name, events.APPROVED_ALONE.name, events.REFUSAL_ALONE.name}


async def build_proof(snapshot: Snapshot) -> bytes:
    """The evidence file, in the company's first language. Raises Unavailable while a step is not in the signed log yet:
    the job then comes back, because evidence with a hole would be none."""
    receipts, gone = await _receipts(snapshot)
    facts = record(snapshot)
    with in_language(get().language_list[0]):
        page = render(
            "pdf/evidence.html",
            record=facts,
            **letterhead(),
            removals=by_system(snapshot),
            receipts=len(receipts),
            gone=gone,
            hours_alone=plain_words.hours_alone(snapshot.steps),
            decisions=[step for step in facts["steps"] if step["event"] in DECISIONS],
        )
    content = (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode()
    attached = Attachment("record.json", content, "The facts of this file for machines")
    return await pdf(page, variant="pdf/a-3a", attachments=(attached, *receipts))


def record(snapshot: Snapshot) -> dict[str, Any]:
    """What may be known of a case for ever: no value, no key of a row, no free text of anybody, except the reason of an officer
    who approved their own proposal: it was written for this file."""
    return {
        "format": FORMAT,
        "case": snapshot.case,
        "right": snapshot.right,
        "requester": snapshot.requester,
        "language": snapshot.language,
        "law": {"name": snapshot.law, "title": snapshot.law_title, "edition": snapshot.law_edition},
        "received_at": snapshot.received_at,
        "due_on": snapshot.due_on,
        "made_at": snapshot.taken_at,
        "answer": snapshot.answer,
        "proven": [_proven(each) for each in snapshot.proven],
        "searched": [_searched(each) for each in snapshot.systems],
        "corrections": [_correction(each) for each in snapshot.corrections],
        "removals": [_removal(each) for each in snapshot.removals],
        "purposes": [{"name": each.name, "edition": each.edition} for each in snapshot.purposes],
        "texts": [{"name": each.name, "title": each.title, "edition": each.edition} for each in snapshot.texts],
        "steps": [
            {"at": each.at, "event": each.event, "what": each.what, "who": each.who, "entry": each.entry, "note": each.note}
            for each in snapshot.steps
        ],
    }


def by_system(snapshot: Snapshot) -> list[tuple[str, str, list[Removal]]]:
    """The deletion for a certificate: label of each system, when it answered, and what happened in it."""
    titles = {each.name: (each.label, each.answered_at) for each in snapshot.systems}
    names = list(dict.fromkeys(each.system for each in snapshot.removals))
    return [(*titles.get(name, (name, "")), [each for each in snapshot.removals if each.system == name]) for name in names]


async def _receipts(snapshot: Snapshot) -> tuple[list[Attachment], int]:
    """A receipt per step, and how many steps cannot be proven any more because their contents were erased."""
    found, gone = [], 0
    for number, step in enumerate((step for step in snapshot.steps if step.entry), 1):
        try:
            receipt = await audit.prove(step.entry, patience=0)
        except NotFound:
            gone += 1
            continue
        name = f"proofs/{number:03}-{step.event.replace('.', '-').replace('_', '-')}.txt"
        found.append(Attachment(name, receipt.encode(), f"Receipt from the audit log: {step.what}"))
    return found, gone


def _proven(proven: Proven) -> dict[str, Any]:
    return {"kind": proven.kind, "masked": proven.masked, "how": proven.how, "at": proven.at}


def _searched(system: System) -> dict[str, Any]:
    tables = [_table(category.name, table) for category in system.categories for table in category.tables]
    return {
        "system": system.name,
        "label": system.label,
        "answered_at": system.answered_at,
        "entries": sum(each["entries"] for each in tables),
        "tables": tables,
    }


def _table(category: str, table: Table) -> dict[str, Any]:
    left_out = Counter(reason for row in table.rows for reason in _reasons(row))
    return {
        "category": category,
        "table": table.name,
        "label": table.label,
        "entries": len(table.rows),
        "left_out": dict(sorted(left_out.items())),
    }


def _reasons(row: Row) -> list[str]:
    return [row.redacted] if row.redacted else [each.redacted for each in row.fields if each.redacted]


def _correction(correction: Correction) -> dict[str, Any]:
    return {
        "field": correction.field,
        "accepted": correction.accepted,
        "read_back": correction.read_back,
        "person_disagrees": bool(correction.statement),
    }


def _removal(removal: Removal) -> dict[str, Any]:
    return {
        "system": removal.system,
        "table": removal.table,
        "label": removal.label,
        "action": removal.action,
        "entries": removal.rows,
        "law": removal.law,
        "until": removal.until,
        "done": removal.done,
        "left": removal.left,
    }
