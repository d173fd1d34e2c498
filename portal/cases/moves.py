"""The only place that writes a case's state. Each move asks the table, changes one row and records one audit entry,
all in the caller's transaction; of two officers who act at once exactly one succeeds and the other gets a Conflict."""

from datetime import datetime, timedelta
from typing import Any

from portal import audit, consent, db, jobs, subjects, vault
from portal.cases import awaiting, basis_reasons, deadlines, events, grades, legal_holds, models, protection, states, switches
from portal.cases.policy import policy
from portal.lib import clock
from portal.lib.errors import Conflict, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place

SEARCH = {"erasure": "plan"}  # every other right looks with `find`
# After this time a copy that waits no longer holds up the person's deletion.
TIME_TO_FETCH = timedelta(days=14)
ACTS = {
    **{"access": "package", "portability": "package", "rectification": "correct", "erasure": "erase"},
    **{"restriction": "restrict", "objection": "stop"},
    **dict.fromkeys(states.AT_ONCE, "stop"),
}


async def load(case_id: str) -> models.CaseRow:
    row = await models.CaseRow.get_or_none(id=case_id)
    if row is None:
        raise NotFound(_("There is no such request."))
    return row


async def lock(case_id: str) -> models.CaseRow:
    """Inside `writing()`: the case, with everybody else who wants to change it waiting until we are done."""
    await db.run("UPDATE case_file SET version = version WHERE id = ?", case_id)
    return await load(case_id)


async def move(
    row: models.CaseRow,
    verb: str,
    *,
    event: audit.Event,
    actor: str,
    outcome: str = "",
    payload: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Inside `writing()`: let `verb` happen, or raise Conflict saying what is missing."""
    step = states.target(verb, await facts(row), outcome)
    # The version makes racing officers queue up: the second one finds another version and changes nothing.
    changed = await db.run(
        "UPDATE case_file SET state = ?, outcome = ?, is_open = ?, version = version + 1"
        " WHERE id = ? AND version = ? AND state = ?",
        step.target,
        step.outcome,
        int(step.target != states.CLOSED),
        row.id,
        row.version,
        row.state,
    )
    if changed != 1:
        raise Conflict(_("Somebody else was faster. Look at the request again."))
    before, row.state, row.outcome, row.version = row.state, step.target, step.outcome, row.version + 1
    row.is_open = int(step.target != states.CLOSED)
    changes["closed_at"] = clock.now() if step.target == states.CLOSED else None
    changes["contact_until"] = await _contact_until(row)
    changes |= _answered(row)
    if step.target not in (states.RECEIVED, states.VERIFYING):
        changes["asked"] = None
    for name, value in changes.items():
        setattr(row, name, value)
    await row.save(update_fields=list(changes))
    said = {"verb": verb, "from": before, "to": step.target, "right": row.right} | ({"outcome": outcome} if outcome else {})
    await audit.record(event, actor=actor, subject=row.subject, case=row.id, payload=said | (payload or {}))
    await switches.wake(row)


def _answered(row: models.CaseRow) -> dict[str, Any]:
    """Ready to be fetched is answered: when the person comes is theirs. A case that was opened again is not answered any more."""
    if row.state not in (states.DELIVERING, states.CLOSED):
        return {"answered_at": None, "answered_late": 0}
    if row.answered_at is not None:
        return {}
    return {"answered_at": clock.now(), "answered_late": int(deadlines.today(get().time_zone).isoformat() > row.due_on)}


async def finish(row: models.CaseRow, outcome: str, *, actor: str) -> None:
    """Inside `writing()`: close, and let jobs make the papers."""
    await move(row, "close", event=events.CLOSED, actor=actor, outcome=outcome)
    await protection.end_with(row, by=actor)
    await papers_later(row)


async def papers_later(row: models.CaseRow) -> None:
    """Inside `writing()`, when a case has closed: the evidence file, and after a deletion the person's certificate."""
    await evidence_later(row)
    if is_certified(row):
        await jobs.later("cases.certificate", {"case": row.id}, key=f"cases.certificate {row.id}")


async def evidence_later(row: models.CaseRow) -> None:
    """Inside `writing()`: the evidence file, with all that happened so far."""
    await jobs.later("cases.proof", {"case": row.id}, key=f"cases.proof {row.id}")


def is_certified(row: models.CaseRow) -> bool:
    """Whether the case ended in a deletion that the person asked for, and gets a certificate of."""
    return (
        row.right == "erasure"
        and row.requester != states.BY_COMPANY
        and row.state == states.CLOSED
        and row.outcome in ("fulfilled", "partly")
    )


async def finish_lifted(row: models.CaseRow, *, actor: str) -> None:
    """Inside `writing()`, after a freeze was lifted: what was done and only waited for that is closed now."""
    is_fetched = ACTS.get(row.right) == "package"
    if row.state == states.DELIVERING and not is_fetched and row.proposed in states.outcomes(await facts(row)):
        await finish(row, row.proposed, actor=actor)


async def void(row: models.CaseRow, *, actor: str) -> None:
    """Inside `writing()`: something an approval rests on is about to change, so a proposal or approval loses its force."""
    if row.state not in (states.APPROVING, states.FULFILLING, states.DELIVERING, states.CLOSED):
        return
    if row.state in (states.DELIVERING, states.CLOSED):
        raise Conflict(_("The answer has been given; this can no longer be changed."))
    verb = "send back" if row.state == states.APPROVING else "void"
    approval = await latest_approval(row)
    await move(row, verb, event=events.VOIDED, actor=actor, proposed="")
    if approval is not None:
        approval.decision = "void"
        await approval.save(update_fields=["decision"])
    await models.Task.filter(case_id=row.id, round=row.round, step__in=list(ACTS.values()), state="waiting").delete()


async def facts(row: models.CaseRow, *, flagged: bool = False) -> states.Facts:
    """What the table's conditions look at, as it is now. `flagged`: also by what was found (caution.py)."""
    tasks = await models.Task.filter(case_id=row.id).exclude(state="void")
    searches = [task for task in tasks if task.round == row.round and task.step == search_step(row.right)]
    acts = [task for task in tasks if task.step in ACTS.values()]
    acts_now = [task for task in acts if task.round == row.round]
    found = await models.FindingRow.filter(case_id=row.id, round=row.round, row_count__gt=0).exists()
    approval = await latest_approval(row)
    return states.Facts(
        state=row.state,
        right=row.right,
        proven=await grades.is_enough(row),
        systems=len(searches),
        answered=sum(task.state == "answered" for task in searches),
        found=found,
        flagged=flagged or bool(row.flags),
        proposed=row.proposed,
        approved=approval is not None and approval.decision == "approved",
        acting=any(task.attempts or task.state != "waiting" for task in acts),
        acted=bool(acts_now) and all(task.state == "answered" for task in acts_now),
        stopped=any(task.state == "stopped" for task in acts_now),
        holds=await _holds(row),
        access_first=row.right in states.FOUR_EYES and await _access_first(row),
        to_fetch=row.state == states.DELIVERING and await _to_fetch(row),
        by_company=row.requester == states.BY_COMPANY,
        basis_again=row.requester == states.BY_COMPANY and row.is_open == 1 and await _has_basis(row),
        proof_awaited=row.state in (states.RECEIVED, states.VERIFYING) and await awaiting.proof(row),
        mandated=row.requester in ("me", states.BY_COMPANY) or await _is_mandated(row),
    )


async def _holds(row: models.CaseRow) -> frozenset[str]:
    beside = {each.kind for each in await models.Hold.filter(case_id=row.id, lifted_at=None)}
    return frozenset(beside | ({"legal"} if await legal_holds.holds_request(row) else set()))


async def _is_mandated(row: models.CaseRow) -> bool:
    """An appeal goes by the mandate of the request it is against."""
    return await models.Mandate.filter(case_id__in=[row.id, row.appeal_of or row.id]).exists()


async def _has_basis(row: models.CaseRow) -> bool:
    """Whether anybody whom the deletion is about has a basis again, or something of theirs is being decided."""
    concerned = await models.Concerned.filter(case_id=row.id).values_list("identifier", flat=True)
    found = {each.subject: each for each in (await subjects.people(str(one) for one in concerned)).values()}
    people = [each for each in found.values() if any(known.erased_at is None for known in each.identifiers)]
    standings = await consent.bases.standings(people)
    return any(each.has_basis for each in standings.values()) or bool(await basis_reasons.against(people, but=row.id))


async def latest_approval(row: models.CaseRow) -> models.Approval | None:
    return await models.Approval.filter(case_id=row.id, round=row.round).order_by("-proposed_at", "-id").first()


async def reasons_of(approval: models.Approval) -> str:
    """The words for the person that were signed; nothing once the case's key fell."""
    key = await vault.find_key("case", approval.case_id)
    return "" if key is None else key.open(Place("case_approval", "reasons", approval.id), approval.reasons)


def search_step(right: str) -> str:
    return SEARCH.get(right, "find")


async def _access_first(row: models.CaseRow) -> bool:
    """Whether the person also asked for a copy that they have not opened yet: deleted data cannot be copied (Art. 15)."""
    if row.subject is None:
        return False
    person = await subjects.whole(row.subject)
    copies = [right for right, act in ACTS.items() if act == "package"]
    asked = models.CaseRow.filter(subject__in=person.subjects, right__in=copies, is_open=1).exclude(id=row.id)
    for each in await asked:
        if each.state != states.DELIVERING or not await _had_time(each):
            return True
    return False


async def _had_time(row: models.CaseRow) -> bool:
    package = await _package(row)
    return package is None or package.opened_at is not None or clock.now() - package.made_at >= TIME_TO_FETCH


async def _to_fetch(row: models.CaseRow) -> bool:
    package = await _package(row)
    return package is not None and package.opened_at is None and package.keep_until > clock.now()


async def _package(row: models.CaseRow) -> models.PackageRow | None:
    return await models.PackageRow.filter(case_id=row.id, kind="package").order_by("-made_at", "-id").first()


async def _contact_until(row: models.CaseRow) -> datetime | None:
    """When what can be read of the person in a closed case falls: soon when there is nobody to answer any more."""
    if row.state != states.CLOSED:
        return None
    soon = (
        row.outcome in ("nothing held", "unconfirmed")
        or row.right in states.AT_ONCE
        or (row.right in states.FOUR_EYES and row.outcome in ("fulfilled", "partly"))
    )
    erased = row.subject is not None and await vault.find_key("life", row.subject) is None
    return clock.now() + (policy().contact_kept if soon or erased else policy().answers_kept)
