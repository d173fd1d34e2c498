"""Messages of a request on the officers' side: the thread, an answer from a text to start from, files, and looks told later.

Reading the thread is a look at the person's data: it is recorded, and the person sees it (C-579/21).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import cases, identity
from portal.admin.menu import desk
from portal.admin.words import right_name
from portal.lib.errors import Invalid, Refusal
from portal.pages import form, get, officer, post
from portal.paper import _


async def show(request: Request) -> Response:
    """`?start=key`: with that text in the box."""
    wanted = request.query_params.get("start", "")
    texts = {each.key: each.text for each in await cases.conversation.starts(request.path_params["case"])}
    return await _page(request, {"text": texts.get(wanted, ""), "start": wanted})


async def send(request: Request) -> Response:
    """Look at it as the person will read it, send it, or say that nothing needs an answer."""
    given = await form(request)
    case_id, me = request.path_params["case"], request.state.officer.id
    try:
        if given.get("do") == "preview":
            return await _page(request, given, preview=given.get("text", ""))
        if given.get("do") == "settle":
            await cases.conversation.needs_no_answer(case_id, officer=me)
        else:
            await cases.conversation.write(case_id, given.get("text", ""), officer=me, kind=given.get("kind", "message"))
    except Refusal as problem:
        return await _page(request, given, problem=problem)
    return RedirectResponse(f"/admin/cases/{case_id}/messages", 303)


async def file(request: Request) -> Response:
    """Only ever to the officer's disk: no browser of ours opens what a stranger sent."""
    opened = await cases.conversation.file(
        request.path_params["case"], request.path_params["file"], officer=request.state.officer.id
    )
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in opened.name)
    headers = {
        "content-disposition": f'attachment; filename="{safe}"',
        "content-length": str(opened.size),
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    return StreamingResponse(opened.content, media_type="application/octet-stream", headers=headers)


async def show_silence(request: Request) -> Response:
    return await _silence_page(request, {}, None)


async def withhold(request: Request) -> Response:
    """Counsel: the person is told later who looked; or, with `do=end`, now."""
    given, case_id, me = await form(request), request.path_params["case"], request.state.officer.id
    try:
        if given.get("do") == "end":
            await cases.silence.tell_again(case_id, officer=me)
        else:
            await cases.silence.withhold(
                case_id, given.get("silence-law", ""), given.get("silence-why", ""), _day(given), officer=me
            )
    except Refusal as problem:
        return await _silence_page(request, given, problem)
    return RedirectResponse(f"/admin/cases/{case_id}/silence", 303)


async def _page(request: Request, given: Mapping[str, str], *, preview: str = "", problem: Refusal | None = None) -> Response:
    case = await cases.case(request.path_params["case"])
    talk = await cases.conversation.standing(case.id)
    starts = await cases.conversation.starts(case.id) if identity.may(request.state.officer, "cases.process") else []
    said = await cases.conversation.read_by(case.id, officer=request.state.officer.id)
    return desk(
        request,
        "admin/messages.html",
        problem.status if problem else 200,
        case=case,
        right=right_name(case.right),
        talk=talk,
        said=[(each, _writer(each)) for each in said],
        starts=[("", _("An empty page")), *((each.key, each.title) for each in starts)],
        preview=preview,
        **_told(given, problem),
    )


async def _silence_page(request: Request, given: Mapping[str, str], problem: Refusal | None) -> Response:
    case = await cases.case(request.path_params["case"])
    stands = await cases.silence.standing(case.id)
    status = problem.status if problem else 200
    context = {"case": case, "right": right_name(case.right), "stands": stands}
    return desk(request, "admin/silence.html", status, **context, **_told(given, problem))


def _told(given: Mapping[str, str], problem: Refusal | None) -> dict[str, Any]:
    wrong = problem.fields if isinstance(problem, Invalid) else {}
    return {"given": given, "wrong": wrong, "sentence": problem.sentence if problem else ""}


def _writer(said: cases.conversation.Said) -> str:
    if said.side == "person":
        return _("Came by mail, the sender is not proven") if said.source == "mail" else _("The person, signed in")
    return identity.role_name(said.role) if said.role else _("A colleague")


def _day(given: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(given.get("silence-until", ""))
    except ValueError as problem:
        told = _("Please choose a day within the next six months.")
        raise Invalid(told, {"silence-until": told}) from problem


seeing, withholding = officer("data.see"), officer("looks.withhold")
routes = [
    get("/admin/cases/{case}/messages", show, guard=seeing),
    post("/admin/cases/{case}/messages", send, guard=officer("cases.process")),
    get("/admin/cases/{case}/messages/{file}", file, guard=seeing),
    get("/admin/cases/{case}/silence", show_silence, guard=withholding),
    post("/admin/cases/{case}/silence", withhold, guard=withholding),
]
