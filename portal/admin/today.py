"""An officer's first page: what is late, what is due, what waits for me, and what does not work."""

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, cases, connectors, consent, identity, jobs, subjects
from portal.admin.case_proof import letter_name
from portal.admin.menu import desk
from portal.admin.words import due_pill, right_name, state_pill
from portal.pages import get, officer
from portal.paper import _, date_text, ngettext


async def show(request: Request) -> Response:
    me = request.state.officer
    approving = await cases.queue({"state": "approving"}, limit=10) if identity.may(me, "cases.approve") else []
    return desk(
        request,
        "admin/today.html",
        figures=await cases.figures(),
        prospect=prospect(await cases.forecast.outlook()),
        soonest=[case_line(each) for each in await cases.queue(limit=10)],
        approving=[case_line(each) for each in approving],
        stuck=await jobs.failed(10),
        deaf=await _deaf(),
        unsigned=await audit.unsigned_since(),
        doubts=await cases.doubts.waiting(),
        closed_by_others=await subjects.notes.closed_by(subjects.notes.OTHERS_WORD),
        letters=[(each, letter_name(each.kind)) for each in await cases.letters.unposted()],
        reviews=await cases.legal_holds.due(),
        untold=await cases.recipients.waiting(),
        no_basis=identity.may(me, "people.change") and await cases.basis_proposals.any_proposed(),
        mails=await cases.letterbox.waiting(limit=1) if identity.may(me, "cases.process") else [],
        claims=identity.may(me, "evidence.open") and await consent.openings.waits_for(me.id),
    )


async def _deaf() -> list[consent.standings.Fares]:
    """The systems that do not take what they are told; their own page says it when their list cannot be read."""
    try:
        return [each for each in await consent.standings.fares() if each.in_trouble]
    except connectors.Misconfigured:
        return []


def prospect(seen: cases.forecast.Forecast) -> tuple[str, str]:
    """What will be late at today's pace, and how we know; empty when nothing is open."""
    if not seen.open:
        return "", ""
    answers, late = seen.pace.answers, seen.late
    known = {"answers": answers, "days": seen.pace.days, "open": seen.open, "late": late}
    if late is None:
        few = ngettext(
            "%(answers)d request was answered in the last %(days)d working days: too few to say what will be late.",
            "%(answers)d requests were answered in the last %(days)d working days: too few to say what will be late.",
            answers,
        )
        return few % known, ""
    said = _("At today's pace none of the open requests will be late.")
    if late:
        said = ngettext(
            "At today's pace %(late)d of the %(open)d open requests will be late.",
            "At today's pace %(late)d of the %(open)d open requests will be late.",
            late,
        )
    why = _("We answered %(answers)d in the last %(days)d working days. This counts on going on like that, the next due first.")
    return said % known, why % known


def case_line(each: cases.Line) -> dict[str, object]:
    """What a row of the queue shows."""
    state, state_kind = state_pill(each.state, each.outcome)
    due, due_kind = due_pill(each.days_left, each.state, date_text(each.due_on))
    return {
        "id": each.id,
        "right": right_name(each.right),
        "law": each.law.upper(),
        "state": (state, state_kind),
        "due": (due, due_kind, each.due_on.isoformat()),
        "received": date_text(each.received_at),
        "flags": each.flags,
        "waiting": each.waiting,
        "found": each.rows,
        "systems": each.systems,
        "look": each.needs_opening,
        "stands": each.state,
        "place": each.place,
    }


routes = [get("/admin", show, guard=officer("today.see"))]
