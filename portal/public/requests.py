"""See, correct or delete your data: the form, the person's list of requests, and the page that says where one stands.

The reference (128 random bits) alone opens a page that shows nothing personal; everything else asks for a sign-in.
"""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, db
from portal.lib.errors import Invalid, NotFound, TooMany
from portal.pages import anyone, cookie, customer, form, get, keep_cookie, page, post, remember_browser
from portal.paper import _, language
from portal.public.sign_in import ASKS_PER_HOUR
from portal.public.story import LOOKED, told
from portal.shield import client_network

A_DAY = 24 * 3600
CORRECTABLE = ("name", "phone", "street", "city", "postcode", "language")
STEPS = ("received", "verifying", "triage", "collecting", "reviewing", "approving", "fulfilling", "delivering", "closed")


async def show_form(request: Request) -> Response:
    return remember_browser(request, _form(request, {}, None))


async def send(request: Request) -> Response:
    given = await form(request)
    try:
        return await _opened(request, given)
    except Invalid as problem:
        return _form(request, given, problem)
    except TooMany as problem:
        response = _form(request, given, Invalid(problem.sentence), 429)
        response.headers["retry-after"] = str(problem.retry_after)
        return response


async def show_mine(request: Request) -> Response:
    mine = await cases.cases_of(request.state.customer)
    return page(request, "public/requests.html", mine=mine, rights=rights())


async def show_one(request: Request) -> Response:
    """Where a request stands. Signed in as its person: also the messages, the download and who looked."""
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    mine = await cases.is_of(status.id, request.state.customer)
    context: dict[str, Any] = {"package": None, "timeline": [], "looks": []}
    if mine:
        steps = [(each, told(each.event)) for each in await cases.timeline(status.id) if told(each.event)]
        context["timeline"] = [(step, words) for step, words in steps if step.event != LOOKED]
        context["looks"] = [(step, words) for step, words in steps if step.event == LOOKED]
        context["package"] = await cases.package_of(status.id)
    template, rest = "public/request.html", {"status": status, "reference": reference, "mine": mine, "journey": _journey(status)}
    return page(request, template, **rest, **context, rights=rights(), outcomes=outcomes())


async def take_back(request: Request) -> Response:
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    if not await cases.is_of(status.id, request.state.customer):
        raise NotFound(_("There is no such request."))
    await cases.withdraw(status.id, actor=f"customer:{request.state.customer.subject}")
    return RedirectResponse(f"/requests/{reference}", 303)


async def prove_again(request: Request) -> Response:
    """A new link and code for a request that waits for its proof; they go to the address it was made with, nowhere else."""
    challenge = await cases.ask_for_proof_again(request.path_params["reference"], browser=cookie(request, "browser") or None)
    return RedirectResponse(f"/proofs/{challenge}", 303)


async def show_not_me(request: Request) -> Response:
    """Where the warning's link leads; looking changes nothing."""
    return page(request, "public/not-me.html", secret=request.path_params["secret"], told=False)


async def say_not_me(request: Request) -> Response:
    await cases.not_me(request.path_params["secret"])
    return page(request, "public/not-me.html", secret="", told=True)


def rights() -> dict[str, str]:
    """What people call each right."""
    return {
        "access": _("a copy of your data"),
        "rectification": _("a correction of your data"),
        "erasure": _("the deletion of your data"),
    }


def outcomes() -> dict[str, str]:
    """How a request ended, in a sentence."""
    return {
        "fulfilled": _("Done as you asked."),
        "partly": _("Done in part; our message says why."),
        "nothing held": _("We searched our systems and hold nothing under this address."),
        "answered": _("Answered."),
        "refused": _("Refused; our message says why and where you can complain."),
        "withdrawn": _("You took it back."),
        "unconfirmed": _("Nobody confirmed it, so nothing was done."),
    }


async def _opened(request: Request, given: dict[str, str]) -> Response:
    right, details = given.get("right", ""), _details(given)
    if request.state.customer:
        opened = await cases.open_for(request.state.customer, right, language=language(), details=details)
        return RedirectResponse(f"/requests/{opened.reference}", 303)
    await db.throttle(
        f"ask:{client_network(request)}",
        limit=ASKS_PER_HOUR,
        per=timedelta(hours=1),
        sentence=_("There were many requests from your network. Please try again in a while."),
    )
    browser = cookie(request, "browser") or None
    opened = await cases.open(right, given.get("email", ""), language=language(), details=details, browser=browser)
    return keep_cookie(RedirectResponse(f"/proofs/{opened.challenge}", 303), "request", opened.reference, seconds=A_DAY)


def _details(given: dict[str, str]) -> dict[str, Any]:
    changes = {name: given[f"new-{name}"] for name in CORRECTABLE if given.get(f"new-{name}")}
    details: dict[str, Any] = {"message": given.get("message", ""), "country": given.get("country", "")}
    if given.get("right") == "rectification":
        details["changes"] = changes
        details["old"] = {name: given[f"old-{name}"] for name in changes if given.get(f"old-{name}")}
    if given.get("right") == "erasure" and given.get("suppress") == "yes":
        details["keep_note"] = True
    return details


def _form(request: Request, given: dict[str, str], problem: Invalid | None, refused: int = 422) -> Response:
    wrong = {f"new-{name}" if name in CORRECTABLE else name: words for name, words in problem.fields.items()} if problem else {}
    sentence = problem.sentence if problem else ""
    status = refused if problem else 200
    fields = [(name, words) for name, words in correctable().items() if name in CORRECTABLE]
    return page(request, "public/request-form.html", status, given=given, wrong=wrong, sentence=sentence, fields=fields)


def correctable() -> dict[str, str]:
    return {
        "name": _("Name"),
        "phone": _("Phone number"),
        "street": _("Street and number"),
        "city": _("Town"),
        "postcode": _("Postcode"),
        "language": _("Language we write in"),
    }


def _journey(status: cases.Status) -> list[tuple[str, str, str]]:
    """The line of steps; what does not apply to this person's view is folded into five."""
    words = [
        (_("You asked"), ("received", "verifying")),
        (_("We know it is you"), ("triage",)),
        (_("We collect it from our systems"), ("collecting",)),
        (_("A person checks it"), ("reviewing", "approving")),
        (_("We carry it out"), ("fulfilling", "delivering")),
    ]
    now = STEPS.index(status.state)
    line = []
    for name, covered in words:
        last = STEPS.index(covered[-1])
        place = "past" if now > last else "now" if status.state in covered else "later"
        line.append((name, "", place))
    return line


routes = [
    get("/requests", show_mine, guard=customer),
    get("/requests/new", show_form, guard=anyone),
    post("/requests", send, guard=anyone),
    get("/requests/{reference}", show_one, guard=anyone),
    post("/requests/{reference}/proof", prove_again, guard=anyone),
    post("/requests/{reference}/withdrawal", take_back, guard=customer),
    get("/requests/notices/{secret}", show_not_me, guard=anyone),
    post("/requests/notices/{secret}", say_not_me, guard=anyone),
]
