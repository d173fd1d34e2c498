"""What happened in a case, from the audit log: for the officer's page, the person's status page and the proof."""

from portal import audit
from portal.cases.snapshot import Step
from portal.lib import clock

# Not shown to the person and not proof of anything: the officers' own working notes.
INTERNAL = frozenset({"case.noted", "case.flagged"})


async def timeline(case_id: str) -> list[Step]:
    """Oldest first; `who` is a role (person, officer, portal), never an employee."""
    found, before = [], None
    while page := await audit.search(case=case_id, before=before, limit=200):
        found += page
        before = page[-1].id
    sentences = audit.vocabulary()
    steps = []
    for entry in reversed(found):
        payload = await audit.open_payload(entry) or {}
        note = ", ".join(
            f"{name}: {value}" for name, value in payload.items() if name in ("how", "step", "rows", "outcome", "reason")
        )
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


def _role(actor: str) -> str:
    return {"customer": "person", "officer": "officer", "key": "machine"}.get(actor.partition(":")[0], "portal")
