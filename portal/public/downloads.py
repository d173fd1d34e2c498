"""A person fetches their package: after a fresh proof, by a link that works once, in this browser."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import cases
from portal.lib.errors import NotAllowed
from portal.pages import customer, get, page, post


async def ask(request: Request) -> Response:
    """Make the link and lead to it; when the last proof is too old, say what to do."""
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    try:
        secret = await cases.hand_over(status.id, request.state.customer)
    except NotAllowed as problem:
        return page(request, "public/prove-again.html", 403, sentence=problem.sentence, back=f"/requests/{reference}")
    return RedirectResponse(f"/downloads/{secret}", 303)


async def fetch(request: Request) -> Response:
    """The file itself. A GET, so that a browser saves it; the link is used up by its first use."""
    if request.method == "HEAD":
        return Response(media_type="application/zip")  # looking ahead uses nothing up
    opened = await cases.download(request.path_params["secret"], request.state.customer)
    headers = {
        "content-disposition": f'attachment; filename="{opened.name}"',
        "content-length": str(opened.size),
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }
    return StreamingResponse(opened.content, media_type="application/zip", headers=headers)


routes = [
    post("/requests/{reference}/download", ask, guard=customer),
    get("/downloads/{secret}", fetch, guard=customer),
]
