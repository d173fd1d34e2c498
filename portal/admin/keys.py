"""Keys of other programs: who may speak to the portal, as whom, and from where; made here, shown once, and ended.

A key opens a door to people's choices, so making and ending one takes a fresh second factor (GDPR Art. 32(1)(b)).
"""

from dataclasses import dataclass, field
from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import consent, identity
from portal.admin.menu import desk
from portal.admin.step_up import is_due, kept, step_up
from portal.identity import ApiKey
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, TooMany
from portal.pages import form, get, officer, post
from portal.paper import _

# Who a key hears people at.
_HEARS = frozenset({"decisions:write", "imports:write"})


@dataclass
class _Given:
    """The form as it was sent."""

    label: str = ""
    scopes: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    grade: str = ""
    proves: bool = False


async def show(request: Request) -> Response:
    names = {f"officer:{each.id}": each.name for each in await identity.officers()}
    everything = sorted(await identity.keys(), key=lambda each: each.made_at, reverse=True)
    return desk(
        request,
        "admin/keys.html",
        keys=sorted(everything, key=lambda each: each.revoked_at is not None),
        made_by=lambda each: names.get(each.made_by, _("the operator")),
        used_on=_used_on,
        grade_name=grade_name,
    )


async def ask(request: Request) -> Response:
    return _form(request, _Given(), {})


async def make(request: Request) -> Response:
    """The answer is the only page that ever shows the secret."""
    fields = await form(request)
    several = await request.form()
    given = _Given(
        fields.get("label", ""),
        [str(each) for each in several.getlist("scopes")],
        [str(each) for each in several.getlist("sources")],
        fields.get("grade", ""),
        "proves" in fields,
    )
    try:
        _check(given)
        await step_up(request, fields.get("code", ""))
        made, secret = await identity.add_key(
            given.label,
            scopes=given.scopes,
            sources=given.sources,
            grade=given.grade,
            by=request.state.officer,
            proves_people=given.proves,
        )
    except Invalid as problem:
        return kept(request, _form(request, given, problem.fields, 422))
    except (NotAllowed, Conflict, TooMany) as problem:
        return _again(problem, _form(request, given, {"code": problem.sentence}, problem.status))
    return kept(request, desk(request, "admin/key-made.html", key=made, secret=secret))


async def ask_to_revoke(request: Request) -> Response:
    return _revocation(request, await _running(request), {})


async def revoke(request: Request) -> Response:
    key, fields = await _running(request), await form(request)
    try:
        await step_up(request, fields.get("code", ""))
    except (NotAllowed, Conflict, TooMany) as problem:
        return _again(problem, _revocation(request, key, {"code": problem.sentence}, problem.status))
    await identity.revoke_key(key.id, by=request.state.officer)
    return kept(request, RedirectResponse("/admin/keys", 303))


def scope_names() -> dict[str, tuple[str, str]]:
    """What a key may be allowed, in a sentence; and what stops when that is over. Each is taken by a door."""
    return {
        "decisions:write": (_("Hand in what people say: yes, no, or no longer."), _("It can no longer hand in what people say.")),
        "decisions:read": (_("Fetch the proof of what was handed in."), _("It can no longer fetch proofs.")),
        "permissions:read": (
            _("Ask whether one address may be used for something, and why."),
            _("It can no longer ask before it sends; a program that sends all the same does so without knowing."),
        ),
        "lists:read": (_("Check whole lists of addresses at once."), _("It can no longer check lists.")),
        "imports:write": (
            _("Bring in files of earlier choices, and take them back."),
            _("Files that it began to bring in stay as they are."),
        ),
        "cases:write": (
            _("Hand in requests of people, and ask how far they are."),
            _("It can no longer hand in requests. Those it handed in go on."),
        ),
        "unsubscribe:write": (
            _("Make links that stop a message, and report addresses that bounce or complain."),
            _("It gets no new links, and bounces no longer reach us. Links in messages that were sent go on working."),
        ),
    }


def grade_name(grade: str) -> str:
    """How sure we are who spoke, in words."""
    return {
        "self-verified": _("The person, who proved who they are"),
        "self": _("The person"),
        "agent": _("Somebody the person authorised"),
        "staff": _("One of us, on the person's behalf"),
        "import": _("Earlier records"),
        "signal": _("A signal of a browser"),
    }[grade]


def _check(given: _Given) -> None:
    """What the lists of the form allow; the rest is checked where keys are made."""
    wrong = {}
    if not set(given.scopes) <= scope_names().keys():
        wrong["scopes"] = _("Please choose one of the answers offered.")
    if not set(given.sources) <= set(consent.collection_points.names()):
        wrong["sources"] = _("Please choose one of the answers offered.")
    elif not given.sources and _HEARS & set(given.scopes):
        wrong["sources"] = _("Choose where this program hears people; without it nothing can be handed in.")
    if given.grade not in consent.GRADES:
        wrong["grade"] = _("Choose who speaks through this program.")
    if wrong:
        raise Invalid(" ".join(wrong.values()), wrong)


def _form(request: Request, given: _Given, wrong: dict[str, str], status: int = 200) -> Response:
    scopes = [(scope, sentence, scope) for scope, (sentence, _over) in scope_names().items()]
    points = [(name, name, f"“… {consent.collection_points.called(name)}”") for name in consent.collection_points.names()]
    grades = [(grade, grade_name(grade), "") for grade in reversed(consent.GRADES)]
    context = {"given": given, "wrong": wrong, "scopes": scopes, "points": points, "grades": grades}
    return desk(request, "admin/key-new.html", status, **context, due=is_due(request))


def _revocation(request: Request, key: ApiKey, wrong: dict[str, str], status: int = 200) -> Response:
    stops = [over for scope, (_sentence, over) in scope_names().items() if scope in key.scopes]
    asked = {"wrong": wrong, "due": is_due(request)}
    return desk(request, "admin/key-revocation.html", status, key=key, stops=stops, used_on=_used_on, **asked)


def _used_on(key: ApiKey) -> date | None:
    return date.fromisoformat(key.used_on) if key.used_on else None


async def _running(request: Request) -> ApiKey:
    wanted = request.path_params["key"]
    for each in await identity.keys():
        if each.id == wanted and each.revoked_at is None:
            return each
    raise NotFound(_("There is no such key, or it was revoked already."))


def _again(problem: Refusal, response: Response) -> Response:
    if isinstance(problem, TooMany):
        response.headers["retry-after"] = str(problem.retry_after)
    return response


routes = [
    get("/admin/keys", show, guard=officer("keys.see")),
    get("/admin/keys/new", ask, guard=officer("keys.change")),
    post("/admin/keys", make, guard=officer("keys.change")),
    get("/admin/keys/{key}/revocation", ask_to_revoke, guard=officer("keys.change")),
    post("/admin/keys/{key}/revocation", revoke, guard=officer("keys.change")),
]
