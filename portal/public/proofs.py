"""Where a mail's link leads and its code is typed. Looking (GET) never uses anything up; the button on the page does.

What the proof was asked for decides where the person goes on: signed in, one step further, or into their request.
"""

import hmac

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, identity
from portal.lib.errors import NotAllowed, Refusal
from portal.pages import (
    CUSTOMER,
    anyone,
    cookie,
    drop_cookie,
    form,
    get,
    keep_cookie,
    local_path,
    page,
    post,
    remember_browser,
)
from portal.paper import _


async def show_code(request: Request) -> Response:
    response = await _code_page(request, request.path_params["challenge"])
    return remember_browser(request, response)


async def take_code(request: Request) -> Response:
    challenge = request.path_params["challenge"]
    try:
        proof = await identity.prove_code(challenge, (await form(request)).get("code", ""), browser=cookie(request, "browser"))
    except Refusal as problem:
        return await _code_page(request, challenge, problem)
    return await go_on(request, proof)


async def show_link(request: Request) -> Response:
    """The landing page of a link: no third party, no referrer, and nothing happens before the button."""
    landing = await identity.landing(request.path_params["secret"], cookie(request, "browser"))
    if not landing.same_browser:
        return await _code_page(request, landing.challenge.id)
    response = page(request, "public/proof-link.html", secret=request.path_params["secret"], use=landing.challenge.use)
    response.headers["referrer-policy"] = "no-referrer"
    return response


async def take_link(request: Request) -> Response:
    return await go_on(request, await identity.prove_link(request.path_params["secret"], cookie(request, "browser")))


async def _code_page(request: Request, challenge: str, problem: Refusal | None = None) -> Response:
    return page(
        request,
        "public/proof-code.html",
        problem.status if problem else 200,
        challenge=challenge,
        reference=cookie(request, "request"),
        errors={"code": problem.sentence} if problem else {},
        account=await identity.openid.instead_of(challenge),
    )


async def go_on(request: Request, proof: identity.Proof) -> Response:
    """To what the proof was asked for: signed in, one step further, or into the request."""
    if proof.use == "request":
        return await _into_the_request(request, proof)
    if proof.use == cases.new_address.USE:
        return await _with_a_new_address(request, proof)
    wanted = local_path(cookie(request, "next"), "/preferences")
    response = drop_cookie(RedirectResponse(wanted, 303), "next")
    if proof.use == "step-up":
        token = await identity.step_up(cookie(request, CUSTOMER), proof)
    else:
        token = await _signed_in(request, proof)
    return keep_cookie(response, CUSTOMER, token)


async def _into_the_request(request: Request, proof: identity.Proof) -> Response:
    await cases.verified(proof.bound_to, proof)
    response = RedirectResponse(f"/requests/{await cases.reference_of(proof.bound_to)}", 303)
    return keep_cookie(response, CUSTOMER, await _signed_in(request, proof))


async def _with_a_new_address(request: Request, proof: identity.Proof) -> Response:
    """Taken from the browser alone that asked for it: nobody joins their mailbox to a stranger's data by typing a code."""
    reference = await cases.reference_of(proof.bound_to)
    if not hmac.compare_digest(cookie(request, "request").encode(), reference.encode()):
        raise NotAllowed(_("This code belongs to the browser where the new address was given. Nothing was changed."))
    await cases.new_address.prove(proof)
    return RedirectResponse(f"/requests/{reference}", 303)


async def _signed_in(request: Request, proof: identity.Proof) -> str:
    return await identity.open_session(
        subject=proof.subject,
        identifier=proof.identifier_id,
        device=request.headers.get("user-agent", "")[:100],
        instead_of=cookie(request, CUSTOMER) or None,
    )


routes = [
    get("/proofs/{challenge}", show_code, guard=anyone),
    post("/proofs/{challenge}", take_code, guard=anyone),
    get("/l/{secret}", show_link, guard=anyone),
    post("/l/{secret}", take_link, guard=anyone),
]
