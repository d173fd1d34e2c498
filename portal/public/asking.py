"""The form for everything that people may ask about data: for themselves or for another person, several things at once.

Three screens for whoever is not signed in (the form, the code, the request), one for whoever is. What needs no proof has
happened when the next page comes (GDPR Art. 12(2), 15-22, 77; 11 CCR 7026).
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import cases, db
from portal.lib.errors import Invalid, TooMany
from portal.pages import anyone, cookie, form, get, keep_cookie, page, post, remember_browser
from portal.paper import _, language
from portal.public.sign_in import ASKS_PER_HOUR
from portal.shield import client_network

A_DAY = 24 * 3600
CORRECTABLE = ("name", "email", "phone", "street", "city", "postcode", "language")


async def show_form(request: Request) -> Response:
    return remember_browser(request, _form(request, {}, [], None))


async def send(request: Request) -> Response:
    given = await form(request)
    rights = [str(each).strip() for each in (await request.form()).getlist("right")]
    try:
        return await _opened(request, given, rights)
    except Invalid as problem:
        return _form(request, given, rights, problem)
    except TooMany as problem:
        response = _form(request, given, rights, Invalid(problem.sentence), 429)
        response.headers["retry-after"] = str(problem.retry_after)
        return response


async def _opened(request: Request, given: dict[str, str], rights: list[str]) -> Response:
    if any(given.get(f"new-{name}") for name in CORRECTABLE) and "rectification" not in rights:
        rights.append("rectification")  # whoever writes the right value wants it corrected
    if not rights:
        raise Invalid(_("Please look at the marked fields."), {"right": _("Please choose what you want.")})
    who, details = given.get("who") or "me", _details(given, rights)
    if who == "me" and any(given.get(f"concerned-{name}") for name in ("name", *cases.details.KINDS)):
        raise Invalid(_("Please look at the marked fields."), {"who": _("Please say for whom you ask.")})
    browser, (right, *also) = cookie(request, "browser") or None, rights
    if request.state.customer:
        session = request.state.customer
        opened = await cases.open_for(session, right, language=language(), who=who, details=details, also=also, browser=browser)
        if opened.challenge is None and await cases.new_address.is_awaited(opened.id):
            with suppress(TooMany):  # the page of the request offers it again
                return await to_new_address(request, opened.id, opened.reference)
        return RedirectResponse(f"/requests/{opened.reference}", 303)
    await db.throttle(
        f"ask:{client_network(request)}",
        limit=ASKS_PER_HOUR,
        per=timedelta(hours=1),
        sentence=_("There were many requests from your network. Please try again in a while."),
    )
    opened = await cases.open(
        right, given.get("email", ""), language=language(), who=who, details=details, also=also, browser=browser
    )
    if opened.challenge is None:
        return RedirectResponse(f"/requests/{opened.reference}", 303)
    response = RedirectResponse(f"/proofs/{opened.challenge}", 303)
    if not opened.reference and not cookie(request, "request"):
        return response  # sent twice at once: the first answer brings it
    return keep_cookie(response, "request", opened.reference, seconds=A_DAY)


async def to_new_address(request: Request, case_id: str, reference: str) -> Response:
    """Where the code that goes to the new address is typed: in this browser alone."""
    challenge = await cases.new_address.ask(case_id, browser=cookie(request, "browser") or None)
    return keep_cookie(RedirectResponse(f"/proofs/{challenge}", 303), "request", reference, seconds=A_DAY)


def _details(given: dict[str, str], rights: list[str]) -> dict[str, Any]:
    details: dict[str, Any] = {"message": given.get("message", ""), "country": given.get("country", "")}
    if "rectification" in rights:
        changes = {name: given[f"new-{name}"] for name in CORRECTABLE if given.get(f"new-{name}")}
        details["changes"] = changes
        details["old"] = {name: given[f"old-{name}"] for name in changes if given.get(f"old-{name}")}
    details |= cases.cooling.unless_said(*rights, said=given.get("delete", ""))
    if "erasure" in rights and given.get("suppress") == "yes":
        details["keep_note"] = True
    if given.get("ground"):
        details["ground"] = given["ground"]
    if given.get("delivery"):
        details["delivery"] = given["delivery"]
    if given.get("avoid"):
        details["avoid"] = given["avoid"]
    if given.get("who", "me") != "me":
        details["concerned"] = {kind: given.get(f"concerned-{kind}", "") for kind in cases.details.KINDS}
        details["concerned_name"] = given.get("concerned-name", "")
        details["permission"] = given.get("permission") == "yes"
    return details


def _form(request: Request, given: dict[str, str], chosen: list[str], problem: Invalid | None, refused: int = 422) -> Response:
    wrong = {f"new-{name}" if name in CORRECTABLE else name: words for name, words in problem.fields.items()} if problem else {}
    return page(
        request,
        "public/request-form.html",
        refused if problem else 200,
        given=given,
        chosen=chosen,
        wrong=wrong,
        sentence=problem.sentence if problem else "",
        fields=correctable().items(),
        hints=hints(),
        wanted=_wanted(),
        more=_more(),
        who=who_asks(),
    )


def correctable() -> dict[str, str]:
    return {
        "name": _("Name"),
        "email": _("E-mail address"),
        "phone": _("Phone number"),
        "street": _("Street and number"),
        "city": _("Town"),
        "postcode": _("Postcode"),
        "language": _("Language we write in"),
    }


def hints() -> dict[str, str]:
    """What to know before a field is corrected."""
    told = _("We send a code to the new address. When all is changed we write to the old one, once, and use it no more.")
    return {"email": f"{told} {_('What you said no to stays a no; what you want at the new address you switch on there.')}"}


def correctable_here() -> list[tuple[str, list[tuple[str, str]]]]:
    """The same for the preference centre: what belongs together under one heading."""
    fields = correctable()
    places = [(name, fields.pop(name)) for name in ("street", "city", "postcode")]
    return [*((words, [(name, words)]) for name, words in fields.items()), (_("Postal address"), places)]


def _wanted() -> list[tuple[str, str, str]]:
    """What most people come for: the right, the words, and what happens then."""
    return [
        ("access", _("Get a copy of my data"), _("Everything we hold, in plain words and as a file.")),
        (
            "rectification",
            _("Correct something"),
            _("You write the right value below; we change it in every system and look again."),
        ),
        (
            "erasure",
            _("Delete my data"),
            _(
                "We tell you what the law makes us keep, and until when. Advertising stops at once. Proofs of your choices that"
                " you have not downloaded cannot be made again afterwards."
            )
            + " "
            + _("Below you choose whether we delete at once or give you three days to change your mind."),
        ),
        ("objection to marketing", _("Stop all advertising"), _("At once, and you need not show who you are.")),
    ]


def _more() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Everything else, under the heading that people would look for it."""
    return [
        (
            _("Take it along, or have it used less"),
            [
                (
                    "portability",
                    _("Take my data to another company"),
                    _("What you gave us, as files that other programs can read."),
                ),
                (
                    "restriction",
                    _("Only store my data for now"),
                    _("For example while we check whether it is right. We do not use it until we have told you that this ends."),
                ),
                (
                    "objection",
                    _("Stop using my data because of my situation"),
                    _("We stop at once. We use it again only if we can show you that our reasons weigh more."),
                ),
                ("withdrawal", _("Take back everything I said yes to"), _("At once. What was done before stays lawful.")),
                ("opt-out", _("Do not sell or share my data"), _("At once, also with advertising networks.")),
                ("limit", _("Use sensitive data for nothing but what I ordered"), _("At once.")),
            ],
        ),
        (
            _("Have something looked at"),
            [
                (
                    "human review",
                    _("A person should look at a decision"),
                    _("If a program decided something about you. Say below which decision you mean."),
                ),
                ("complaint", _("Complain"), _("Say below what went wrong. You can also complain to the authority at any time.")),
            ],
        ),
    ]


def who_asks() -> list[tuple[str, str, str]]:
    """For whom somebody asks, and what we then ask to see."""
    return [
        ("me", _("For myself"), ""),
        ("agent", _("For somebody who authorised me"), _("We ask to see their signed permission or a power of attorney.")),
        (
            "child",
            _("For my child"),
            _("We ask to see the birth certificate, or a court's decision about who cares for the child."),
        ),
        ("guardian", _("For a person I am guardian of"), _("We ask to see the court's decision.")),
        ("deceased", _("About somebody who has died"), _("We ask to see the death certificate, and the will or who inherits.")),
    ]


routes = [
    get("/requests/new", show_form, guard=anyone),
    post("/requests", send, guard=anyone),
]
