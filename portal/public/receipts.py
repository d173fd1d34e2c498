"""The proof of one decision or step, for its person: a page in plain words, and the file that anybody can check without us.

The page says what the file says, after checking it as an outsider would (GDPR Art. 5(2), 7(1), 15).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, cases, consent, documents, subjects
from portal.identity import Session
from portal.lib.errors import NotFound
from portal.pages import customer, get, page
from portal.paper import _, language
from portal.public.story import told
from portal.public.verifying import actors, names

SAID_ABOVE = (
    "purpose",
    "channel",
    "answer",
    "edition",
    "text_sha256",
    "said_at",
    "source",
    "address",
    "topic",
    "language",
    "grade",
)


@dataclass(frozen=True)
class ShownText:
    """The text a decision rests on: its edition ("" where it cannot be read here), its hash, and whether ours still has it."""

    edition: str
    name: str
    sha256: str
    same: bool


async def show(request: Request) -> Response:
    entry = await _mine(request)
    report = audit.verify_receipt(await audit.prove(entry.id), [await audit.log_key()])
    assert report.statement is not None and report.checkpoint is not None and report.time is not None
    payload: dict[str, Any] = report.statement.get("payload", {})
    return page(
        request,
        "public/receipt.html",
        entry=entry,
        heading=await _heading(entry, payload),
        facts=_facts(payload),
        who=actors().get(entry.actor.partition(":")[0], entry.actor),
        at=datetime.fromisoformat(str(report.statement["at"])),
        entered=datetime.fromisoformat(report.time),
        text=await _text(payload),
        rest=[(names().get(name, name), value) for name, value in payload.items() if value and name not in SAID_ABOVE],
        place=report.index,
        signed=report.checkpoint,
        key=await audit.log_key(),
    )


async def download(request: Request) -> Response:
    """The file itself: a C2SP tlog-proof."""
    entry = await _mine(request)
    name = f'attachment; filename="proof-{entry.id[:8]}.txt"'
    return Response(await audit.prove(entry.id), media_type="text/plain", headers={"content-disposition": name})


async def is_about(entry: audit.Entry, session: Session) -> bool:
    """A step of a request is for who proved that request; a choice is for its person."""
    if entry.case:
        shown = told(entry.event) or entry.event.startswith("consent.")
        return bool(shown) and await cases.is_of(entry.case, session)
    return entry.subject in (await subjects.whole(session.subject or "")).subjects


async def _mine(request: Request) -> audit.Entry:
    entry = await audit.entry(request.path_params["entry"])
    if entry is None or not await is_about(entry, request.state.customer):
        raise NotFound(_("There is no such proof."))
    return entry


async def _heading(entry: audit.Entry, payload: dict[str, Any]) -> str:
    """What was decided or done, in the words of the page that led here."""
    purpose = str(payload.get("purpose", ""))
    what = {each.key: each.title for each in await consent.purposes()}.get(purpose, purpose)
    answers = {
        "yes": _("Yes to: %(what)s"),
        "no": _("No to: %(what)s"),
        "informed": _("Told about: %(what)s"),
        "undone": _("Taken back: a no to %(what)s"),
        "unset": _("Back to the start: %(what)s"),
    }
    if payload.get("answer") in answers:
        return answers[payload["answer"]] % {"what": what}
    event = audit.vocabulary().get(entry.event)
    return told(entry.event) or (_(event.sentence) if event else entry.event)


def _facts(payload: dict[str, Any]) -> list[tuple[str, str]]:
    """The choice in words; nothing for a step of a request."""
    facts = []
    if payload.get("channel") in consent.CHANNELS:
        facts.append((names()["channel"], consent.channel_name(payload["channel"])))
    if payload.get("address"):
        facts.append((names()["address"], str(payload["address"])))
    if payload.get("source"):
        facts.append((names()["source"], consent.collection_points.called(payload["source"])))
    return facts


async def _text(payload: dict[str, Any]) -> ShownText | None:
    name, sha256 = str(payload.get("edition", "")), str(payload.get("text_sha256", ""))
    if not name:
        return None
    try:
        # A text of an earlier system is called without its language, and its hash is that of the file handed in.
        edition = await (documents.named(name) if "@" in name else documents.in_force(name, language()))
    except NotFound:
        return ShownText("", name, sha256, False)
    return ShownText(edition.name, edition.title, sha256, edition.sha256.hex() == sha256)


routes = [
    get("/receipts/{entry}", show, guard=customer),
    get("/receipts/{entry}/download", download, guard=customer),
]
