"""Where the link of a confirmation mail leads: one button, and only the button says yes (double opt-in)."""

from starlette.requests import Request
from starlette.responses import Response

from portal import consent
from portal.pages import anyone, get, page, post


async def show(request: Request) -> Response:
    return _page(request, await _titles(await consent.confirmation.read_confirmation(request.path_params["token"])), "")


async def say_yes(request: Request) -> Response:
    token = request.path_params["token"]
    titles = await _titles(await consent.confirmation.read_confirmation(token))
    decided = await consent.confirmation.confirm(token)
    counts = [(await consent.permission(each.word.identifier, *each.word.cell)).allowed for each in decided]
    return _page(request, titles, ("on" if all(counts) else "kept") if decided else "")


async def _titles(waiting: consent.confirmation.Waiting) -> list[str]:
    known = {each.key: each for each in await consent.purposes()}
    return [
        consent.confirmation.title_of(known[each.cell.purpose], each.cell.topic)
        for each in waiting.items
        if each.cell.purpose in known
    ]


def _page(request: Request, titles: list[str], state: str) -> Response:
    context = {"titles": titles, "state": state, "action": f"/confirm/{request.path_params['token']}"}
    response = page(request, "public/confirm.html", **context)
    response.headers["referrer-policy"] = "no-referrer"
    return response


routes = [
    get("/confirm/{token}", show, guard=anyone),
    post("/confirm/{token}", say_yes, guard=anyone),
]
