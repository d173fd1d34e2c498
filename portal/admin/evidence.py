"""What is kept of erased people: the list of claims, one claim with its second person, and what two have opened to read.

Erased people have no address any more, so one is found by what is left: the request that was their deletion, an entry of the
record, or a proof that they kept themselves (GDPR Art. 17(3)(e)).
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, cases, consent, identity, subjects
from portal.admin.menu import desk
from portal.admin.step_up import is_due, kept, step_up
from portal.consent import openings, proof_words
from portal.lib.errors import Invalid, NotAllowed, NotFound, Refusal
from portal.pages import form, get, officer, post
from portal.paper import _

PAGE = 50
PROOF = "c2sp.org/tlog-proof"


async def show(request: Request) -> Response:
    found = await openings.openings(before=request.query_params.get("before") or None, limit=PAGE)
    older = f"?before={found[-1].id}" if len(found) == PAGE else ""
    words = {"kind_name": kind_name, "state_pill": state_pill, "called": await _names()}
    return desk(request, "admin/evidence.html", openings=found, older=older, **words)


async def new(request: Request) -> Response:
    return _form(request, {"about": request.query_params.get("about", "")}, None)


async def ask(request: Request) -> Response:
    given = await form(request)
    try:
        opening = await openings.ask(await _person(given.get("about", "")), _claim(given), officer=request.state.officer.id)
    except Refusal as problem:
        return _form(request, given, problem)
    return RedirectResponse(f"/admin/evidence/{opening}", 303)


async def show_one(request: Request) -> Response:
    return await _page(request)


async def change(request: Request) -> Response:
    given = await form(request)
    try:
        await openings.change(request.path_params["opening"], _claim(given), officer=request.state.officer.id)
    except Invalid as problem:
        return await _page(request, problem, given)
    return _back(request)


async def withdraw(request: Request) -> Response:
    await openings.withdraw(request.path_params["opening"], officer=request.state.officer.id)
    return _back(request)


async def approve(request: Request) -> Response:
    """Agree to exactly the words on the screen, with a fresh second factor."""
    given = await form(request)
    try:
        await step_up(request, given.get("code", ""))
    except NotAllowed as problem:
        return await _page(request, Invalid(problem.sentence, {"code": problem.sentence}), given, problem.status)
    try:
        await openings.approve(request.path_params["opening"], given.get("digest", ""), officer=request.state.officer.id)
    except Refusal as problem:
        return kept(request, await _page(request, Invalid(problem.sentence), given, problem.status))
    return kept(request, _back(request))


async def refuse(request: Request) -> Response:
    given = await form(request)
    try:
        await openings.refuse(request.path_params["opening"], given.get("why", ""), officer=request.state.officer.id)
    except Invalid as problem:
        return await _page(request, problem, given)
    return _back(request)


async def read(request: Request) -> Response:
    """Only for the two, and only while it is open. The look is recorded before anything is opened."""
    asked = request.query_params.get("before", "")[:36]  # as long as a number can be
    found = await consent.opened.read(request.path_params["opening"], officer=request.state.officer.id, before=asked, limit=PAGE)
    shown = [
        (
            each,
            await proof_words.heading(each.entry, each.payload),
            proof_words.facts(each.payload),
            proof_words.rest(each.payload),
            await proof_words.text(each.payload),
            proof_words.actors().get(each.entry.actor.partition(":")[0], each.entry.actor),
        )
        for each in found.kept
    ]
    older = f"?before={found.older}" if found.older else ""
    return desk(request, "admin/evidence-read.html", opening=found.opening, shown=shown, older=older)


async def proof(request: Request) -> Response:
    """The receipt of one entry, for a court."""
    entry = request.path_params["entry"]
    receipt = await consent.opened.proof(request.path_params["opening"], entry, officer=request.state.officer.id)
    headers = {"content-disposition": f'attachment; filename="proof-{entry[:8]}.txt"'}
    return Response(receipt, media_type="text/plain", headers=headers)


def kind_name(kind: str) -> str:
    return {
        "against us": _("Somebody claims something from us"),
        "of ours": _("We claim something"),
        "authority": _("An authority or a court orders it"),
    }[kind]


def state_pill(state: str) -> tuple[str, str]:
    return {
        openings.WAITING: (_("Waits for a second person"), "waiting"),
        openings.OPEN: (_("Open"), "working"),
        openings.OVER: (_("Closed again"), "shut"),
        openings.REFUSED: (_("Refused"), "shut"),
        openings.WITHDRAWN: (_("Taken back"), "shut"),
    }[state]


async def _person(about: str) -> str:
    """Whose record a request, an entry or a proof is about; raises Invalid saying what does not lead to anybody."""
    if len(about) <= 36 and await subjects.evidence.closed(about):
        return about
    try:
        entry = await audit.entry(await _entry_in(about))
        if entry is not None and entry.case is None and entry.subject is not None:
            return entry.subject
        case = await cases.case(entry.case if entry is not None and entry.case else await _case_named(about))
    except NotFound as problem:
        raise Invalid(problem.sentence, {"about": _("This leads to nobody whose data was deleted.")}) from problem
    if case.subject is None:
        raise Invalid(_("We held nothing about who made this request."), {"about": _("This leads to nobody.")})
    return case.subject


async def _entry_in(about: str) -> str:
    """The number of the entry: as typed, or out of a proof, which has to be one of ours."""
    if not about.startswith(PROOF):
        return about
    receipt = "\n".join(about.splitlines()) + "\n"  # a browser sends other line ends, and the end of a field is trimmed
    report = audit.verify_receipt(receipt, await audit.log_keys())
    if not report.ok or report.statement is None:
        raise Invalid(_("This proof is not right."), {"about": " ".join(report.problems)})
    return str(report.statement["id"])


async def _case_named(about: str) -> str:
    """Officers know a request by its number, the person by the address of its page."""
    last = about.rstrip("/").rpartition("/")[2]
    try:
        return (await cases.status_for_person(last)).id
    except NotFound:
        return last[:36]  # as long as a number can be


def _claim(given: Mapping[str, str]) -> openings.Claim:
    return openings.Claim(given.get("kind", ""), given.get("reference", ""), given.get("reason", ""))


def _form(request: Request, given: Mapping[str, str], problem: Refusal | None) -> Response:
    status, sentence = (problem.status, problem.sentence) if problem else (200, "")
    wrong = problem.fields if isinstance(problem, Invalid) else {}
    return desk(request, "admin/evidence-new.html", status, given=given, wrong=wrong, sentence=sentence, kinds=_kinds())


async def _page(
    request: Request, problem: Invalid | None = None, given: Mapping[str, str] | None = None, status: int = 422
) -> Response:
    opening = await openings.opening(request.path_params["opening"])
    claim = opening.claim
    as_stated = {"kind": claim.kind, "reference": claim.reference, "reason": claim.reason} if claim else {}
    me = await identity.person_of(request.state.officer.id)
    return desk(
        request,
        "admin/evidence-one.html",
        status if problem else 200,
        opening=opening,
        closed=await subjects.evidence.closed(opening.subject),
        mine=me == opening.asked_person,
        reads=opening.state == openings.OPEN and me in (opening.asked_person, opening.decided_person),
        due=is_due(request),
        given=given if given and "reference" in given else as_stated,
        why=(given or {}).get("why", ""),
        wrong=problem.fields if problem else {},
        sentence=problem.sentence if problem else "",
        kinds=_kinds(),
        kind_name=kind_name,
        state_pill=state_pill,
        called=await _names(),
    )


def _kinds() -> list[tuple[str, str, str]]:
    return [(each, kind_name(each), "") for each in openings.KINDS]


async def _names() -> dict[str | None, str]:
    return {f"officer:{each.id}": each.name for each in await identity.officers()}


def _back(request: Request) -> Response:
    return RedirectResponse(f"/admin/evidence/{request.path_params['opening']}", 303)


seeing, asking, opening_up = officer("evidence.see"), officer("evidence.ask"), officer("evidence.open")
routes = [
    get("/admin/evidence", show, guard=seeing),
    post("/admin/evidence", ask, guard=asking),
    get("/admin/evidence/new", new, guard=asking),
    get("/admin/evidence/{opening}", show_one, guard=seeing),
    post("/admin/evidence/{opening}/claim", change, guard=asking),
    post("/admin/evidence/{opening}/withdrawal", withdraw, guard=opening_up),
    post("/admin/evidence/{opening}/approval", approve, guard=opening_up),
    post("/admin/evidence/{opening}/refusal", refuse, guard=opening_up),
    get("/admin/evidence/{opening}/entries", read, guard=opening_up),
    get("/admin/evidence/{opening}/entries/{entry}", proof, guard=opening_up),
]
