"""What happened in a case, from the audit log: for the officer's page, the person's status page and the proof."""

from collections.abc import Iterable

from portal import audit
from portal.cases.snapshot import Step
from portal.lib import clock

# Not shown to the person and not proof of anything: the officers' own working notes.
INTERNAL = frozenset({"case.noted", "case.flagged", "case.autopilot_looked"})
# Events that there may be hundreds of, with nothing to say beside their sentence.
_PLAIN = INTERNAL | {"case.findings_read", "case.opened_by_officer", "case.messages_read"}
# What the person reads of on the page of their request, and may have a proof of.
TOLD = frozenset(
    (
        "case.opened", "case.proof_asked", "case.proven", "case.proof_failed", "case.letter_posted", "case.letter_lapsed",
        "case.collecting", "case.system_answered", "case.system_stopped", "case.collected", "case.look_again",
        "case.proposed", "case.autopilot_answered", "case.approved", "case.refusal_approved", "case.approved_alone",
        "case.refusal_approved_alone", "case.sent_back", "case.executing", "case.erased", "case.corrected", "case.packaged",
        "case.delivering", "case.handed_over", "case.downloaded", "case.not_me", "case.held", "case.hold_lifted",
        "case.post_chosen", "case.copy_given", "case.fetch_reminded", "case.fee_asked", "case.extended", "case.law_changed",
        "case.mandate_seen", "case.acted", "case.answered_in_words", "case.restriction_ends", "case.statement_added",
        "case.closed", "case.withdrawn", "case.reopened", "case.certified", "case.message_received", "case.message_sent",
        "case.taken_up_again", "case.wait_given_up", "case.new_address_proven",
    )
)  # fmt: skip
AT_ONCE = 200
_SAID = ("how", "step", "rows", "outcome", "reason", "took_part", "hours_later", "because", "re-read", "recipient")


async def timeline(case_id: str, *, before: str | None = None, limit: int | None = None) -> list[Step]:
    """Newest first: all of it, or a page of `limit`, whose next one begins `before` the last step's entry.

    `who` is a role (person, officer, portal), never an employee.
    """
    if limit is not None:
        return await _steps(await audit.search(case=case_id, before=before, limit=limit))
    found = list[audit.Entry]()
    while page := await audit.search(case=case_id, before=before, limit=AT_ONCE):
        found += page
        before = page[-1].id
    return await _steps(found)


async def _steps(entries: Iterable[audit.Entry]) -> list[Step]:
    sentences = audit.vocabulary()
    steps = []
    for entry in entries:
        note = await _note(entry)
        steps.append(
            Step(
                at=clock.rfc3339(entry.recorded_at) if entry.recorded_at else "",
                event=entry.event,
                what=sentences[entry.event].sentence if entry.event in sentences else entry.event,
                who=_role(entry.actor),
                entry=entry.id,
                note=f"{entry.object}: {note}" if entry.event.startswith("case.system") and note else note,
            )
        )
    return steps


async def _note(entry: audit.Entry) -> str:
    if entry.event in _PLAIN:
        return ""
    payload = await audit.open_payload(entry) or {}
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in payload.items() if name in _SAID)


def _role(actor: str) -> str:
    return {"customer": "person", "officer": "officer", "key": "machine"}.get(actor.partition(":")[0], "portal")
