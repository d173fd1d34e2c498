"""The map of a connected database: beside what a proposal would say, edited as text, checked, and tried on one person.

It writes no file. The map is kept where the list of systems names it, with the company's other configuration, and read
when the portal starts; here whoever keeps it sees every fault before that, and which columns have no purpose yet.
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from portal import subjects
from portal.admin.menu import desk
from portal.connectors import ConnectorError, proposals
from portal.lib.errors import Invalid
from portal.pages import get, officer, post
from portal.paper import _

LONGEST_MAP = 400_000
_LINES_SHOWN = 200
KINDS = ("email", "phone", "account")


async def show(request: Request) -> Response:
    system = proposals.listed(request.path_params["system"])
    in_force = None if request.query_params.get("from") == "proposal" else proposals.in_force(system)
    return await _page(request, in_force)


async def check(request: Request) -> Response:
    """Checks the text; with an address it is tried, or it is handed back as a file."""
    system = proposals.listed(request.path_params["system"])
    given = await request.form(max_files=0, max_fields=20)
    text, kind, address, wanted = (_text(given.get(name)) for name in ("map", "kind", "address", "do"))
    if len(text) > LONGEST_MAP or not _is_text(text + kind + address):
        return await _page(request, "", wrong={"map": _("Please shorten this text.")})
    if wanted == "download":
        headers = {"content-disposition": f'attachment; filename="{_file_name(system.map.name)}"'}
        return Response(text.encode(), media_type="application/toml", headers=headers)
    if wanted != "try" and not address.strip():  # Enter in the address's field presses the first button
        return await _page(request, text, checked=True)
    try:
        if kind not in KINDS:
            raise Invalid(_("Please choose one of the answers offered."))
        value = subjects.canonical(kind, address)
    except Invalid as problem:
        return await _page(request, text, wrong={"address": problem.sentence}, kind=kind, address=address)
    return await _page(request, text, checked=True, kind=kind, address=address, value=value)


async def _page(
    request: Request,
    text: str | None,
    *,
    checked: bool = False,
    wrong: dict[str, str] | None = None,
    kind: str = "email",
    address: str = "",
    value: str = "",
) -> Response:
    system = proposals.listed(request.path_params["system"])
    seen, reached, more, trouble = None, None, False, ""
    try:
        seen = await proposals.seen_beside(system, text)
        if value and text is not None and not seen.problems:
            by = f"officer:{request.state.officer.id}"
            reached, more = await proposals.reached_by(system, text, {kind: [value]}, by=by)
    except ConnectorError as problem:
        trouble = problem.sentence
    return desk(
        request,
        "admin/system-map.html",
        422 if wrong or (checked and seen and seen.problems) else 200,
        system=system,
        seen=seen,
        trouble=trouble,
        text=(seen.proposal if seen else "") if text is None else text,
        is_proposal=text is None,
        in_force=proposals.in_force(system),
        checked=checked and not wrong,
        wrong=wrong or {},
        kinds=[("email", _("E-mail")), ("phone", _("Telephone")), ("account", _("Account"))],
        kind=kind,
        address=address,
        reached=reached,
        more=more,
        shown=_LINES_SHOWN,
    )


def _text(given: object) -> str:
    return given.replace("\r\n", "\n") if isinstance(given, str) else ""


def _is_text(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name) or "map.toml"


routes = [
    get("/admin/systems/{system}/map", show, guard=officer("systems.change")),
    post("/admin/systems/{system}/map", check, guard=officer("systems.change")),
]
