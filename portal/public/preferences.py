"""What we send you: the matrix of purposes and channels, each square with its reason; saved in place, with undo.

Withdrawing takes as many clicks as giving: one (GDPR Art. 7(3)). A yes names the edition that the page shows, and nobody
is asked "are you sure?": a no counts at once and can be taken back for ten minutes.
"""

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal import connectors, consent, sites, subjects
from portal.identity import Session
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.pages import cookie, customer, drop_cookie, form, get, is_signalled, keep_cookie, page, part_or_redirect, post
from portal.paper import _, date_text, language
from portal.public.addresses import addresses_of, is_their_own, only_with_their_own
from portal.public.asking import correctable_here, hints
from portal.public.breaks import days_to_choose
from portal.public.reasons import why
from portal.public.wishes import fields_of

SAVED, AGAINST = "saved", "against"


@dataclass(frozen=True)
class Square:
    """One switch of the matrix, or the reason why there is none. `waiting`: the yes that its address has to confirm; `folded`: a
    topic that is off, kept where it can be found."""

    id: str
    name: str
    address: str
    kind: str  # switch · fixed · missing
    on: bool
    why: str
    action: str
    waiting: str = ""
    topic: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Row:
    """One purpose: a square list per channel of the whole table; channels it does not use have none. `stopped`: the browser's
    signal stops this kind."""

    key: str
    title: str
    gain: str
    edition: str
    channels: list[tuple[str, str, list[Square]]]
    stopped: bool

    @property
    def on(self) -> bool:
        return any(square.on for _key, _name, squares in self.channels for square in squares)


@dataclass(frozen=True)
class Saved:
    """What was just saved, in which square; `once` is the decision that can be taken back. `asks`: nothing was saved, because
    a yes against the browser's signal takes a second step (11 CCR 7028)."""

    square: str
    words: str
    once: str
    asks: bool


async def show(request: Request) -> Response:
    rows = await _rows(request)
    names = [(key, name) for key, name, _squares in rows[0].channels] if rows else []
    session, saved = request.state.customer, _kept(cookie(request, SAVED))
    if is_signalled(request) and (stopped := [row for row in rows if row.stopped]):
        request.state.signal = sites.signals.in_words(some_on=any(row.on for row in stopped))
    response = page(
        request,
        "public/preferences.html",
        rows=rows,
        channels=names,
        on=sum(row.on for row in rows),
        paused=await _paused(request),
        saved=saved,
        days=days_to_choose(),
        correctable=correctable_here(),
        hints=hints(),
        fields=await fields_of(session.subject),
        kept=False,
        addresses=await addresses_of(session),
        personal=await is_their_own(session),
        late=await _late(session),
    )
    return drop_cookie(response, SAVED) if saved else response


async def choose(request: Request) -> Response:
    """One square: yes or no, for the address and under the text that the page showed."""
    given = await form(request)
    answer, despite = given.get("answer", ""), given.get("despite") == "signal"
    if answer not in {"yes", "no"}:
        raise Invalid(_("Please use the switch: on or off."))
    session, topic = request.state.customer, request.query_params.get("topic", "")
    identifier = await _own(session.subject, request.query_params.get("to", ""))
    speaks_for_all = await is_their_own(session)
    if answer == "yes":
        await _may_say_yes(request.path_params["purpose"], identifier, session, request.query_params.get("text", ""))
        if is_signalled(request) and not despite and await _is_stopped(request.path_params["purpose"]):
            cell = consent.Cell(request.path_params["purpose"], request.path_params["channel"], topic)
            return await _answer_about(request, identifier.id, cell, AGAINST)
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
        evidence={"from": sites.signals.AGAINST} if answer == "yes" and despite and is_signalled(request) else None,
    )
    [decided] = (await consent.submit(consent.Submission((word,)))).decided
    done = answer if answer == "no" or await _is_on(decided.word) else "asked" if decided.state == "pending" else "waiting"
    return await _answer(request, decided.word, done, once=decided.id if answer == "no" and speaks_for_all else "")


async def undo(request: Request) -> Response:
    await only_with_their_own(request.state.customer)
    decided = await consent.undo((await form(request)).get("once", ""), f"customer:{request.state.customer.subject}")
    return await _answer(request, decided.word, "undone")


async def ask_again(request: Request) -> Response:
    """The mail that asks an address to confirm a yes, once more."""
    decision, session = (await form(request)).get("waiting", ""), request.state.customer
    found = next((each for each in await consent.awaiting.pending(session.subject) if each.decision == decision), None)
    if found is None:
        raise NotFound(_("There is nothing to confirm."))
    await consent.confirmation.ask_again(decision, session.subject)
    return await _answer_about(request, found.identifier, found.cell, "asked")


async def stop_all(request: Request) -> Response:
    """Advertising ends on every address of the person, at once (GDPR Art. 21(3))."""
    await consent.stops.object_to_marketing(request.state.customer.subject, by=f"customer:{request.state.customer.subject}")
    return RedirectResponse("/preferences", 303)


async def _answer(request: Request, word: consent.Word, done: str, once: str = "") -> Response:
    return await _answer_about(request, word.identifier, word.cell, done, once)


async def _answer_about(request: Request, identifier: str, cell: consent.Cell, done: str, once: str = "") -> Response:
    row = next(each for each in await _rows(request) if each.key == cell.purpose)
    kept = f"{_square_id(*cell, identifier)}.{done}.{once}"
    to = f"/preferences#purpose-{cell.purpose}"
    response = part_or_redirect(request, "public/_purpose.html", to, row=row, saved=_kept(kept))
    # Without scripts the page that follows says it, once; a link from elsewhere cannot make it say so.
    return response if response.status_code == 200 else keep_cookie(response, SAVED, kept, seconds=60)


def _kept(kept: str) -> Saved | None:
    """What was saved, from square, act and decision with dots between."""
    square, _dot, rest = kept.partition(".")
    done, _dot, once = rest.partition(".")
    words = {
        "yes": _("Done. It is on."),
        "asked": _("We have sent a message to this address. It is on once you confirm there."),
        "waiting": _("Your yes is kept. It is not on yet, because a pause or a stop still holds."),
        "no": _("Done. A message already on its way may still arrive today."),
        "undone": _("Taken back. It is as it was before."),
        AGAINST: _("Your browser asks us not to. Allow it all the same?"),
    }
    return Saved(square, words[done], once, done == AGAINST) if done in words else None


async def _is_stopped(purpose: str) -> bool:
    return any(each.key == purpose and sites.signals.is_stopped(each) for each in await consent.purposes())


async def _is_on(word: consent.Word) -> bool:
    return (await consent.permission(word.identifier, word.purpose, word.channel, word.topic)).allowed


async def _may_say_yes(purpose: str, identifier: subjects.Identifier, session: Session, shown: str) -> None:
    """A yes is for a confirmed address of the person's own, under the text in force that the page showed."""
    await only_with_their_own(session)
    in_force = {each.key: each for each in await consent.purposes()}.get(purpose)
    if in_force is not None and not shown.startswith(f"{purpose}@{in_force.number}/"):
        raise Conflict(_("This text has changed since you opened the page. Please look at it again."))
    if identifier.audience == subjects.FORMER:
        raise NotAllowed(_("You told us that this address is no longer yours."))
    if in_force is not None and in_force.double_opt_in and identifier.verified_at is None and identifier.kind != "email":
        raise NotAllowed(_("Please confirm this address first: sign in with it once, then switch it on."))


async def _own(subject: str, identifier_id: str) -> subjects.Identifier:
    for each in (await subjects.whole(subject)).identifiers:
        if each.id == identifier_id:
            return each
    raise NotFound(_("We do not know this address as yours."))


async def _paused(request: Request) -> bool:
    found = await consent.choices(request.state.customer.subject)
    return any(cell.because is not None and cell.because.what == "pause" for cell in found)


async def _rows(request: Request) -> list[Row]:
    person = request.state.customer.subject
    waiting = {(each.identifier, each.cell): each for each in await consent.awaiting.pending(person)}
    found = [cell for cell in await consent.choices(person) if cell.topic is None or (cell.identifier and cell.changeable)]
    found = [cell for cell in found if cell.identifier is None or cell.identifier.audience != subjects.FORMER]
    known = {cell.identifier.id: cell.identifier for cell in found if cell.identifier is not None}
    values = await subjects.values_of(list(known.values()))
    masks = {each.id: subjects.mask(each.kind, values[each.id] or "") for each in known.values()}
    used = [channel for channel in consent.CHANNELS if any(cell.channel == channel for cell in found)]
    rows = []
    for purpose, group in groupby(found, key=lambda cell: cell.purpose):
        cells = list(group)
        channels = [(channel, consent.channel_name(channel), _squares(cells, channel, masks, waiting)) for channel in used]
        stopped = sites.signals.is_stopped(purpose)
        rows.append(Row(purpose.key, purpose.title, purpose.value, purpose.edition, channels, stopped))
    return rows


def _place(cell: consent.Choice) -> tuple[str, consent.Cell]:
    place = consent.Cell(cell.purpose.key, cell.channel, cell.topic.key if cell.topic else "")
    return (cell.identifier.id if cell.identifier else ""), place


def _squares(
    cells: list[consent.Choice],
    channel: str,
    masks: dict[str, str],
    waiting: dict[tuple[str, consent.Cell], consent.awaiting.Pending],
) -> list[Square]:
    """One per address; which address it is stands there only when there are several."""
    mine = [cell for cell in cells if cell.channel == channel]
    several = len({cell.identifier for cell in mine}) > 1
    return [_square(cell, masks if several else {}, None if cell.allowed else waiting.get(_place(cell))) for cell in mine]


def _square(cell: consent.Choice, masks: dict[str, str], waiting: consent.awaiting.Pending | None) -> Square:
    identifier = cell.identifier.id if cell.identifier else ""
    kind = "missing" if cell.identifier is None else "switch" if cell.changeable else "fixed"
    topic = cell.topic.key if cell.topic else ""
    query = urlencode({"to": identifier, "text": cell.edition} | ({"topic": topic} if topic else {}))
    channel = consent.channel_name(cell.channel)
    return Square(
        id=_square_id(cell.purpose.key, cell.channel, topic, identifier),
        name=cell.topic.title if cell.topic else channel,
        address=masks.get(identifier, ""),
        kind=kind,
        on=cell.allowed,
        why=why(cell) if waiting is None else _until_confirmed(waiting),
        action=f"/preferences/{cell.purpose.key}/{cell.channel}?{query}",
        waiting=waiting.decision if waiting else "",
        topic=cell.topic is not None,
        folded=cell.topic is not None and not cell.allowed and waiting is None,
    )


def _until_confirmed(waiting: consent.awaiting.Pending) -> str:
    told = {"day": date_text(waiting.ends_at)}
    return _("Waiting for your confirmation: open the message we sent to this address, by %(day)s.") % told


async def _late(session: Session) -> list[str]:
    """The systems that have not taken what the person said for over an hour, by the names people know them by."""
    titles = {each.name: each.title for each in connectors.systems()}
    return [titles.get(name, name) for name in await consent.standings.unconfirmed(session.subject or "")]


def _square_id(purpose: str, channel: str, topic: str, identifier: str) -> str:
    return "-".join(part for part in (purpose, channel, topic, identifier[-6:]) if part)


routes = [
    get("/preferences", show, guard=customer),
    post("/preferences/undo", undo, guard=customer),
    post("/preferences/stop", stop_all, guard=customer),
    post("/preferences/confirmations", ask_again, guard=customer),
    post("/preferences/{purpose}/{channel}", choose, guard=customer),
]
