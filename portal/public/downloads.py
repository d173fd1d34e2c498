"""A person fetches their package: after a fresh proof, by a link that works once, in this browser.

The certificate of a deletion opens by the request's reference (128 random bits) alone, as the request's page does: its
person has no sign-in any more, and it names nobody. So do the proofs of its steps, as long as the one address is kept that
the reference was sent to (`contact_days` in policies/verification.toml).
"""

import io
import zipfile

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from portal import audit, cases
from portal.lib.errors import NotAllowed, NotFound
from portal.pages import anyone, customer, get, page, post
from portal.paper import _
from portal.public.story import told


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
    return StreamingResponse(opened.content, media_type="application/zip", headers=_headers(opened.name, opened.size))


async def certificate(request: Request) -> Response:
    status = await cases.status_for_person(request.path_params["reference"])
    opened = await cases.paper_of(status.id, "certificate")
    return StreamingResponse(opened.content, media_type="application/pdf", headers=_headers(opened.name, opened.size))


async def proofs(request: Request) -> Response:
    """One ZIP with the receipt of each step that its person is told of."""
    status = await cases.status_for_person(request.path_params["reference"])
    if status.proofs_until is None:
        raise NotFound(_("There are no proofs here: we give them for a while after a deletion, and then no more."))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        steps = [each for each in reversed(await cases.timeline(status.id)) if told(each.event)]
        for number, each in enumerate(steps, start=1):
            file.writestr(f"{number:02}-{each.event}.txt", await audit.prove(each.entry))
    content = packed.getvalue()
    return Response(content, media_type="application/zip", headers=_headers("proofs.zip", len(content)))


def _headers(name: str, size: int) -> dict[str, str]:
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(size),
        "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    }


routes = [
    post("/requests/{reference}/download", ask, guard=customer),
    get("/downloads/{secret}", fetch, guard=customer),
    get("/requests/{reference}/certificate", certificate, guard=anyone),
    get("/requests/{reference}/proofs", proofs, guard=anyone),
]
