"""The back office's frame: a page with the menu of what this officer may see. An entry exists when its page does."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from portal import identity
from portal.pages import page
from portal.paper import _


def desk(request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """`pages.page` with the officers' menu."""
    me = request.state.officer
    path = request.url.path.rstrip("/")
    nav = [
        {"title": title, "href": href, "current": path == href or (href != "/admin" and path.startswith(href + "/"))}
        for title, href in _entries(me)
    ]
    return page(request, template, status, nav=nav, may=lambda action: identity.may(me, action), me=me, **context)


def first_page(me: identity.Officer) -> str:
    """Where an officer begins: whoever only writes requests down has nothing to see on the page of the day."""
    return next((href for _title, href in _entries(me)), "/admin")


def _entries(me: identity.Officer) -> list[tuple[str, str]]:
    entries = [
        (_("Today"), "/admin", "today.see"),
        (_("Requests"), "/admin/cases", "cases.see"),
        (_("Write down"), "/admin/entering", "cases.enter"),
        (_("People"), "/admin/people", "people.see"),
        (_("Systems"), "/admin/systems", "systems.see"),
        (_("Websites"), "/admin/sites", "sites.see"),
        (_("Holds"), "/admin/holds", "holds.see"),
        (_("Keys"), "/admin/keys", "keys.see"),
        (_("Record"), "/admin/audit", "audit.see"),
    ]
    return [(title, href) for title, href, action in entries if identity.may(me, action)]
