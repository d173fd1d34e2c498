"""E-mails that a person has to read: what named no right, could not be read, or came from a machine.

What is attached leaves only as a part of the whole message, as a file that no browser opens, after a fresh code.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import cases
from portal.admin.menu import desk
from portal.admin.step_up import is_due, kept, step_up
from portal.lib.errors import Conflict, NotAllowed, TooMany
from portal.pages import form, get, officer, post
from portal.paper import _

HEADERS = {"content-disposition": 'attachment; filename="message.eml"', "x-content-type-options": "nosniff"}


async def show_all(request: Request) -> Response:
    automatic = request.query_params.get("from") == "machines"
    mails = await cases.letterbox.waiting(automatic=automatic)
    return desk(request, "admin/mail.html", mails=mails, automatic=automatic, why=reasons())


async def show_one(request: Request) -> Response:
    return await _page(request, {})


async def fetch(request: Request) -> Response:
    """The whole message; a dangerous file may be in it, so it takes a fresh code."""
    fields = await form(request)
    try:
        await step_up(request, fields.get("code", ""))
    except (NotAllowed, Conflict, TooMany) as problem:
        return await _page(request, {"code": problem.sentence}, problem.status)
    content = await cases.letterbox.file(request.path_params["mail"], officer=request.state.officer.id)
    return kept(request, StreamingResponse(content, media_type="application/octet-stream", headers=HEADERS))


async def done(request: Request) -> Response:
    await cases.letterbox.done(request.path_params["mail"], officer=request.state.officer.id)
    return RedirectResponse("/admin/mail", 303)


def reasons() -> dict[str, str]:
    """Why nobody but a person can say what is to be done."""
    return {
        "invalid": _("It does not say clearly what it asks for, or from whom it is."),
        "toomany": _("Many came from this address today."),
        "conflict": _("It belongs to a request that is over."),
        "cut": _("It belongs to a request, but not all of it can be shown there."),
        "garbled": _("It could not be read."),
        "no headers": _("It could not be read."),
        "too many parts": _("It has too many parts."),
        "automatic": _("An automatic answer."),
        "list": _("It went to many people."),
        "report": _("A report of a mail server."),
        "our own": _("It came from our own address."),
    }


async def _page(request: Request, wrong: dict[str, str], status: int = 200) -> Response:
    found, mail = await cases.letterbox.read(request.path_params["mail"], officer=request.state.officer.id)
    context = {"mail": found, "said": mail, "why": reasons(), "wrong": wrong, "due": is_due(request)}
    return desk(request, "admin/mail-one.html", status, **context)


reading = officer("cases.process")
routes = [
    get("/admin/mail", show_all, guard=reading),
    get("/admin/mail/{mail}", show_one, guard=reading),
    post("/admin/mail/{mail}/file", fetch, guard=reading),
    post("/admin/mail/{mail}/done", done, guard=reading),
]
