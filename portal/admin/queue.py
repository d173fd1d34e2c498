"""The officers' queue: filtered, saved under a name, as a file, and the next step of several requests at once.

Works by boxes and buttons; static/js/keys.js adds keys, as its own help (?) says.
"""

import math
import re
from collections.abc import AsyncIterator
from datetime import date
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import cases, identity
from portal.admin.menu import desk
from portal.admin.today import case_line, prospect
from portal.admin.words import right_name, state_pill
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.pages import form, get, officer, post
from portal.paper import _

PAGE = 50
LOOK_EACH = 2  # seconds between two looks at a bulk that is under way
STATES = ("verifying", "triage", "collecting", "reviewing", "approving", "fulfilling", "delivering")


async def show_queue(request: Request) -> Response:
    return await _page(request)


async def _page(request: Request, problem: Invalid | None = None, title: str = "") -> Response:
    me, filters = request.state.officer, _filters(request)
    found = await cases.queue(_meant(request, filters), after=request.query_params.get("after") or None, limit=PAGE)
    return desk(
        request,
        "admin/queue.html",
        422 if problem else 200,
        lines=[case_line(each) for each in found],
        filters=filters,
        options=await _options(request),
        query=urlencode(filters),
        older=f"?{urlencode(filters | {'after': found[-1].place})}" if len(found) == PAGE else "",
        saved=await cases.filters.saved_by(me.id),
        prospect=prospect(await cases.forecast.outlook()),
        once=ids.secret(128),
        title=title,
        sentence=problem.sentence if problem else "",
        wrong=problem.fields if problem else {},
    )


async def download(request: Request) -> Response:
    """The filtered queue as a file, without anything about a person."""
    wanted = _meant(request, _filters(request))
    await cases.queue(wanted, limit=1)  # what is wrong with the filter is said before the file begins
    name = f"requests-{clock.now():%Y-%m-%d}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_file(wanted), media_type="text/csv; charset=utf-8", headers=headers)


async def _file(wanted: dict[str, str]) -> AsyncIterator[bytes]:
    heads = [_("Request"), _("Asks for"), _("Who asks"), _("Stands at"), _("Due"), _("Days left"), _("Received"), _("Law")]
    yield b"\xef\xbb\xbf" + cases.csv_line([*heads, _("Rows found"), _("Systems that have not answered")])
    async for page in cases.filters.every(wanted):
        yield b"".join(cases.csv_line(_cells(each)) for each in page)


def _cells(each: cases.Line) -> list[str]:
    days_left = "" if each.answered else str(each.days_left)
    stands = state_pill(each.state, each.outcome)[0]
    due, received = each.due_on.isoformat(), each.received_at.date().isoformat()
    found = [str(each.rows), str(each.waiting)]
    return [each.id, right_name(each.right), asker(each.requester), stands, due, days_left, received, each.law, *found]


async def save_filter(request: Request) -> Response:
    title, filters = (await form(request)).get("title", ""), _filters(request)
    try:
        await cases.filters.save(title, filters, officer=request.state.officer.id)
    except Invalid as problem:
        return await _page(request, problem, title)
    return RedirectResponse(f"/admin/cases?{urlencode(filters)}", 303)


async def remove_filter(request: Request) -> Response:
    await cases.filters.take_away(request.path_params["filter"], officer=request.state.officer.id)
    return RedirectResponse("/admin/cases", 303)


async def start_bulk(request: Request) -> Response:
    """The next step of all that are ticked; each says where it stood when it was ticked."""
    fields = await form(request)
    picks = [(name.removeprefix("case-"), state) for name, state in fields.items() if name.startswith("case-")]
    try:
        bulk = await cases.bulk.start(picks, officer=request.state.officer.id, once=fields.get("once", ""))
    except Invalid as problem:
        return await _page(request, problem)
    return RedirectResponse(f"/admin/bulk/{bulk}", 303)


async def show_bulk(request: Request) -> Response:
    """The page, and its own refresh while something is under way."""
    bulk = await cases.bulk.look(request.path_params["bulk"])
    left = 0 if bulk.undo_until is None else math.ceil((bulk.undo_until - clock.now()).total_seconds())
    template = "admin/_bulk.html" if "hx-request" in request.headers else "admin/bulk.html"
    return desk(
        request,
        template,
        bulk=bulk,
        items=[(each, right_name(each.right), state_pill(each.stands, each.ended)) for each in bulk.items],
        mine=bulk.officer == request.state.officer.id,
        seconds=max(left, 0),
        again=max(LOOK_EACH, left + 1) if bulk.busy else 0,
    )


async def undo_bulk(request: Request) -> Response:
    await cases.bulk.undo(request.path_params["bulk"], officer=request.state.officer.id)
    return RedirectResponse(f"/admin/bulk/{request.path_params['bulk']}", 303)


def asker(requester: str) -> str:
    return {
        "me": _("The person"),
        "agent": _("Somebody they authorised"),
        "child": _("A parent"),
        "guardian": _("A guardian"),
        "deceased": _("Family of somebody who died"),
        "company": _("Nobody: opened by the company"),
    }.get(requester, requester)


async def _options(request: Request) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen in the filter's form."""
    me = request.state.officer
    others = [each for each in await identity.officers() if each.id != me.id and identity.may(each, "cases.process")]
    return {
        "state": [(each, state_pill(each)[0]) for each in STATES],
        "right": [(each, right_name(each)) for each in await cases.filters.in_use("right_name")],
        "requester": [(each, asker(each)) for each in await cases.filters.in_use("requester")],
        "law": [(each, each.upper()) for each in await cases.filters.in_use("law")],
        "officer": [(me.id, _("Me")), *((each.id, each.name) for each in others)],
    }


def _filters(request: Request) -> dict[str, str]:
    """The filter as the address has it; nothing but what the queue knows."""
    asked = request.query_params
    filters = {name: asked[name] for name in cases.filters.NAMES if asked.get(name)}
    if not _is_day(filters.get("due_before", "2026-01-01")):
        raise Invalid(_("Please give a day."))
    return filters


def _meant(request: Request, filters: dict[str, str]) -> dict[str, str]:
    """The same for the queue: in an address "my turn" means whoever reads it."""
    return filters | ({"waits_for": request.state.officer.id} if "waits_for" in filters else {})


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


seeing, processing = officer("cases.see"), officer("cases.process")
routes = [
    get("/admin/cases", show_queue, guard=seeing),
    get("/admin/cases.csv", download, guard=seeing),
    post("/admin/filters", save_filter, guard=processing),
    post("/admin/filters/{filter}/removal", remove_filter, guard=processing),
    post("/admin/bulk", start_bulk, guard=processing),
    get("/admin/bulk/{bulk}", show_bulk, guard=processing),
    post("/admin/bulk/{bulk}/undo", undo_bulk, guard=processing),
]
