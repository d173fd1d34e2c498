"""See, correct or delete your data: the form, the person's list of requests, and the page that says where one stands.

The reference (128 random bits) alone opens a page that shows nothing personal; everything else asks for a sign-in.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, identity
from portal.lib.errors import Invalid, NotFound
from portal.pages import anyone, cookie, customer, form, get, page, post
from portal.paper import _
from portal.public import asker, asking, story

STEPS = ("received", "verifying", "triage", "collecting", "reviewing", "approving", "fulfilling", "delivering", "closed")


async def show_mine(request: Request) -> Response:
    mine = await cases.cases_of(request.state.customer)
    news = await cases.conversation.with_news([each.id for each in mine])
    return page(request, "public/requests.html", mine=mine, news=news, rights=cases.plain_words.rights())


async def show_one(request: Request, **context: Any) -> Response:
    """Where a request stands. Signed in as its person: also what was said, the download and who looked."""
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    mine = await cases.is_of(status.id, request.state.customer)
    context = (await story.of_request(status.id) if mine else story.ALONE) | context
    template, rest = "public/request.html", {"status": status, "reference": reference, "mine": mine, "journey": _journey(status)}
    if mine:
        context |= await asker.of_request(status)
    context["proving"], context["account"] = await cases.proving.for_person(status.id), identity.openid.is_offered()
    context["new_address"] = await cases.new_address.is_awaited(status.id)
    context["until_posted"] = await cases.restricting.until_posted(status.id)
    context["recipients"] = await cases.recipients.of(status.id)
    context["backups"] = [] if status.certificate is None else await cases.backups.of(status.id)
    words = {"rights": cases.plain_words.rights(), "outcomes": outcomes(), "next_step": _next_step(status)}
    return page(request, template, 422 if context["wrong"] else 200, **rest, **context, **words)


async def take_back(request: Request) -> Response:
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    if not await cases.is_of(status.id, request.state.customer):
        raise NotFound(_("There is no such request."))
    await cases.withdraw(status.id, actor=f"customer:{request.state.customer.subject}")
    return RedirectResponse(f"/requests/{reference}", 303)


async def prove_again(request: Request) -> Response:
    """A new link and code for a request that waits for its proof; they go to the address it was made with, or to the one that
    shall stand in its place, nowhere else."""
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    if await cases.new_address.is_awaited(status.id):
        return await asking.to_new_address(request, status.id, reference)
    challenge = await cases.ask_for_proof_again(reference, browser=cookie(request, "browser") or None)
    return RedirectResponse(f"/proofs/{challenge}", 303)


async def prove_more(request: Request) -> Response:
    """Somebody said that they did not ask for this: a code to another address of the person's shows that they did."""
    reference = request.path_params["reference"]
    status, address = await cases.status_for_person(reference), (await form(request)).get("address", "")
    browser = cookie(request, "browser") or None
    challenge = await cases.second_proof.ask(status.id, address, request.state.customer, browser=browser)
    return RedirectResponse(f"/proofs/{challenge}", 303)


async def disagree(request: Request) -> Response:
    """The person's own words beside a correction that was refused (GDPR Art. 16)."""
    reference = request.path_params["reference"]
    status = await cases.status_for_person(reference)
    if not await cases.is_of(status.id, request.state.customer):
        raise NotFound(_("There is no such request."))
    given = await form(request)
    field = given.get("field", "")
    words = given.get(f"statement-{field}", "")
    try:
        await cases.disputes.say(status.id, field, words, actor=f"customer:{request.state.customer.subject}")
    except Invalid as problem:
        return await show_one(request, given={f"statement-{field}": words}, wrong=problem.fields, sentence=problem.sentence)
    return RedirectResponse(f"/requests/{reference}#corrections", 303)


async def show_not_me(request: Request) -> Response:
    """Where the warning's link leads; looking changes nothing."""
    return page(request, "public/not-me.html", secret=request.path_params["secret"], day=None, done=False)


async def say_not_me(request: Request) -> Response:
    said, done = await cases.not_me(request.path_params["secret"])
    return page(request, "public/not-me.html", secret="", day=cases.doubts.decide_by(said), done=done)


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


def _journey(status: cases.Status) -> list[tuple[str, str, str]]:
    """The line of steps; what does not apply to this person's view is folded into five or fewer."""
    asked, known = (_("You asked"), ("received", "verifying")), (_("We know it is you"), ("triage",))
    words = [
        asked,
        known,
        (_("We collect it from our systems"), ("collecting",)),
        (_("A person checks it"), ("reviewing", "approving")),
        (_("We carry it out"), ("fulfilling", "delivering")),
    ]
    if status.right in cases.details.IN_WORDS:
        words = [asked, known, (_("A person answers"), ("collecting", "reviewing", "approving", "fulfilling", "delivering"))]
    elif status.right in cases.details.AT_ONCE:
        words = [asked, (_("It is done at once"), ("triage", "collecting", "reviewing", "approving", "fulfilling", "delivering"))]
    now = STEPS.index(status.state)
    line = []
    for name, covered in words:
        last = STEPS.index(covered[-1])
        place = "past" if now > last else "now" if status.state in covered else "later"
        line.append((name, "", place))
    return line


def _next_step(status: cases.Status) -> str:
    if status.state == "triage" and status.right in cases.details.IN_WORDS:
        return _("Next, one of us reads it and writes to you. You need not do anything.")
    return story.next_step(status.state)


routes = [
    get("/requests", show_mine, guard=customer),
    get("/requests/{reference}", show_one, guard=anyone),
    post("/requests/{reference}/proof", prove_again, guard=anyone),
    post("/requests/{reference}/second-proof", prove_more, guard=customer),
    post("/requests/{reference}/withdrawal", take_back, guard=customer),
    post("/requests/{reference}/statement", disagree, guard=customer),
    get("/requests/notices/{secret}", show_not_me, guard=anyone),
    post("/requests/notices/{secret}", say_not_me, guard=anyone),
]
