"""How a case ends, and what stands beside its states: holds, the extension, taking back, opening again.

Refusal and extension always carry reasons; a case closes as fulfilled or nothing held only when every system has
answered (GDPR Art. 12(3)-(5)). After the end jobs make the papers.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from portal import audit, db, jobs, messages, subjects, vault
from portal.cases import (
    clocks,
    deadlines,
    doubts,
    events,
    letters,
    models,
    moves,
    plain_words,
    protection,
    remedies,
    states,
    together,
    verification,
)
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotFound
from portal.paper import _, in_language
from portal.settings import get
from portal.vault import Place

# What an officer may set on a request; legal holds are counsel's, on a person or a system (legal_holds.py).
HOLDS = ("clarification", "identity", "fee", "freeze")
# Effort alone is no ground (EDPB 01/2022 §163-164): no code for being busy.
EXTENSION_REASONS = {
    "complex": lambda: _("the request is complex"),
    "number": lambda: _("of the number of your requests"),
}


async def close(case_id: str, outcome: str, *, officer: str) -> None:
    """Close as nothing held or unconfirmed, or a delivered answer that nobody fetched."""
    async with db.writing():
        row = await moves.lock(case_id)
        if outcome == "nothing held":
            await tell(row, "mail/case-nothing", {"systems": await _searched(row)})
        await moves.finish(row, outcome, actor=f"officer:{officer}")
        if outcome == "unconfirmed":
            await _tell_unconfirmed(row)


async def withdraw(case_id: str, *, actor: str) -> None:
    """The person takes the request back; what was changed already stays changed."""
    async with db.writing():
        row = await moves.lock(case_id)
        await moves.move(row, "withdraw", event=events.WITHDRAWN, actor=actor)
        await protection.end_with(row, by=actor)
        await moves.papers_later(row)
        await models.Task.filter(case_id=case_id, state="waiting").update(state="void")


async def reopen(case_id: str, *, officer: str) -> None:
    async with db.writing():
        row = await moves.lock(case_id)
        await verification.case_key(row)  # without an address nobody can be answered
        if await verification.is_erased(row):
            raise Conflict(
                _("This person was deleted: there is nothing left to search. They can make a new request at any time.")
            )
        await begin_again(row, events.REOPENED, actor=f"officer:{officer}")


async def begin_again(row: models.CaseRow, event: audit.Event, *, actor: str) -> None:
    """Inside `writing()`: a request goes on that had ended. What protected the person until its decision does so again, and
    nothing is answered by what was found before: a new round has no findings until the systems are asked.
    """
    await moves.move(row, "reopen", event=event, actor=actor, proposed="", round=row.round + 1)
    if row.subject is not None and row.state == states.TRIAGE:
        await protection.begin(row, row.subject, by=actor, ground=await verification.ground(row))


async def hold(case_id: str, kind: str, why: str, *, officer: str) -> str:
    """Set a hold beside the state; the legal date moves only where the case's law says so (UK GDPR Art. 12A)."""
    if kind not in HOLDS or not why.strip():
        raise Invalid(_("Please choose a kind of hold and say why."), {"why": _("Please give the reason.")})
    async with db.writing():
        row = await moves.lock(case_id)
        hold_id = ids.new()
        key = await verification.case_key(row)
        sealed = key.seal(Place("case_hold", "why", hold_id), why.strip())
        actor = f"officer:{officer}"
        await models.Hold.create(id=hold_id, case_id=case_id, kind=kind, why=sealed, by=actor, since=clock.now())
        await audit.record(events.HELD, actor=actor, subject=row.subject, case=case_id, payload={"kind": kind})
        await clocks.recount(row)
    return hold_id


async def lift(hold_id: str, *, words: str = "", officer: str) -> None:
    """What waited for it goes on: a deletion at once, an answer that was held back is closed.

    `words`: for whoever said "it wasn't me" about a request that had ended; it is theirs to know what was found.
    """
    async with db.writing():
        found = await models.Hold.get_or_none(id=hold_id)
        if found is None:
            raise NotFound(_("There is no such hold."))
        row = await moves.lock(found.case_id)
        changed = await db.run(
            "UPDATE case_hold SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL",
            *(clock.micros(clock.now()), f"officer:{officer}", hold_id),
        )
        if not changed:
            raise Conflict(_("This hold was lifted already."))
        said: dict[str, Any] = {"kind": found.kind}
        if doubts.is_late(row, found):
            said["told"] = await doubts.answer(row, found, words)
        await audit.record(events.HOLD_LIFTED, actor=f"officer:{officer}", subject=row.subject, case=row.id, payload=said)
        await clocks.recount(row)
        await go_on(row, actor=f"officer:{officer}")


async def extend(case_id: str, reason: str, text: str, *, officer: str) -> date:
    """Extend the period once, inside the first period, with reasons that the person is told (Art. 12(3))."""
    if reason not in EXTENSION_REASONS or len(text.strip()) < 10:
        raise Invalid(_("Please give a reason that the law allows."), {"reason": _("That we are busy is none.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.state in (states.DELIVERING, states.CLOSED) or row.extended_at is not None:
            raise Conflict(_("The period of this request was extended already, or the request is closed."))
        due = await clocks.count(row, extended=True)
        if deadlines.today(get().time_zone) > (await clocks.count(row)).safe:
            raise Conflict(_("The first period is over; it can no longer be extended."))
        await clocks.keep(row, due, extended_at=clock.now())
        await audit.record(
            events.EXTENDED,
            actor=f"officer:{officer}",
            subject=row.subject,
            case=case_id,
            payload={"reason": reason, "due": row.due_on},
        )
        await tell(row, "mail/case-extended", {"reason": EXTENSION_REASONS[reason](), "text": text.strip(), "due": due.safe})
    return due.safe


async def go_on(row: models.CaseRow, *, actor: str) -> None:
    """Inside `writing()`, after a hold was lifted."""
    await moves.finish_lifted(row, actor=actor)
    for task in await models.Task.filter(case_id=row.id, round=row.round, step="erase", state="waiting"):
        await jobs.hurry(f"cases.erase {task.id}")


async def tell(row: models.CaseRow, template: str, context: Mapping[str, Any]) -> None:
    """Inside `writing()`: write to the address the request was proven with; kept under the case's key. On paper where the
    proof came another way, because that mailbox may be lost, or another's. Nobody is told that they asked who did not.
    """
    if row.requester == states.BY_COMPANY:
        return
    if row.reach == "post":
        await letters.write(row, template, {**_always(row), **context})
        return
    await messages.send_later(
        template=template,
        to=await verification.case_address(row),
        language=row.language,
        context={**_always(row), **context},
        case=row.id,
        key=f"{template} {row.id} {row.round}",
    )


async def tell_late(row: models.CaseRow, template: str, context: Mapping[str, Any]) -> bool:
    """Inside `writing()`: the same long after the end, when the words of the request may have fallen with its key: to the
    addresses that proved it and are still known. Answers whether anybody could be told.
    """
    if await vault.find_key("case", row.id) is not None:
        await tell(row, template, context)
        return True
    told = False
    for proven in await models.CaseIdentifier.filter(case_id=row.id):
        identifier = await subjects.get(proven.identifier)
        address = await subjects.value_of(identifier)
        if identifier.kind != "email" or address is None:
            continue
        await messages.send_later(
            template=template,
            to=address,
            language=row.language,
            context={**_always(row), **context},
            subject=identifier.home,
            key=f"{template} {row.id} {identifier.id}",
        )
        told = True
    return told


async def _tell_unconfirmed(row: models.CaseRow) -> None:
    """One mail for what was asked together, with the last of them; no letter, because nobody's place is known."""
    if row.reach != "mail" or await together.unproven_beside(row):
        return
    with in_language(row.language):
        against = remedies.against(row.law, appealable=False)
    await tell(row, "mail/case-unconfirmed", {"remedies": against})


def _always(row: models.CaseRow) -> dict[str, Any]:
    """What was asked for, as it stands after "you asked for", and what the person can do against our answer."""
    with in_language(row.language):
        return {"right": row.right, "what": plain_words.asked_for(row.right), "remedies": remedies.against(row.law)}


async def _searched(row: models.CaseRow) -> list[str]:
    tasks = await models.Task.filter(case_id=row.id, round=row.round, step=moves.search_step(row.right)).order_by("id")
    return [task.label for task in tasks]
