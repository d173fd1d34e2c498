"""What happened in a case, from the audit log: for the officer's page, the person's status page and the proof."""

from collections.abc import Iterable

from portal import audit
from portal.cases.snapshot import Step
from portal.lib import clock

# Not shown to the person and not proof of anything: the officers' own working notes.
INTERNAL = frozenset({"case.noted", "case.flagged", "case.autopilot_looked"})
# Events that there may be hundreds of, with nothing to say beside their sentence.
_PLAIN = INTERNAL | {"case.findings_read", "case.opened_by_officer", "case.messages_read"}
AT_ONCE = 200
_SAID = ("how", "step", "rows", "outcome", "reason", "took_part", "hours_later", "because", "re-read")


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
