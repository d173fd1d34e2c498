"""What we send you: the matrix of purposes and channels, each square with its reason; saved in place, with undo.

Withdrawing takes as many clicks as giving: one (GDPR Art. 7(3)). A yes names the edition that the page shows, and nobody
is asked "are you sure?": a no counts at once and can be taken back for ten minutes.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import audit, cases, consent, subjects
from portal.identity import Session
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.pages import cookie, customer, drop_cookie, form, get, keep_cookie, page, part_or_redirect, post
from portal.paper import _, language
from portal.public.reasons import source_name, why
from portal.public.story import told

SAVED = "saved"
MONTHS = {"1": 30, "3": 91}


@dataclass(frozen=True)
class Square:
    """One switch of the matrix, or the reason why there is none."""

    id: str
    name: str
    address: str
    kind: str  # switch · fixed · missing
    on: bool
    why: str
    action: str


@dataclass(frozen=True)
class Row:
    """One purpose: a square list per channel of the whole table; channels it does not use have none."""

    key: str
    title: str
    gain: str
    edition: str
    channels: list[tuple[str, str, list[Square]]]


@dataclass(frozen=True)
class Saved:
    """What was just saved, in which square; `once` is the decision that can be taken back."""

    square: str
    words: str
    once: str


async def show(request: Request) -> Response:
    rows = await _rows(request)
    on = sum(1 for row in rows if any(square.on for _key, _name, squares in row.channels for square in squares))
    names = [(key, name) for key, name, _squares in rows[0].channels] if rows else []
    paused = await _paused(request)
    saved = _kept(cookie(request, SAVED))
    response = page(request, "public/preferences.html", rows=rows, channels=names, on=on, paused=paused, saved=saved)
    return drop_cookie(response, SAVED) if saved else response


async def choose(request: Request) -> Response:
    """One square: yes or no, for the address and under the text that the page showed."""
    answer = (await form(request)).get("answer", "")
    if answer not in {"yes", "no"}:
        raise Invalid(_("Please use the switch: on or off."))
    session, topic = request.state.customer, request.query_params.get("topic", "")
    identifier = await _own(session.subject, request.query_params.get("to", ""))
    speaks_for_all = await _is_personal(session)
    if answer == "yes":
        await _may_say_yes(request.path_params["purpose"], identifier, speaks_for_all, request.query_params.get("text", ""))
    word = consent.Word(
        identifier=identifier.id,
        purpose=request.path_params["purpose"],
        channel=request.path_params["channel"],
        topic=topic,
        answer=answer,
        said_at=None,
        source="preference-centre",
        grade="self-verified" if speaks_for_all and identifier.verified_at else "self",
        actor=f"customer:{session.subject}",
        edition=request.query_params.get("text", ""),
        language=language(),
    )
    [decided] = (await consent.submit(consent.Submission((word,)))).decided
    done = answer if answer == "no" or await _is_on(decided.word) else "waiting"
    return await _answer(request, decided.word, done, once=decided.id if answer == "no" else "")


async def undo(request: Request) -> Response:
    if not await _is_personal(request.state.customer):
        raise NotAllowed(_only_its_own())
    decided = await consent.undo((await form(request)).get("once", ""), f"customer:{request.state.customer.subject}")
    return await _answer(request, decided.word, "undone")


async def stop_all(request: Request) -> Response:
    """Advertising ends on every address of the person, at once (GDPR Art. 21(3))."""
    await consent.object_to_marketing(request.state.customer.subject, by=f"customer:{request.state.customer.subject}")
    return RedirectResponse("/preferences", 303)


async def pause(request: Request) -> Response:
    days = MONTHS.get((await form(request)).get("months", ""))
    if days is None:
        raise Invalid(_("Please choose how long to pause."))
    person = request.state.customer.subject
    await consent.pause(person, until=clock.now() + timedelta(days=days), by=f"customer:{person}")
    return RedirectResponse("/preferences", 303)


async def resume(request: Request) -> Response:
    person = request.state.customer.subject
    await consent.resume(person, by=f"customer:{person}")
    return RedirectResponse("/preferences", 303)


async def show_history(request: Request) -> Response:
    """Every answer with the text it was given under and its proof."""
    titles = {each.key: each.title for each in await consent.purposes()}
    entries = await consent.history(request.state.customer.subject)
    return page(request, "public/history.html", entries=entries, titles=titles, source_name=source_name)


async def download_receipt(request: Request) -> Response:
    """The proof of one entry about this person: a file that anybody can check without us."""
    entry = await audit.entry(request.path_params["entry"])
    if entry is None or not await _is_about(entry, request.state.customer):
        raise NotFound(_("There is no such proof."))
    name = f'attachment; filename="proof-{entry.id[:8]}.txt"'
    return Response(await audit.prove(entry.id), media_type="text/plain", headers={"content-disposition": name})


async def _is_about(entry: audit.Entry, session: Session) -> bool:
    """A step of a request is for who proved that request; a choice is for its person."""
    if entry.case:
        return bool(told(entry.event)) and await cases.is_of(entry.case, session)
    return entry.subject in (await subjects.whole(session.subject or "")).subjects


async def _answer(request: Request, word: consent.Word, done: str, once: str = "") -> Response:
    row = next(each for each in await _rows(request) if each.key == word.purpose)
    kept = f"{_square_id(word.purpose, word.channel, word.topic, word.identifier)}.{done}.{once}"
    to = f"/preferences#purpose-{word.purpose}"
    response = part_or_redirect(request, "public/_purpose.html", to, row=row, saved=_kept(kept))
    # Without scripts the page that follows says it, once; a link from elsewhere cannot make it say so.
    return response if response.status_code == 200 else keep_cookie(response, SAVED, kept, seconds=60)


def _kept(kept: str) -> Saved | None:
    """What was saved, from square, act and decision with dots between."""
    square, _dot, rest = kept.partition(".")
    done, _dot, once = rest.partition(".")
    words = {
        "yes": _("Done. It is on."),
        "waiting": _("Your yes is kept. It is not on yet, because a pause or a stop still holds."),
        "no": _("Done. A message already on its way may still arrive today."),
        "undone": _("Taken back. It is as it was before."),
    }
    return Saved(square, words[done], once) if done in words else None


async def _is_on(word: consent.Word) -> bool:
    return (await consent.permission(word.identifier, word.purpose, word.channel, word.topic)).allowed


async def _is_personal(session: Session) -> bool:
    """A family's or a role's address may stop everything and sees it, but switches nothing on for others."""
    signed_in_with = await subjects.get(session.identifier or "")
    return signed_in_with.audience == "person"


async def _may_say_yes(purpose: str, identifier: subjects.Identifier, speaks_for_all: bool, shown: str) -> None:
    """A yes is for a confirmed address of the person's own, under the text in force that the page showed."""
    if not speaks_for_all:
        raise NotAllowed(_only_its_own())
    in_force = {each.key: each for each in await consent.purposes()}.get(purpose)
    if in_force is not None and not shown.startswith(f"{purpose}@{in_force.number}/"):
        raise Conflict(_("This text has changed since you opened the page. Please look at it again."))
    if in_force is not None and in_force.double_opt_in and identifier.verified_at is None:
        raise NotAllowed(_("Please confirm this address first: sign in with it once, then switch it on."))


def _only_its_own() -> str:
    return _("Several people use the address you signed in with, so it can switch things off but not on.")


async def _own(subject: str, identifier_id: str) -> subjects.Identifier:
    for each in (await subjects.whole(subject)).identifiers:
        if each.id == identifier_id:
            return each
    raise NotFound(_("We do not know this address as yours."))


async def _paused(request: Request) -> bool:
    found = await consent.choices(request.state.customer.subject)
    return any(cell.because is not None and cell.because.what == "pause" for cell in found)


async def _rows(request: Request) -> list[Row]:
    # A topic has a square of its own while it is on, so that whatever is on can be seen and stopped.
    found = [cell for cell in await consent.choices(request.state.customer.subject) if cell.topic is None or cell.allowed]
    known = {cell.identifier.id: cell.identifier for cell in found if cell.identifier is not None}
    values = await subjects.values_of(list(known.values()))
    masks = {each.id: subjects.mask(each.kind, values[each.id] or "") for each in known.values()}
    used = [channel for channel in consent.CHANNELS if any(cell.channel == channel for cell in found)]
    rows = []
    for purpose, group in groupby(found, key=lambda cell: cell.purpose):
        cells = list(group)
        channels = [(channel, consent.channel_name(channel), _squares(cells, channel, masks)) for channel in used]
        rows.append(Row(purpose.key, purpose.title, purpose.value, purpose.edition, channels))
    return rows


def _squares(cells: list[consent.Choice], channel: str, masks: dict[str, str]) -> list[Square]:
    """One per address; which address it is stands there only when there are several."""
    mine = [cell for cell in cells if cell.channel == channel]
    several = len({cell.identifier for cell in mine}) > 1
    return [_square(cell, masks if several else {}) for cell in mine]


def _square(cell: consent.Choice, masks: dict[str, str]) -> Square:
    identifier = cell.identifier.id if cell.identifier else ""
    kind = "missing" if cell.identifier is None else "switch" if cell.changeable else "fixed"
    topic = cell.topic.key if cell.topic else ""
    query = urlencode({"to": identifier, "text": cell.edition} | ({"topic": topic} if topic else {}))
    channel = consent.channel_name(cell.channel)
    return Square(
        id=_square_id(cell.purpose.key, cell.channel, topic, identifier),
        name=f"{channel}: {cell.topic.title}" if cell.topic else channel,
        address=masks.get(identifier, ""),
        kind=kind,
        on=cell.allowed,
        why=why(cell),
        action=f"/preferences/{cell.purpose.key}/{cell.channel}?{query}",
    )


def _square_id(purpose: str, channel: str, topic: str, identifier: str) -> str:
    return "-".join(part for part in (purpose, channel, topic, identifier[-6:]) if part)


routes = [
    get("/preferences", show, guard=customer),
    get("/preferences/history", show_history, guard=customer),
    post("/preferences/undo", undo, guard=customer),
    post("/preferences/stop", stop_all, guard=customer),
    post("/preferences/pause", pause, guard=customer),
    post("/preferences/resume", resume, guard=customer),
    post("/preferences/{purpose}/{channel}", choose, guard=customer),
    get("/receipts/{entry}", download_receipt, guard=customer),
]
