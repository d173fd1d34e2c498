"""The connected systems: how far each has been told, what waits and why, and telling one again from a place in the record."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import consent
from portal.admin.menu import desk
from portal.lib.errors import Invalid, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _

PAGE = 50


async def show(request: Request) -> Response:
    return desk(request, "admin/systems.html", systems=await consent.standings.fares())


async def show_one(request: Request) -> Response:
    return await _page(request, {}, {})


async def replay(request: Request) -> Response:
    """From the place given on everything is told once more; a system that said it was gone is called again."""
    system = await _fares(request)
    given = await form(request)
    text = given.get("from", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        return await _page(request, given, {"from": _("Enter a whole number.")}, 422)
    try:
        await consent.propagation.replay(system.name, since=int(text), by=f"officer:{request.state.officer.id}")
    except Invalid as problem:
        return await _page(request, given, problem.fields, 422)
    return RedirectResponse(f"/admin/systems/{system.name}", 303)


async def _page(request: Request, given: dict[str, str], wrong: dict[str, str], status: int = 200) -> Response:
    system, asked = await _fares(request), request.query_params
    waiting = asked.get("show") == "waiting"
    lines = await consent.standings.delivered(system.name, before=asked.get("before") or None, waiting=waiting, limit=PAGE)
    older = f"?{'show=waiting&' if waiting else ''}before={lines[-1].id}" if len(lines) == PAGE else ""
    titles = {each.key: each.title for each in await consent.purposes()}
    return desk(
        request,
        "admin/system.html",
        status,
        system=system,
        lines=lines,
        older=older,
        waiting=waiting,
        titles=titles,
        given=given,
        wrong=wrong,
    )


async def _fares(request: Request) -> consent.standings.Fares:
    for each in await consent.standings.fares():
        if each.name == request.path_params["system"]:
            return each
    raise NotFound(_("There is no such system."))


routes = [
    get("/admin/systems", show, guard=officer("systems.see")),
    get("/admin/systems/{system}", show_one, guard=officer("systems.see")),
    post("/admin/systems/{system}/replay", replay, guard=officer("systems.change")),
]
