"""Four eyes: one person proposes an answer and freezes it, another one approves exactly that (GDPR Art. 24, 32(4)).

What is signed is the digest of the frozen snapshot. Approving and executing take the case anew and compare: anything
that changed since voids the approval. Proposer and approver differ by person, not by account or session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, vault
from portal.cases import (
    ahead,
    answering,
    caution,
    events,
    freeze,
    fulfilment,
    models,
    moves,
    own_data,
    remedies,
    states,
    targets,
    verification,
)
from portal.cases.policy import policy
from portal.cases.snapshot import Snapshot
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed
from portal.paper import _, in_language
from portal.vault import Place


@dataclass(frozen=True)
class Proposal:
    """The latest proposal of a case; `digest` is that of the snapshot it signs."""

    id: str
    answer: str
    reasons: str
    digest: str
    proposed_by: str
    proposed_at: datetime
    decision: str
    decided_by: str | None
    decided_at: datetime | None
    why: str
    person: str  # who proposed it, by whichever account
    alone_from: datetime | None  # from when that person may approve it as well; None: never


async def propose(case_id: str, *, answer: str = "fulfilled", reasons: str = "", officer: str, ground: str = "") -> str:
    """Freeze the case and propose an answer; unflagged access and rectification go on at once. Answers the state.

    `ground`: of the law's list (remedies.py), for what is not given; the person reads it before the officer's words.
    """
    if answer not in ("fulfilled", "partly", "refused"):
        raise Invalid(_("Please choose an answer."), {"answer": _("In full, in part, or refused.")})
    if answer != "fulfilled" and len(reasons.strip()) < 10:
        raise Invalid(_("Please give the reasons."), {"reasons": _("The person will read them, with the right to complain.")})
    in_full = _with_ground(await moves.load(case_id), answer, ground, reasons.strip())
    async with ahead.stored(case_id, answer=answer, reasons=in_full) as before, db.writing():
        row = await moves.lock(case_id)
        actor = f"officer:{officer}"
        again = await answering.by_others(row, officer, "cases.process")
        await _refuse_misfits(row, answer)
        flagged = answer != "refused" and await _is_flagged(row, officer)
        reasons = _with_ground(row, answer, ground, reasons.strip())
        said = ({"reason": ground} if ground else {}) | again
        person = await identity.person_of(officer)
        await freeze_and_go_on(
            row, answer, reasons, event=events.PROPOSED, actor=actor, person=person, said=said, flagged=flagged, before=before
        )
    return row.state


async def freeze_and_go_on(
    row: models.CaseRow,
    answer: str,
    reasons: str,
    *,
    event: audit.Event,
    actor: str,
    person: str,
    said: Mapping[str, str] | None = None,
    flagged: bool = False,
    before: ahead.Ahead | None = None,
) -> None:
    """Inside `writing()`: keep the snapshot of the answer; it waits for a second person, or is carried out."""
    row.proposed = answer
    digest, blob = await ahead.keep(row, answer, reasons, before)
    approval_id = ids.new()
    key = await vault.key_for("case", row.id)
    await models.Approval.create(
        id=approval_id,
        case_id=row.id,
        round=row.round,
        answer=answer,
        reasons=key.seal(Place("case_approval", "reasons", approval_id), reasons),
        digest=digest,
        snapshot_blob=blob,
        proposed_by=actor,
        proposed_person=person,
        proposed_at=clock.now(),
        decision="",
    )
    facts = await moves.facts(row, flagged=flagged)
    payload = {"answer": answer, "snapshot": digest} | dict(said or {})
    if answer == "refused" and row.state in (states.TRIAGE, states.COLLECTING):
        await moves.move(row, "propose a refusal", event=event, actor=actor, payload=payload, proposed=answer)
    elif facts.needs_four_eyes:
        await moves.move(row, "propose", event=event, actor=actor, payload=payload, proposed=answer)
    else:
        await moves.move(row, "fulfil", event=event, actor=actor, payload=payload, proposed=answer)
        await fulfilment.begin(row)


def _with_ground(row: models.CaseRow, answer: str, ground: str, reasons: str) -> str:
    if not ground or answer == "fulfilled":
        return reasons
    if not remedies.is_ground(ground, row.right, searched=row.state not in (states.TRIAGE, states.COLLECTING)):
        raise Invalid(_("Please choose a ground that the law knows."), {"ground": _("Choose one of these.")})
    with in_language(row.language):
        return f"{remedies.sentence(ground, row.law)}\n\n{reasons}"


async def approve(case_id: str, digest: str, *, why: str = "", officer: str) -> str:
    """Sign what was proposed: `digest` is that of the snapshot on the approver's screen. The jobs then execute.

    `why`: asked of whoever proposed it as well, in words for the evidence.
    """
    before = await ahead.taken(case_id)
    async with db.writing():
        row = await moves.lock(case_id)
        approval = await _waiting(row)
        again = await answering.by_others(row, officer, "cases.approve", but=approval.proposed_person)
        hours = await _hours_alone(approval, officer)
        if digest != approval.digest:
            raise Conflict(_("What you looked at is not what is proposed now. Please look again."))
        alone = {} if hours is None else {"hours_later": hours, "because": _reason_alone(why)}
        if await ahead.digest(row, "", await moves.reasons_of(approval), before) != approval.digest:
            changed = True
            await moves.void(row, actor="system")
        else:
            changed = False
            await _approve(row, approval, officer, again, alone)
    if changed:
        raise Conflict(_("Something changed after this was proposed. It has gone back to review."))
    return row.state


async def send_back(case_id: str, *, why: str, officer: str) -> None:
    """The approver says what is missing; the case goes back to review (or, unsearched, to the start)."""
    if not why.strip():
        raise Invalid(_("Please say what is missing."), {"why": _("Your colleague will read this.")})
    async with db.writing():
        row = await moves.lock(case_id)
        approval = await _waiting(row)
        await moves.move(row, "send back", event=events.SENT_BACK, actor=f"officer:{officer}", proposed="")
        await _decide(approval, "sent back", officer, why.strip())


async def proposal(case_id: str) -> Proposal | None:
    row = await moves.load(case_id)
    found = await moves.latest_approval(row)
    if found is None:
        return None
    key = await vault.find_key("case", case_id)
    return Proposal(
        found.id,
        found.answer,
        await moves.reasons_of(found),
        found.digest,
        found.proposed_by,
        found.proposed_at,
        found.decision,
        found.decided_by,
        found.decided_at,
        key.open(Place("case_approval", "why", found.id), found.why) if key and found.why else "",
        found.proposed_person,
        found.proposed_at + policy().same_person_after if policy().same_person_after else None,
    )


async def frozen(case_id: str) -> Snapshot | None:
    """The snapshot of the latest proposal: what the approver reads and what the package is built from; while it is kept."""
    found = await moves.latest_approval(await moves.load(case_id))
    try:
        return None if found is None else await freeze.kept(found.snapshot_blob)
    except vault.Shredded:
        return None


async def _approve(
    row: models.CaseRow, approval: models.Approval, officer: str, again: dict[str, str], alone: dict[str, Any]
) -> None:
    await _decide(approval, "approved", officer, alone.get("because", ""))
    said = {"answer": approval.answer, "snapshot": approval.digest} | again | alone
    if approval.answer == "refused":
        event = events.REFUSAL_ALONE if alone else events.REFUSAL
        await moves.move(row, "approve a refusal", event=event, actor=f"officer:{officer}", payload=said)
        await fulfilment.tell_refusal(row, await moves.reasons_of(approval), by=f"officer:{officer}")
        return
    event = events.APPROVED_ALONE if alone else events.APPROVED
    await moves.move(row, "approve", event=event, actor=f"officer:{officer}", payload=said)
    await fulfilment.begin(row)


async def _decide(approval: models.Approval, decision: str, officer: str, why: str) -> None:
    key = await vault.key_for("case", approval.case_id)
    changed = await db.run(
        "UPDATE case_approval SET decision = ?, decided_by = ?, decided_person = ?, decided_at = ?, why = ?"
        " WHERE id = ? AND decision = ''",
        *(decision, f"officer:{officer}", await identity.person_of(officer), clock.micros(clock.now())),
        key.seal(Place("case_approval", "why", approval.id), why),
        approval.id,
    )
    if changed != 1:
        raise Conflict(_("Somebody else has decided already."))


async def _waiting(row: models.CaseRow) -> models.Approval:
    approval = await moves.latest_approval(row)
    if row.state != states.APPROVING or approval is None or approval.decision:
        raise Conflict(_("Nothing is waiting for an approval here."))
    return approval


async def _hours_alone(approval: models.Approval, officer: str) -> int | None:
    """None for another person. For the one who proposed it, how many hours ago that was, when the company has a single officer
    and set a waiting time that is over; raises NotAllowed otherwise."""
    if approval.proposed_person != await identity.person_of(officer):
        return None
    wait, waited = policy().same_person_after, clock.now() - approval.proposed_at
    if wait and waited >= wait:
        return waited // timedelta(hours=1)
    raise NotAllowed(_("You proposed this yourself, so another person has to approve it."))


def _reason_alone(why: str) -> str:
    if not 10 <= len(why.strip()) <= 500:
        wrong = {"why": _("At least ten letters, at most 500. It stands in the evidence.")}
        raise Invalid(_("Please say why nobody else approves this."), wrong)
    return why.strip()


async def _is_flagged(row: models.CaseRow, officer: str) -> bool:
    """Whether what would be given away takes two; raises Conflict for an officer who has not looked at it."""
    said = await caution.takes_two(row)
    if said and not await caution.is_opened(row, officer):
        raise Conflict(_("Open it and look at what was found first. %s") % " ".join(said))
    return bool(said)


async def _refuse_misfits(row: models.CaseRow, answer: str) -> None:
    if answer != "refused" and not (await moves.facts(row)).found:
        raise Conflict(_("Nothing was found, so there is nothing to answer with: close the request as “nothing held”."))
    if row.right == "erasure" and answer != "refused" and (await verification.covered(row)).joined:
        raise Conflict(_("An address joined to this person was not proven. Part it, or let the person prove it, first."))
    if answer == "fulfilled" and moves.ACTS.get(row.right) == "package" and await _is_redacted(row):
        raise Conflict(_("Something was taken out of the answer, so the answer is “in part”, with reasons."))
    if row.right == "rectification" and answer != "refused" and not await _could_be_corrected(row):
        raise Conflict(_("No connected system holds anything of this person that could be corrected. Refuse, and say so."))
    undecided = await models.CorrectionRow.filter(case_id=row.id, accepted=None).exists()
    if row.right == "rectification" and answer != "refused" and undecided:
        raise Conflict(_("Decide about every field first."))
    if row.right == "rectification" and answer != "refused":
        await _refuse_uncorrected(row, answer)
    declined = await models.CorrectionRow.filter(case_id=row.id, accepted=0).exists()
    if row.right == "rectification" and answer == "fulfilled" and declined:
        raise Conflict(_("Some fields were declined, so the answer is “in part”, with reasons."))


async def _refuse_uncorrected(row: models.CaseRow, answer: str) -> None:
    corrections = await freeze.corrections(row)
    if not any(each.accepted for each in corrections):
        raise Conflict(_("Every field was declined, so the answer is a refusal, with reasons."))
    stuck = sorted({place for each in corrections if each.accepted for place in each.stuck_in})
    if stuck and answer == "fulfilled":
        what = _("It also stands where it cannot be corrected (%s), so the answer is “in part”, with reasons.")
        raise Conflict(what % ", ".join(stuck))


async def _is_redacted(row: models.CaseRow) -> bool:
    findings = await models.FindingRow.filter(case_id=row.id, round=row.round).values_list("id", flat=True)
    return await models.Redaction.filter(case_id=row.id, finding_id__in=list(findings)).exists()


async def _could_be_corrected(row: models.CaseRow) -> bool:
    """Whether another system holds something, or the portal itself the address that shall change."""
    found = models.FindingRow.filter(case_id=row.id, round=row.round, row_count__gt=0)
    elsewhere = await found.exclude(system=own_data.NAME).exists()
    return elsewhere or own_data.NAME in await targets.chosen_systems(row)
