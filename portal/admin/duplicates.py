"""Records that may be one person's: the list, and one page that says why, where they contradict each other, and lets an
officer decide. Nothing is ever merged by itself; addresses are masked here (GDPR Art. 5(1)(c)-(d))."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, consent, db, subjects
from portal.admin import events
from portal.admin.menu import desk
from portal.admin.words import audience_name, kind_name, said
from portal.consent import Choice
from portal.lib.errors import Invalid, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _, date_text
from portal.subjects import Identifier, duplicates

PAGE = 50


@dataclass(frozen=True)
class Contradiction:
    """One cell where one record may be used and the other may not; `sides`: address, whether, and on what that rests."""

    title: str
    channel: str
    sides: list[tuple[str, bool, str]]


async def show(request: Request) -> Response:
    found = await duplicates.open_hints(before=request.query_params.get("before") or None, limit=PAGE)
    masks = await masks_of([end for each in found for end in (each.first, each.second)])
    older = f"?before={found[-1].id}" if len(found) == PAGE else ""
    return desk(request, "admin/duplicates.html", hints=found, masks=masks, why_short=why_short, older=older)


async def show_pair(request: Request) -> Response:
    return await _page(request, None)


async def link(request: Request) -> Response:
    """They are one person. A split takes it back."""
    why = (await form(request)).get("why", "")
    one, other = _both(request)
    try:
        async with db.writing():
            person = await duplicates.link(one, other, by=f"officer:{request.state.officer.id}", why=why)
    except Invalid as problem:
        return await _page(request, problem)
    return RedirectResponse(f"/admin/people/{person}", 303)


async def dismiss(request: Request) -> Response:
    """They are two people, and nobody is asked again."""
    one, other = _both(request)
    async with db.writing():
        await duplicates.dismiss(one, other, by=f"officer:{request.state.officer.id}")
    return RedirectResponse("/admin/duplicates", 303)


async def masks_of(identifiers: Sequence[Identifier]) -> dict[str, str]:
    values = await subjects.values_of(identifiers)
    return {each.id: subjects.mask(each.kind, values[each.id] or "") for each in identifiers}


def why_short(why: str) -> str:
    return {
        duplicates.MAILBOX: _("Two spellings of one mailbox"),
        duplicates.TOGETHER: _("Handed in together"),
        duplicates.FORM: _("The same address, written differently"),
    }[why]


async def _page(request: Request, problem: Invalid | None) -> Response:
    one, other = _both(request)
    people = [await subjects.whole(one), await subjects.whole(other)]
    if not all(each.identifiers for each in people):
        raise NotFound(_("There is no such person."))
    if people[0].subjects[0] == people[1].subjects[0]:
        return RedirectResponse(f"/admin/people/{people[0].subjects[0]}", 303)
    for each in people:
        if await subjects.evidence.closed(each.subjects[0]):  # what they chose is not compared any more: see evidence.py
            return RedirectResponse(f"/admin/people/{each.subjects[0]}", 303)
    async with db.writing():
        for each in people:
            by = f"officer:{request.state.officer.id}"
            said = {"role": request.state.officer.role_for("people.see")}
            await audit.record(events.LOOKED, actor=by, subject=each.subjects[0], object="duplicate", payload=said)
    masks = await masks_of([end for each in people for end in each.identifiers])
    squares = [await consent.choices(each.subjects[0], alone=True) for each in people]
    hints = await duplicates.between(one, other)
    return desk(
        request,
        "admin/pair.html",
        422 if problem else 200,
        people=people,
        masks=masks,
        reasons=[_because(each, masks) for each in hints],
        contradictions=_contradictions(squares, masks),
        objections=_objections(squares),
        grounds=[("", _("Choose")), *((each, ground_name(each)) for each in duplicates.GROUNDS)],
        kind_name=kind_name,
        audience_name=audience_name,
        wrong=problem.fields if problem else {},
        sentence=problem.sentence if problem else "",
    )


def ground_name(ground: str) -> str:
    return {
        "told us": _("They told us themselves"),
        "account": _("Same customer number or account"),
        "document": _("A letter or document shows it"),
        "same mailbox": _("Both addresses reach the same mailbox"),
    }[ground]


def _because(hint: duplicates.Hint, masks: dict[str, str]) -> str:
    told = {"first": masks[hint.first.id], "second": masks[hint.second.id], "day": date_text(hint.since), "by": _from(hint.by)}
    if hint.why == duplicates.MAILBOX:
        sentence = _(
            "%(first)s and %(second)s are most likely two spellings of one mailbox: what follows a plus sign is only a note,"
            " and Gmail ignores dots. Seen on %(day)s."
        )
        return sentence % told
    if hint.why == duplicates.FORM:
        return _("%(first)s and %(second)s are the same address in the way we compare addresses since %(day)s.") % told
    return _("%(first)s and %(second)s were handed in together on %(day)s, by %(by)s. A family often shares a number.") % told


def _from(by: str) -> str:
    names = {"import": _("a list"), "key": _("another system"), "officer": _("an officer"), "customer": _("the person")}
    return names.get(by.partition(":")[0], _("the portal"))


def _contradictions(squares: Sequence[list[Choice]], masks: dict[str, str]) -> list[Contradiction]:
    """Cells that one record allows while somebody refused them on the other; a mere "never asked" contradicts nothing."""
    places: dict[tuple[str, str, str], list[tuple[int, Choice]]] = {}
    for side, choices in enumerate(squares):
        for each in choices:
            if each.identifier is not None and each.changeable:
                places.setdefault((each.purpose.key, each.channel, each.topic.key if each.topic else ""), []).append((side, each))
    return [
        Contradiction(
            _title(met[0][1]),
            consent.channel_name(met[0][1].channel),
            [(masks[_id(each)], each.allowed, said(each)) for _side, each in met],
        )
        for met in places.values()
        if _differ(met)
    ]


def _differ(met: list[tuple[int, Choice]]) -> bool:
    allowing = {side for side, each in met if each.allowed}
    refusing = {side for side, each in met if not each.allowed and each.because is not None and each.because.what != "default"}
    return any(one != other for one in allowing for other in refusing)


def _objections(squares: Sequence[list[Choice]]) -> list[str]:
    """What stops one whole person will stop the other too."""
    days = {
        each.because.kind: date_text(each.because.at)
        for choices in squares
        for each in choices
        if each.because is not None and each.because.what == "stop" and each.because.at and each.because.kind != "suppressed"
    }
    sentences = {
        "objected": _("One of them stopped all advertising on %s."),
        "restricted": _("One of them asked on %s to leave their data unused."),
    }
    return [sentences[kind] % day for kind, day in sorted(days.items()) if kind in sentences]


def _title(choice: Choice) -> str:
    return f"{choice.purpose.title}: {choice.topic.title}" if choice.topic else choice.purpose.title


def _id(choice: Choice) -> str:
    assert choice.identifier is not None
    return choice.identifier.id


def _both(request: Request) -> tuple[str, str]:
    return request.path_params["subject"], request.path_params["other"]


routes = [
    get("/admin/duplicates", show, guard=officer("people.see")),
    get("/admin/people/{subject}/with/{other}", show_pair, guard=officer("people.see")),
    post("/admin/people/{subject}/with/{other}/link", link, guard=officer("people.change")),
    post("/admin/people/{subject}/with/{other}/dismissal", dismiss, guard=officer("people.change")),
]
