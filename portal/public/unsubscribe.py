"""Where the link in a message leads (RFC 8058): one button, no sign-in, no typing, no scripts; looking changes nothing.

Mail programs send the same POST by themselves, without cookies and from nowhere; shield.py lets it through by its path.
"""

from starlette.requests import Request
from starlette.responses import Response

from portal import consent
from portal.pages import anyone, form, get, page, post


async def show(request: Request) -> Response:
    link = await consent.unsubscribing.read_unsubscribe_token(request.path_params["token"])
    return _page(request, link, "")


async def stop(request: Request) -> Response:
    """The one click. The body is not read: whatever it says, it can only switch off."""
    done = await consent.unsubscribing.unsubscribe(request.path_params["token"])
    return _page(request, done.link, "stopped", done.once)


async def undo(request: Request) -> Response:
    token, once = request.path_params["token"], (await form(request)).get("once", "")
    await consent.unsubscribing.take_back(token, once)
    return _page(request, await consent.unsubscribing.read_unsubscribe_token(token), "undone")


def _page(request: Request, link: consent.unsubscribing.Link, state: str, once: str = "") -> Response:
    """Nothing on it tells whose address it is: messages are passed on."""
    topic = link.purpose and next((each.title for each in link.purpose.topics if each.key == link.cell.topic), "")
    what = topic or (link.purpose.title if link.purpose else "")
    response = page(
        request,
        "public/unsubscribe.html",
        what=what,
        channel=consent.channel_name(link.cell.channel),
        by_mail=link.cell.channel == "email",
        state=state,
        action=f"/u/{request.path_params['token']}",
        once=once,
    )
    response.headers["referrer-policy"] = "no-referrer"
    return response


routes = [
    get("/u/{token}", show, guard=anyone),
    post("/u/{token}", stop, guard=anyone),
    post("/u/{token}/undo", undo, guard=anyone),
]
