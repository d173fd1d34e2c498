"""Requests that come in other than by the form: a call, a visit or a letter written down in a minute; lists of earlier ones.

Who writes down need not see anything of anybody: the front desk gets back only what the caller has to know.
"""

from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from portal import cases, identity
from portal.admin.menu import desk
from portal.admin.words import right_name
from portal.lib import ids
from portal.lib.errors import Invalid
from portal.pages import form, get, officer, post
from portal.paper import _, language
from portal.settings import get as settings

LARGEST = 900_000
SHOWN = 200


async def ask(request: Request) -> Response:
    """An empty page; `mail`: filled with what a kept mail says."""
    given: dict[str, str] = {"language": language()}
    mail = request.query_params.get("mail", "")
    if mail and identity.may(request.state.officer, "cases.process"):
        kept, said = await cases.letterbox.read(mail, officer=request.state.officer.id)
        given |= {"mail": kept.id, "how": "mail", "received_on": kept.at.date().isoformat()}
        given |= {"address": said.sender, "message": f"{said.subject}\n\n{said.text}".strip()[:5000]} if said else {}
    return _page(request, given, [])


async def write_down(request: Request) -> Response:
    given = await form(request)
    rights = [str(each) for each in (await request.form()).getlist("rights")]
    said = _said(given, rights)
    try:
        cases.entering.check(said)
        if "anyway" not in given and identity.may(request.state.officer, "cases.see"):
            running = await cases.entering.same(rights, said.address)
            if running:
                return _page(request, given, rights, running=running, status=409)
        entered = await cases.entering.write_down(said, officer=request.state.officer.id)
    except Invalid as problem:
        return _page(request, given, rights, problem=problem, status=422)
    return desk(request, "admin/entered.html", entered=entered, number=_spoken(entered.number))


async def ask_for_list(request: Request) -> Response:
    return _list_page(request)


async def look_at_list(request: Request) -> Response:
    """The dry run."""
    try:
        name, content = await _file(request)
        outcomes = await cases.backlog.plan(cases.backlog.Content(name, content))
        waiting = await cases.backlog.keep(name, content, officer=request.state.officer.id)
    except Invalid as problem:
        return _list_page(request, problem=problem)
    return _list_page(request, outcomes=outcomes, waiting=waiting)


async def open_list(request: Request) -> Response:
    fields = await form(request)
    outcomes = await cases.backlog.commit_kept(request.path_params["list"], officer=request.state.officer.id)
    if fields.get("report") == "yes":
        headers = {"content-disposition": 'attachment; filename="requests.csv"'}
        return Response(cases.backlog.report(outcomes), media_type="text/csv; charset=utf-8", headers=headers)
    return _list_page(request, outcomes=outcomes)


def _said(given: dict[str, str], rights: list[str]) -> cases.entering.Said:
    details = {"message": given.get("message", ""), "country": given.get("country", "").upper()}
    if given.get("delivery"):
        details["delivery"] = given["delivery"]
    details |= cases.cooling.unless_said(*rights, said=given.get("delete", ""))
    changes = {given["field"]: given.get("value", "")} if given.get("field") else {}
    about: dict[str, object] = {"changes": changes} if changes else {}
    if given.get("who", "me") != "me":
        concerned = given.get("concerned", "")
        about |= {"concerned": {"email" if "@" in concerned else "phone": concerned}, "concerned_name": given.get("name", "")}
    return cases.entering.Said(
        rights,
        given.get("address", ""),
        given.get("how", ""),
        given.get("who", "me"),
        given.get("received_on", ""),
        given.get("language", ""),
        details | about,
        given.get("once", ""),
        given.get("mail", ""),
    )


def _page(
    request: Request,
    given: dict[str, str],
    rights: list[str],
    *,
    problem: Invalid | None = None,
    running: list[str] | None = None,
    status: int = 200,
) -> Response:
    wrong = dict(problem.fields) if problem else {}
    for name, ours in (("right", "rights"), ("changes", "value"), ("concerned-name", "name"), ("concerned-email", "concerned")):
        if name in wrong:
            wrong[ours] = wrong.pop(name)
    context: dict[str, Any] = {"given": given, "chosen": rights, "wrong": wrong}
    context["sentence"] = problem.sentence if problem else ""
    context |= {"rights": _rights(), "how": hows(), "who": _askers(), "fields": _fields(), "languages_spoken": _languages()}
    context |= {"today": cases.entering.today().isoformat(), "running": running or []}
    context["once"] = given.get("once") or ids.secret(128)
    return desk(request, "admin/entering.html", status, **context)


def _list_page(
    request: Request,
    *,
    outcomes: list[cases.backlog.Outcome] | None = None,
    waiting: str = "",
    problem: Invalid | None = None,
) -> Response:
    found = outcomes or []
    counts = {each: sum(one.verdict == each for one in found) for each in verdicts()}
    return desk(
        request,
        "admin/backlog.html",
        422 if problem else 200,
        # What is wrong first: that is what somebody has to do something about.
        outcomes=sorted(found, key=lambda each: (each.verdict != cases.backlog.WRONG, each.line))[:SHOWN],
        total=len(found),
        counts=counts,
        verdicts=verdicts(),
        right_name=right_name,
        waiting=waiting,
        needed=cases.backlog.NEEDED,
        columns=cases.backlog.COLUMNS,
        wrong=(problem.fields or {"file": problem.sentence}) if problem else {},
    )


async def _file(request: Request) -> tuple[str, bytes]:
    try:
        async with request.form(max_files=1, max_fields=2, max_part_size=LARGEST) as given:
            file = given.get("file")
            if isinstance(file, UploadFile) and file.filename:
                return file.filename, await file.read()
    except MultiPartException as problem:
        raise Invalid(_("This is not a file that we can take."), {"file": _("Choose one file.")}) from problem
    raise Invalid(_("Choose a file."), {"file": _("Choose a file.")})


def hows() -> list[tuple[str, str, str]]:
    names = {"call": _("By telephone"), "visit": _("In person"), "letter": _("By letter"), "mail": _("By e-mail")}
    return [(each, names[each], "") for each in cases.entering.HOW]


def verdicts() -> dict[str, str]:
    return {
        "opens": _("A request"),
        "opened before": _("Was one already"),
        "asked already": _("Asked for already"),
        "wrong": _("Not right"),
    }


def _rights() -> list[tuple[str, str, str]]:
    first = ("access", "rectification", "erasure")
    others = sorted(cases.entering.OFFERED - set(first), key=right_name)
    return [(each, right_name(each), "") for each in (*first, *others)]


def _askers() -> list[tuple[str, str]]:
    names = {
        "me": _("The person themself"),
        "agent": _("Somebody they authorised"),
        "child": _("For their child"),
        "guardian": _("As a guardian"),
        "deceased": _("For somebody who has died"),
    }
    return [(each, names[each]) for each in cases.entering.REQUESTERS]


def _fields() -> list[tuple[str, str]]:
    names = [("name", _("Name")), ("email", _("E-mail address")), ("phone", _("Phone number"))]
    place = [("street", _("Street and number")), ("city", _("Town")), ("postcode", _("Postcode"))]
    return [("", _("Nothing")), *names, *place, ("language", _("Language we write in"))]


def _languages() -> list[tuple[str, str]]:
    from babel import Locale

    return [(each, str(Locale.parse(each).get_display_name(language()))) for each in settings().language_list]


def _spoken(number: str) -> str:
    """In groups, as one reads it out."""
    return f"{number[:4]} {number[4:]}".upper()


entering, processing = officer("cases.enter"), officer("cases.process")
routes = [
    get("/admin/entering", ask, guard=entering),
    post("/admin/entering", write_down, guard=entering),
    get("/admin/lists", ask_for_list, guard=processing),
    post("/admin/lists", look_at_list, guard=processing),
    post("/admin/lists/{list}", open_list, guard=processing),
]
