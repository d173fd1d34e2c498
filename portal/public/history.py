"""What a person said over time: a picture, every answer with its text and its proof, and all of it as a file."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, consent, subjects
from portal.identity import Session
from portal.lib import clock
from portal.pages import customer, get, page
from portal.paper import _
from portal.public.receipts import is_about

AT_ONCE = 50
MOST = 5_000
WIDE = 1000  # of the picture, in its own units
EVENTS = {
    "objected": "consent.objected",
    "suppressed": "consent.suppressed",
    "restricted": "consent.restricted",
    "erased": "consent.stopped_for_erasure",
    "lifted": "consent.lifted",
    "pause": "consent.paused",
    "resumed": "consent.resumed",
}


@dataclass(frozen=True)
class Bar:
    """One line of the picture: what was on, in words (from, until or None) and as strips (place, length)."""

    title: str
    address: str
    spans: list[tuple[datetime, datetime | None]]
    strips: list[tuple[int, int]]


async def show(request: Request) -> Response:
    """All, or those about one purpose; fifty on a page."""
    person, wanted = request.state.customer.subject, request.query_params.get("purpose", "")
    titles = {each.key: each.title for each in await consent.purposes()}
    every = await consent.history(person, MOST)
    entries = [each for each in every if not wanted or each.purpose in (wanted, "*", "marketing")]
    last = max(1, -(-len(entries) // AT_ONCE))
    asked = request.query_params.get("page", "1")
    number = min(int(asked), last) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 9 and int(asked) else 1
    start, bars = await _picture(person)
    shown = entries[(number - 1) * AT_ONCE : number * AT_ONCE]
    return page(
        request,
        "public/history.html",
        entries=shown,
        proofs=await _proofs(shown, request.state.customer),
        titles=titles,
        asked_about=[
            ("", _("Everything")),
            *((key, titles[key]) for key in titles if any(each.purpose == key for each in every)),
        ],
        wanted=wanted,
        number=number,
        last=last,
        link=lambda to: "/preferences/history?" + urlencode({"purpose": wanted, "page": to}),
        source_name=consent.collection_points.called,
        bars=bars,
        start=start,
        wide=WIDE,
        cut=MOST if len(every) >= MOST and number == last else 0,
    )


async def download(request: Request) -> Response:
    """Everything about one's own choices, for people and programs (GDPR Art. 15, 20)."""
    person = request.state.customer.subject
    known = (await subjects.whole(person)).identifiers
    kinds = {each.id: each.kind for each in known}
    # Whole addresses are data, and seeing data takes a fresh proof (a request); here they are told apart by their masks.
    values = {name: subjects.mask(kinds[name], value or "") for name, value in (await subjects.values_of(known)).items()}
    every = await consent.history(person, MOST)
    content = {
        "made_at": clock.rfc3339(clock.now()),
        "choices": [_choice(each, values) for each in await consent.choices(person)],
        "wishes": {name: value for name, value in _fields(await consent.wishes(person)).items() if value},
        "history": [_entry(each, values) for each in every],
        "history_is_cut": len(every) >= MOST,
    }
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    headers = {"content-disposition": 'attachment; filename="your-choices.json"'}
    return Response(text, media_type="application/json", headers=headers)


async def _proofs(entries: list[consent.Entry], session: Session) -> dict[str, str]:
    """By line: the entry of the record that proves it, for what stopped or paused as well as for words."""
    found = {each.id + each.what: each.entry for each in entries if each.entry}
    for each in entries:
        if not each.entry:
            for entry in await audit.search(object=each.id, event=EVENTS.get(each.what, ""), limit=1):
                if await is_about(entry, session):
                    found[each.id + each.what] = entry.id
    return found


async def _picture(person: str) -> tuple[datetime, list[Bar]]:
    lanes, now = await consent.timeline(person), clock.now()
    start = min((since for lane in lanes for since, _until in lane.spans), default=now)
    values = await subjects.values_of([lane.identifier for lane in lanes])
    several = len({lane.identifier.id for lane in lanes}) > 1
    whole = max((now - start).total_seconds(), 1)

    def place(moment: datetime) -> int:
        return round(WIDE * (moment - start).total_seconds() / whole)

    bars = []
    for lane in lanes:
        strips = [(place(since), max(place(until or now) - place(since), 4)) for since, until in lane.spans]
        title = f"{lane.purpose.title} ({consent.channel_name(lane.channel)})"
        mask = subjects.mask(lane.identifier.kind, values[lane.identifier.id] or "") if several else ""
        bars.append(Bar(title, mask, lane.spans, strips))
    return start, bars


def _choice(each: consent.Choice, values: dict[str, str]) -> dict[str, Any]:
    because = each.because
    return {
        "purpose": each.purpose.key,
        "title": each.purpose.title,
        "channel": each.channel,
        "topic": each.topic.key if each.topic else None,
        "address": values.get(each.identifier.id) if each.identifier else None,
        "on": each.allowed,
        "because": None if because is None else _plain(because._asdict()),
    }


def _entry(each: consent.Entry, values: dict[str, str]) -> dict[str, Any]:
    shown = _plain(_fields(each)) | {"address": values.get(each.identifier or "")}
    receipt = f"/receipts/{each.entry}" if each.entry else None
    return {name: value for name, value in shown.items() if name not in ("identifier", "undo_until", "actor")} | {
        "receipt": receipt
    }


def _fields(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: clock.rfc3339(value) if isinstance(value, datetime) else value for name, value in fields.items()}


routes = [
    get("/preferences/history", show, guard=customer),
    get("/preferences/download", download, guard=customer),
]
