"""An officer's first page: what is late, what is due, what waits for me, and what does not work."""

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, cases, connectors, consent, identity, jobs
from portal.admin.menu import desk
from portal.admin.words import due_pill, right_name, state_pill
from portal.pages import get, officer
from portal.paper import date_text


async def show(request: Request) -> Response:
    me = request.state.officer
    approving = await cases.queue({"state": "approving"}, limit=10) if identity.may(me, "cases.approve") else []
    return desk(
        request,
        "admin/today.html",
        figures=await cases.figures(),
        soonest=[case_line(each) for each in await cases.queue(limit=10)],
        approving=[case_line(each) for each in approving],
        stuck=await jobs.failed(10),
        deaf=await _deaf(),
        unsigned=await audit.unsigned_since(),
        claims=identity.may(me, "evidence.open") and await consent.openings.waits_for(me.id),
    )


async def _deaf() -> list[consent.standings.Fares]:
    """The systems that do not take what they are told; their own page says it when their list cannot be read."""
    try:
        return [each for each in await consent.standings.fares() if each.in_trouble]
    except connectors.Misconfigured:
        return []


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
        "place": each.place,
    }


routes = [get("/admin", show, guard=officer("today.see"))]
