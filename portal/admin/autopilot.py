"""What the portal may answer by itself: an owner lets it watch, sees that officers answered the same, lets it act, ends it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases
from portal.admin.menu import desk
from portal.admin.step_up import is_due, kept, step_up
from portal.admin.words import right_name
from portal.lib import clock
from portal.lib.errors import Conflict, NotAllowed, NotFound, TooMany
from portal.pages import form, get, officer, post
from portal.paper import _

_DO = {"watch": cases.switches.watch, "act": cases.switches.act, "stop": cases.switches.stop}
_SHOWN = 20


async def show(request: Request) -> Response:
    return await _page(request)


async def change(request: Request) -> Response:
    """To let it act takes a fresh second factor; to end it takes none."""
    fields = await form(request)
    do = fields.get("do", "")
    right, _slash, system = fields.get("switch", "").partition("/")
    if do not in _DO:
        raise NotFound(_("There is nothing of this name here."))
    try:
        if do == "act":
            await step_up(request, fields.get("code", ""))
        await _DO[do](right, system, officer=request.state.officer.id)
    except (NotAllowed, TooMany) as problem:
        return kept(request, await _page(request, {"code": problem.sentence}, problem.status))
    except Conflict as problem:
        return kept(request, await _page(request, {"switch": problem.sentence}, problem.status))
    return kept(request, RedirectResponse("/admin/autopilot", 303))


async def _page(request: Request, wrong: dict[str, str] | None = None, status: int = 200) -> Response:
    lines = [(each, await cases.switches.why_not(each)) for each in await cases.switches.switches()]
    month_ago = clock.now() - cases.switches.MONTH
    return desk(
        request,
        "admin/autopilot.html",
        status,
        lines=lines,
        ready=[
            (f"{each.right}/{each.system}", f"{right_name(each.right)}: {each.title}") for each, missing in lines if not missing
        ],
        seen=[
            (right, await cases.switches.seen(right), await cases.switches.acted(right, month_ago))
            for right in cases.switches.RIGHTS
        ],
        mode_pill=_mode_pill,
        right_name=right_name,
        shown=_SHOWN,
        wrong=wrong or {},
        due=is_due(request),
    )


def _mode_pill(mode: str) -> tuple[str, str]:
    """Words and kind."""
    return {"off": (_("Off"), "shut"), "watching": (_("Watches"), "waiting"), "acting": (_("Acts"), "done")}[mode]


routes = [
    get("/admin/autopilot", show, guard=officer("systems.see")),
    post("/admin/autopilot", change, guard=officer("systems.change")),
]
