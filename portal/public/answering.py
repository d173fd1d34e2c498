"""Where the link of a question leads: a colleague or a service provider answers for a system by hand, without an account.

One page, one answer. The link proves nobody's identity and opens nothing else; no cookie is looked at, so there is nothing that
another site could make use of. Programs (curl) get the same question as text or JSON, and send the same form.
"""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from portal import cases, connectors, settings
from portal.lib.errors import Invalid
from portal.pages import LONGEST_FIELD, form, get, page, post
from portal.paper import _, address, moment_text, render

FIELDS = 150


async def show(request: Request) -> Response:
    return await _answer(request, request.state.asked)


async def take(request: Request) -> Response:
    asked = request.state.asked
    given: Mapping[str, str] = {}
    try:
        given, file = await _filled_in(request)
        await cases.colleagues.answer(request.path_params["token"], given, file)
    except Invalid as problem:
        return await _answer(request, asked, problem, given)
    if _kind(request) == "html":
        return RedirectResponse(request.url.path, 303)
    return await _answer(request, await cases.colleagues.asked(request.path_params["token"]))


async def linked(request: Request) -> None:
    """Guard: the link is one of ours and has not ended. Nothing of a body is read before."""
    request.state.customer = None
    request.state.asked = await cases.colleagues.asked(request.path_params["token"])
    if request.method == "POST" and not request.state.asked.wanted:
        raise cases.colleagues.too_late()


async def _filled_in(request: Request) -> tuple[dict[str, str], connectors.person.HandedIn | None]:
    """The fields, and the file if there is one."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await form(request), None
    try:
        given = await MultiPartParser(
            request.headers, request.stream(), max_files=1, max_fields=FIELDS, max_part_size=LONGEST_FIELD
        ).parse()
    except MultiPartException as problem:
        raise Invalid(
            _("This form is larger than we can take, or it broke off."), {"file": _("Please send it again.")}
        ) from problem
    try:
        file = next((each for each in given.values() if isinstance(each, UploadFile) and each.filename), None)
        handed_in = connectors.person.HandedIn(file.filename or "", await file.read()) if file else None
        return {name: each.strip() for name, each in given.items() if isinstance(each, str)}, handed_in
    finally:
        await given.close()


async def _answer(
    request: Request, asked: cases.colleagues.Asked, problem: Invalid | None = None, given: Mapping[str, str] | None = None
) -> Response:
    status = 422 if problem else 200
    context = _context(request, asked, problem, given or {})
    kind = _kind(request)
    if kind == "html":
        response: Response = page(request, "public/answer.html", status, **context)
    elif kind == "json":
        response = JSONResponse(_as_json(context), status)
    else:
        response = PlainTextResponse(render("public/answer.txt", **context), status)
    response.headers["referrer-policy"] = "no-referrer"
    return response


def _context(
    request: Request, asked: cases.colleagues.Asked, problem: Invalid | None, given: Mapping[str, str]
) -> dict[str, Any]:
    question = asked.question
    again = "again" in request.query_params or problem is not None
    return {
        "title": asked.title,
        "asks": asked.asks,
        "verb": question.verb,
        "question": question,
        "open": asked.wanted and (not question.is_answered or again),
        "wanted": asked.wanted,
        "action": request.url.path,
        "link": address(request.url.path),
        "hows": connectors.person.HOWS[question.verb],
        "largest": settings.get().files_limit // 1_000_000,
        "sentence": problem.sentence if problem else "",
        "wrong": problem.fields if problem else {},
        "given": given,
    }


def _as_json(context: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked, as the page says it; after the answer nothing of the person is repeated."""
    question = context["question"]
    told: dict[str, Any] = {
        "system": context["title"],
        "question": context["verb"],
        "until": question.due_on.isoformat(),
        "answered_at": moment_text(question.answered_at) if question.answered_at else None,
        "can_be_answered": context["wanted"],
        "problem": {"detail": context["sentence"], "fields": context["wrong"]} if context["sentence"] else None,
    }
    if context["open"]:
        told |= {"asked": question.asked, "answers": list(context["hows"])}
    return told


def _kind(request: Request) -> str:
    accepted = request.headers.get("accept", "")
    return "html" if "text/html" in accepted else "json" if "application/json" in accepted else "text"


routes = [
    get("/answer/{token}", show, guard=linked),
    post("/answer/{token}", take, guard=linked),
]
