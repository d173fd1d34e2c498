"""The record: who did what and when, one entry with its proof, and the check of the whole."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from portal import audit, custody, db, subjects
from portal.admin import events
from portal.admin.menu import desk
from portal.lib.errors import NotAllowed, NotFound
from portal.pages import form, get, officer, post
from portal.paper import _

PAGE = 50
FILTERS = ("event", "actor", "subject", "case", "object")


async def show(request: Request) -> Response:
    asked = request.query_params
    filters = {name: asked[name] for name in FILTERS if asked.get(name)}
    closed = await _closed(filters)
    found = [] if closed else await audit.search(**filters, before=asked.get("before") or None, limit=PAGE)
    older = f"?{urlencode(filters | {'before': found[-1].id})}" if len(found) == PAGE else ""
    vocabulary = audit.vocabulary()
    return desk(
        request,
        "admin/audit.html",
        entries=found,
        closed=closed,
        kept=await subjects.evidence.closed_among(found),
        vocabulary=vocabulary,
        names=sorted(vocabulary),
        filters=filters,
        older=older,
        checkpoint=await audit.checkpoint(),
        anchors=await custody.anchors.standings(),
        beginnings=[each for each in await audit.earlier.stored_beginnings() if each.lost],
        report=None,
    )


async def _closed(filters: dict[str, str]) -> subjects.evidence.Closed | None:
    """What somebody erased did, and when, is not read by one person alone, not even in outline."""
    person = filters.get("subject") or filters.get("actor", "").removeprefix("customer:")
    return await subjects.evidence.closed(person) if person else None


async def show_entry(request: Request) -> Response:
    entry = await audit.entry(request.path_params["entry"])
    if entry is None:
        raise NotFound(_("There is no such entry, or its contents were erased."))
    closed = await subjects.evidence.closed_entry(entry)
    payload = None if closed else await audit.open_payload(entry)
    event = audit.vocabulary().get(entry.event)
    sentence = event.sentence if event else entry.event
    return desk(request, "admin/entry.html", entry=entry, payload=payload, sentence=sentence, closed=closed)


async def download_proof(request: Request) -> Response:
    entry = await audit.entry(request.path_params["entry"])
    if entry is not None and await subjects.evidence.closed_entry(entry):
        raise NotAllowed(_("This person's data was deleted. It takes two people and a legal claim to open what is kept."))
    proof = await audit.prove(request.path_params["entry"])
    return _file(proof.encode(), f"proof-{request.path_params['entry'][:8]}.txt", "text/plain")


async def download_anchor(request: Request) -> Response:
    """What the other side answered: an RFC 3161 time stamp, or the signed state with a witness's signature."""
    anchor = await custody.anchors.find(request.path_params["anchor"])
    if anchor.kind == "timestamp":
        return _file(anchor.proof, f"checkpoint-{anchor.size}.tsr", "application/timestamp-reply")
    return _file(anchor.proof, f"checkpoint-{anchor.size}-witnessed.txt", "text/plain")


async def download_anchored(request: Request) -> Response:
    """The signed state that the time stamp is on, byte by byte."""
    anchor = await custody.anchors.find(request.path_params["anchor"])
    return _file(anchor.note, f"checkpoint-{anchor.size}.txt", "text/plain")


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


async def verify(request: Request) -> Response:
    """Check every entry, every signature and the whole tree, against a kept signature too, and say what came out."""
    kept = (await form(request)).get("kept", "")
    # A browser sends other line ends, and the end of a field is trimmed.
    report = await audit.verify_log_apart(kept="\n".join(kept.splitlines()) + "\n" if kept else "")
    async with db.writing():
        actor = f"officer:{request.state.officer.id}"
        await audit.record(events.CHECKED, actor=actor, object="log", payload={"size": report.size, "ok": report.ok})
    return desk(request, "admin/verified.html", report=report)


routes = [
    get("/admin/audit", show, guard=officer("audit.see")),
    post("/admin/audit/check", verify, guard=officer("audit.see")),
    get("/admin/audit/{entry}", show_entry, guard=officer("audit.see")),
    get("/admin/audit/{entry}/proof", download_proof, guard=officer("audit.see")),
    get("/admin/audit/anchors/{anchor}", download_anchor, guard=officer("audit.see")),
    get("/admin/audit/anchors/{anchor}/checkpoint", download_anchored, guard=officer("audit.see")),
]
