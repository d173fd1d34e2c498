"""Officers and the people who answer by hand for a system: who is waited for, a new link for them, the files they sent."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portal import cases
from portal.admin.cases import back
from portal.pages import form, get, officer, post


async def send_again(request: Request) -> Response:
    """A new link by mail; the one before ends."""
    question = (await form(request)).get("question", "")
    await cases.colleagues.send_again(request.path_params["case"], question, officer=request.state.officer.id)
    return back(request)


async def file(request: Request) -> Response:
    """As it was handed in, for the officer's own programs: no browser shows or runs it on our pages."""
    opened = await cases.colleagues.file(
        request.path_params["case"], request.path_params["system"], officer=request.state.officer.id
    )
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(opened.name, safe='')}",
        "content-length": str(opened.size),
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return StreamingResponse(opened.content, media_type="application/octet-stream", headers=headers)


routes = [
    post("/admin/cases/{case}/colleagues", send_again, guard=officer("cases.process")),
    get("/admin/cases/{case}/files/{system}", file, guard=officer("data.see")),
]
