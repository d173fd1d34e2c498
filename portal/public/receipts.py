"""The proof of one decision or step, for its person: a page in plain words, and the file that anybody can check without us.

The page says what the file says, after checking it as an outsider would (GDPR Art. 5(2), 7(1), 15).
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, cases, subjects
from portal.consent import proof_words
from portal.identity import Session
from portal.lib.errors import NotFound
from portal.pages import customer, get, page
from portal.paper import _
from portal.public.story import told


async def show(request: Request) -> Response:
    entry = await _mine(request)
    report = audit.verify_receipt(await audit.prove(entry.id), [await audit.log_key()])
    assert report.statement is not None and report.checkpoint is not None and report.time is not None
    payload: dict[str, Any] = report.statement.get("payload", {})
    return page(
        request,
        "public/receipt.html",
        entry=entry,
        heading=told(entry.event) or await proof_words.heading(entry, payload),
        facts=proof_words.facts(payload),
        who=proof_words.actors().get(entry.actor.partition(":")[0], entry.actor),
        at=datetime.fromisoformat(str(report.statement["at"])),
        entered=datetime.fromisoformat(report.time),
        text=await proof_words.text(payload),
        rest=proof_words.rest(payload),
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
    if entry is None or not await is_about(entry, request.state.customer) or await subjects.evidence.closed_entry(entry):
        raise NotFound(_("There is no such proof."))
    return entry


routes = [
    get("/receipts/{entry}", show, guard=customer),
    get("/receipts/{entry}/download", download, guard=customer),
]
