"""The officers' work on requests: the queue, and one page that takes a case from its arrival to the person's hands.

Every unsafe handler is the same: find the case, read the form, one verb of the room, back to the page.
"""

from collections.abc import Awaitable, Callable, Mapping
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import cases, identity, subjects
from portal.admin.asker import asker_of
from portal.admin.case_answer import context as answer_context
from portal.admin.case_answer import redaction_reasons
from portal.admin.case_proof import context as proof_context
from portal.admin.case_proof import require_ground
from portal.admin.menu import desk
from portal.admin.words import action_name, due_pill, right_name, state_pill, step_name, why_name
from portal.cases import Case
from portal.lib.errors import Invalid, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _, date_text

NOTES, STEPS = 20, 30  # at a time on a case's page
ROWS, ROWS_ALONE = 20, 100  # of each table among the findings; of one table alone
JOURNEY = ("received", "verifying", "triage", "collecting", "reviewing", "approving", "fulfilling", "delivering", "closed")


async def show_case(request: Request) -> Response:
    return await _case_page(request, await cases.case(request.path_params["case"]))


async def show_findings(request: Request) -> Response:
    """What was found, for an officer's eyes. The look is recorded and the person sees it."""
    return await _findings_page(request)


async def start(request: Request) -> Response:
    """Ask every connected system what it holds; from the review: ask again."""
    await cases.collect(request.path_params["case"], officer=request.state.officer.id)
    return back(request)


async def try_again(request: Request) -> Response:
    """Ask the systems that have not answered once more, now."""
    case = await cases.case(request.path_params["case"])
    if case.state == "fulfilling":
        await cases.execute(case.id, officer=request.state.officer.id)
        return back(request)
    for each in case.systems:
        if each.state != "answered":
            await cases.ask_now(each.task, officer=request.state.officer.id)
    return back(request)


async def look_again(request: Request) -> Response:
    await cases.look_again(request.path_params["case"], officer=request.state.officer.id)
    return back(request)


async def redact(request: Request) -> Response:
    fields = await form(request)
    case_id, me = request.path_params["case"], request.state.officer.id
    place = (case_id, fields.get("finding", ""), _number(fields.get("row", "")), fields.get("field", ""))
    if fields.get("do") == "put back":
        await cases.unredact(*place, officer=me)
    else:
        await cases.redact(*place, reason=fields.get("reason", ""), officer=me)
    place_on_page = {name: fields[name] for name in ("table", "from") if fields.get(name)}
    return RedirectResponse(f"/admin/cases/{case_id}/findings" + (f"?{urlencode(place_on_page)}" if place_on_page else ""), 303)


async def decide_correction(request: Request) -> Response:
    fields = await form(request)
    case_id = request.path_params["case"]
    accepted, why = fields.get("do") == "accept", fields.get("why", "")
    rows = [name.removeprefix("row-") for name in fields if name.startswith("row-")]
    try:
        await cases.decide_correction(
            case_id, fields.get("field", ""), accepted, why=why, rows=rows, officer=request.state.officer.id
        )
    except Invalid as problem:
        return await _findings_page(request, problem)
    return RedirectResponse(f"/admin/cases/{case_id}/findings", 303)


async def propose(request: Request) -> Response:
    fields = await form(request)
    return await or_say_why(request, lambda: _propose(request.path_params["case"], fields, request.state.officer.id))


async def _propose(case_id: str, fields: dict[str, str], me: str) -> None:
    answer, reasons, ground = fields.get("answer", ""), fields.get("reasons", ""), require_ground(fields)
    await cases.propose(case_id, answer=answer, reasons=reasons, ground=ground, officer=me)


async def approve(request: Request) -> Response:
    fields = await form(request)
    return await or_say_why(request, lambda: _approve(request.path_params["case"], fields, request.state.officer.id))


async def _approve(case_id: str, fields: dict[str, str], me: str) -> None:
    try:
        await cases.approve(case_id, fields.get("digest", ""), why=fields.get("alone-why", ""), officer=me)
    except Invalid as problem:
        raise _named("alone", problem) from problem


async def send_back(request: Request) -> Response:
    why = (await form(request)).get("why", "")
    return await or_say_why(
        request, lambda: cases.send_back(request.path_params["case"], why=why, officer=request.state.officer.id)
    )


async def close(request: Request) -> Response:
    await cases.close(request.path_params["case"], (await form(request)).get("outcome", ""), officer=request.state.officer.id)
    return back(request)


async def add_note(request: Request) -> Response:
    text = (await form(request)).get("text", "")
    return await or_say_why(request, lambda: cases.add_note(request.path_params["case"], text, officer=request.state.officer.id))


async def hold(request: Request) -> Response:
    fields = await form(request)
    if fields.get("lift"):
        words, me = fields.get("lift-words", ""), request.state.officer.id
        return await or_say_why(request, lambda: cases.lift(fields["lift"], words=words, officer=me))
    return await or_say_why(request, lambda: _hold(request, fields.get("kind", ""), fields.get("hold-why", "")))


async def _hold(request: Request, kind: str, why: str) -> None:
    try:
        await cases.hold(request.path_params["case"], kind, why, officer=request.state.officer.id)
    except Invalid as problem:
        raise _named("hold", problem) from problem


def _named(form: str, problem: Invalid) -> Invalid:
    """The same fault, of fields as they are called in that form of the page."""
    return Invalid(problem.sentence, {f"{form}-{name}": fault for name, fault in problem.fields.items()})


async def make_paper_again(request: Request) -> Response:
    await cases.papers.make_again(request.path_params["case"], (await form(request)).get("paper", ""))
    return back(request)


async def proof(request: Request) -> Response:
    """The evidence file of a closed case."""
    return await _paper(request, "proof")


async def certificate(request: Request) -> Response:
    """What the person got after their deletion."""
    return await _paper(request, "certificate")


async def _paper(request: Request, kind: str) -> Response:
    opened = await cases.paper_of(request.path_params["case"], kind, officer=request.state.officer.id)
    headers = {"content-disposition": f'attachment; filename="{opened.name}"', "content-length": str(opened.size)}
    return StreamingResponse(opened.content, media_type="application/pdf", headers=headers)


async def or_say_why(request: Request, act: Callable[[], Awaitable[object]]) -> Response:
    """Act and go back to the case; when a field is not right, the same page says which."""
    try:
        await act()
    except Invalid as problem:
        return await _case_page(request, await cases.case(request.path_params["case"]), problem, await form(request))
    return back(request)


async def _findings_page(request: Request, problem: Invalid | None = None) -> Response:
    found = await cases.review(request.path_params["case"], officer=request.state.officer.id)
    only, start = request.query_params.get("table", ""), _number(request.query_params.get("from") or "0")
    if only:
        found = [each for each in found if each.id == only]
    case = await cases.case(request.path_params["case"])
    systems = [(name, list(tables)) for name, tables in groupby(found, key=lambda each: each.system)]
    labels = {each.system: each.label for each in case.systems}
    corrections = await cases.corrections(case.id)
    if only and not found:
        raise NotFound(_("There is no such table among the findings."))
    if only:
        start = min(start, max(len(found[0].rows) - 1, 0))
    return desk(
        request,
        "admin/findings.html",
        422 if problem else 200,
        case=case,
        systems=systems,
        labels=labels,
        corrections=[] if only else corrections,
        only=only,
        start=start if only else 0,
        size=ROWS_ALONE if only else ROWS,
        right=right_name(case.right),
        action_name=action_name,
        why_name=why_name,
        reasons=redaction_reasons(),
        sentence=problem.sentence if problem else "",
    )


async def _case_page(
    request: Request, case: Case, problem: Invalid | None = None, given: Mapping[str, str] | None = None
) -> Response:
    sees_data = identity.may(request.state.officer, "data.see")
    if sees_data:
        await cases.looks.opened(case.id, officer=request.state.officer.id)
    proven = [await subjects.get(each) for each in case.proven]
    values = await subjects.values_of(proven)
    asked = request.query_params
    notes = await cases.notes(case.id, before=asked.get("notes") or None, limit=NOTES + 1)
    steps = await cases.timeline(case.id, before=asked.get("steps") or None, limit=STEPS + 1)
    now = JOURNEY.index(case.state)
    line = [(state_pill(each, case.outcome)[0], "", _place(index, now)) for index, each in enumerate(JOURNEY)]
    return desk(
        request,
        "admin/case.html",
        422 if problem else 200,
        case=case,
        right=right_name(case.right),
        state=state_pill(case.state, case.outcome),
        due=due_pill(case.days_left, case.state, date_text(case.due_on)),
        legal=await cases.clocks.of(case.id),
        colleagues=await cases.colleagues.waiting(case.id),
        recipients=await cases.recipients.of(case.id),
        journey=line,
        address=case.address if sees_data else subjects.mask("email", case.address),
        proven=[subjects.mask(each.kind, values[each.id] or "") for each in proven],
        talk=await cases.conversation.standing(case.id),
        told_later=await cases.silence.standing(case.id) is not None,
        asker=await asker_of(case),
        frozen=await cases.frozen(case.id) if case.state == "approving" and sees_data else None,
        notes=notes[:NOTES],
        older_notes=_from_here(request, "notes", notes[NOTES - 1].id) if len(notes) > NOTES else "",
        steps=steps[:STEPS],
        older_steps=_from_here(request, "steps", steps[STEPS - 1].entry) if len(steps) > STEPS else "",
        newest=not (asked.get("notes") or asked.get("steps")),
        step_name=step_name,
        action_name=action_name,
        why_name=why_name,
        wrong=problem.fields if problem else {},
        given=given or {},
        sentence=problem.sentence if problem else "",
        **await answer_context(case, request.state.officer),
        **await proof_context(case, request.state.officer),
    )


def _from_here(request: Request, name: str, last: str) -> str:
    """The same page with one of its lists further back."""
    return "?" + urlencode({each: request.query_params.get(each, "") for each in ("notes", "steps")} | {name: last})


def _place(index: int, now: int) -> str:
    return "past" if index < now else "now" if index == now else "later"


def back(request: Request) -> Response:
    return RedirectResponse(f"/admin/cases/{request.path_params['case']}", 303)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Invalid(_("There is no such row among the findings."))
    return int(text)


processing, approving, seeing = officer("cases.process"), officer("cases.approve"), officer("data.see")
routes = [
    get("/admin/cases/{case}", show_case, guard=officer("cases.see")),
    get("/admin/cases/{case}/findings", show_findings, guard=seeing),
    get("/admin/cases/{case}/proof", proof, guard=officer("cases.see")),
    get("/admin/cases/{case}/certificate", certificate, guard=officer("cases.see")),
    post("/admin/cases/{case}/start", start, guard=processing),
    post("/admin/cases/{case}/retry", try_again, guard=processing),
    post("/admin/cases/{case}/search", look_again, guard=processing),
    post("/admin/cases/{case}/redactions", redact, guard=processing),
    post("/admin/cases/{case}/corrections", decide_correction, guard=processing),
    post("/admin/cases/{case}/proposal", propose, guard=processing),
    post("/admin/cases/{case}/approval", approve, guard=approving),
    post("/admin/cases/{case}/objection", send_back, guard=approving),
    post("/admin/cases/{case}/closing", close, guard=processing),
    post("/admin/cases/{case}/papers", make_paper_again, guard=processing),
    post("/admin/cases/{case}/notes", add_note, guard=processing),
    post("/admin/cases/{case}/holds", hold, guard=processing),
]
