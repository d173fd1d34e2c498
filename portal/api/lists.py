"""Long lists: imports of other systems' answers (a dry run first, then its commit, its undoing), and the scrub of a list
before a mailing. The file is the body; how it is read stands in the address. It is kept nowhere: a commit sends it again.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portal import audit, consent, settings, subjects
from portal.api import schemas
from portal.api.door import Described, answer, get, post
from portal.consent import GRADES, Cell, batches
from portal.identity import ApiKey
from portal.lib import clock
from portal.lib.errors import NotAllowed, NotFound
from portal.paper import _
from portal.problems import BadRequest, Unacceptable

MEDIA_TYPES = ("text/csv", "application/x-ndjson", "application/octet-stream")
_DEFAULTS = ("purpose", "channel", "topic", "said_at", "until", "source", "edition", "language")
_SINGLE = (*_DEFAULTS, "charset", "separator", "as_of")
_PAIRS = {"map": "columns", "answer": "answers"}


async def plan(request: Request, key: ApiKey) -> Response:
    _require_strength(key)
    options = _options(request, key)
    async with _received(request) as path:
        batch = await consent.batches.plan_import(path, options, by=key.actor, name="-")
    return answer(_told(batch), 201)


async def show(request: Request, key: ApiKey) -> Response:
    return answer(_told(await _own(request, key)))


async def commit(request: Request, key: ApiKey) -> Response:
    """The same file once more; sent again after a break it goes on where it was."""
    _require_strength(key)
    batch = await _own(request, key)
    async with _received(request) as path:
        batch = await consent.batches.commit_import(batch.id, path, by=key.actor)
    return answer(_told(batch))


async def undo(request: Request, key: ApiKey) -> Response:
    """Its refusals stay: only an officer can say that they were never said (`portal import --undo … --also-noes`)."""
    return answer(_told(await consent.batches.undo_import((await _own(request, key)).id, by=key.actor)))


async def scrub(request: Request, key: ApiKey) -> Response:
    """Streams the answer, then an empty line, then the signed receipt of all that came before that line."""
    asked = _single(request, ("purpose", "channel", "topic", "map", "charset"))
    missing = [
        {"pointer": f"/{name}", "detail": _("This field is missing.")} for name in ("purpose", "channel") if name not in asked
    ]
    if missing:
        raise BadRequest(missing)
    file = await _received_file(request)
    try:
        cell = Cell(asked["purpose"], asked["channel"], asked.get("topic", ""))
        more = {"column": asked.get("map", ""), "charset": asked.get("charset", "")}
        scrubbing = await consent.scrubbing.Scrubbing.of(_path(file), cell, **more)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_answered(scrubbing, file, key.actor), media_type="text/csv; charset=utf-8")


def _require_strength(key: ApiKey) -> None:
    """What a list says counts with the grade `import`; a key that is graded below it says nothing as strong."""
    if GRADES.index(key.grade) < GRADES.index("import"):
        raise NotAllowed(_("What comes with this key is too weak for a list of answers."))


async def _own(request: Request, key: ApiKey) -> batches.Batch:
    """For the key that planned it; for others there is no such import."""
    batch = await consent.batches.find_batch(request.path_params["batch"])
    if batch.planned_by != key.actor:
        raise NotFound(_("There is no such import."))
    return batch


async def _answered(scrubbing: consent.scrubbing.Scrubbing, file: IO[bytes], by: str) -> AsyncIterator[str]:
    with file:
        async for text in scrubbing.parts():
            yield text
        entry = await scrubbing.sign(by)
        yield "\n"
        await audit.sequence_all()
        yield await audit.prove(entry)


@asynccontextmanager
async def _received(request: Request) -> AsyncIterator[Path]:
    with await _received_file(request) as file:
        yield _path(file)


async def _received_file(request: Request) -> IO[bytes]:
    """The body in a file without a name, so that nothing is left of it, not even after a kill."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise Unacceptable(415, _("Send the body as %s.") % ", ".join(MEDIA_TYPES), {"accept": ", ".join(MEDIA_TYPES)})
    file = tempfile.TemporaryFile(dir=settings.get().var)  # noqa: SIM115  # closed with the answer
    try:
        async for block in request.stream():
            await asyncio.to_thread(file.write, block)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _path(file: IO[bytes]) -> Path:
    return Path(f"/proc/self/fd/{file.fileno()}")


def _options(request: Request, key: ApiKey) -> batches.Options:
    asked, faults = _single(request, _SINGLE, repeated=tuple(_PAIRS)), []
    pairs: dict[str, dict[str, str]] = {}
    for name, meant in _PAIRS.items():
        texts = request.query_params.getlist(name)
        faults += [
            {"pointer": f"/{name}", "detail": _("%s: write it with an equals sign.") % each} for each in texts if "=" not in each
        ]
        pairs[meant] = {ours.strip(): theirs.strip() for ours, _sign, theirs in (each.partition("=") for each in texts)}
    if faults:
        raise BadRequest(faults)
    defaults = {name: asked[name] for name in _DEFAULTS if name in asked}
    sources = tuple(sorted({*key.sources, batches.UNNAMED}))
    if (source := asked.get("source", batches.UNNAMED)) not in sources:
        raise NotAllowed(_("This key does not speak for the collection point %s.") % source)
    charset, separator, as_of = (asked.get(name, "") for name in ("charset", "separator", "as_of"))
    return batches.Options(pairs["columns"], defaults, pairs["answers"], charset, separator, as_of, sources)


def _single(request: Request, names: tuple[str, ...], repeated: tuple[str, ...] = ()) -> dict[str, str]:
    """The query by name: nothing unknown, nothing twice, nothing empty."""
    given = request.query_params.multi_items()
    faults = [
        {"pointer": f"/{name}", "detail": _("There is no such field here.")}
        for name, _value in given
        if name not in (*names, *repeated)
    ]
    single = [(name, value) for name, value in given if name in names]
    twice = {name for name, _value in single if sum(name == each for each, _other in single) > 1}
    faults += [{"pointer": f"/{name}", "detail": _("This stands there twice.")} for name in sorted(twice)]
    faults += [{"pointer": f"/{name}", "detail": _("This field is missing.")} for name, value in single if not value]
    if faults:
        raise BadRequest(faults)
    return dict(single)


def _told(batch: batches.Batch) -> dict[str, Any]:
    bad = [{"line": line, "verdict": verdict, "why": why} for line, verdict, why in batch.problems]
    told = {"id": batch.id, "state": "undone" if batch.undone_at else batch.phase, "charset": batch.charset}
    moments = {"in_force_at": batch.in_force_at, "undone_at": batch.undone_at}
    counts = {name: batch.counts[name] for name in _COUNTS}
    return told | {"counts": counts, "lines": bad} | {name: clock.rfc3339(at) for name, at in moments.items() if at}


_COUNTS = ("rows", "new", "same", "older-ignored", "held-conflict", "bad", "blank")
_NUMBER = {"type": "integer", "minimum": 0}
_MOMENT = {"type": "string", "format": "date-time"}
_ID = "019aa7b2-8e5d-7c31-9f00-5d1c2b3a4f60"
_BATCH = schemas.object_of(
    {
        "id": {"type": "string"},
        "state": {"enum": ["planned", "noes", "yeses", "in force", "undone"]},
        "charset": {"type": "string"},
        "counts": schemas.object_of(dict.fromkeys(_COUNTS, _NUMBER)),
        "lines": {
            "type": "array",
            "maxItems": 1000,
            "items": schemas.object_of(
                {"line": _NUMBER, "verdict": {"enum": ["bad", "held-conflict"]}, "why": {"type": "string"}}
            ),
        },
    },
    {"in_force_at": _MOMENT, "undone_at": _MOMENT},
)
_EXAMPLE = {
    **{"id": _ID, "state": "planned", "charset": "utf-8", "lines": [{"line": 7, "verdict": "bad", "why": "It is too long."}]},
    "counts": {"rows": 9, "new": 5, "same": 1, "older-ignored": 1, "held-conflict": 0, "bad": 1, "blank": 1},
}
_BODY = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string"}, "example": "email,answer,said_at\nana@example.com,no,2026-11-01T10:00:00Z\n"}
    },
}


def _query(name: str, description: str, *, many: bool = False, needed: bool = False, example: str = "") -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
    more = {"required": True} if needed else {}
    shown = {"example": [example] if many else example} if example else {}
    schema = {"type": "array", "items": text} if many else text
    return {"name": name, "in": "query", "description": description, "schema": schema, **more, **shown}


_PARAMETERS = (
    _query("map", "A column with another name: email=E-Mail", many=True, example="email=email"),
    _query("answer", "What they call an answer: OPT_OUT=no", many=True, example="OPT_OUT=no"),
    _query("purpose", "Where the file has no such column", example="back-in-stock"),
    _query("channel", "Where the file has no such column", example="email"),
    *(_query(name, "Where the file has no such column") for name in _DEFAULTS[2:]),
    _query("as_of", "The day you vouch for, for a yes without a date"),
    _query("charset", "When it is not recognised: utf-8, utf-16, windows-1250 or windows-1252"),
    _query("separator", "When it is not recognised"),
)
_ITSELF = {
    **{"name": "batch", "in": "path", "required": True, "example": _ID},
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
}
_UNKNOWN = {404: "This key planned no such import."}

routes = [
    post(
        "/api/v1/imports",
        plan,
        scope="imports:write",
        described=Described(
            "What a list of answers from another system would change",
            text="A dry run: nothing is recorded. Its id commits it. NDJSON comes as application/x-ndjson.",
            body=_BODY,
            parameters=_PARAMETERS,
            answers={201: schemas.answered("The plan", _BATCH, _EXAMPLE)},
        ),
    ),
    get(
        "/api/v1/imports/{batch}",
        show,
        scope="imports:write",
        described=Described(
            "An import and how far it is",
            parameters=(_ITSELF,),
            answers={200: schemas.answered("The import", _BATCH, _EXAMPLE)},
            refuses=_UNKNOWN,
        ),
    ),
    post(
        "/api/v1/imports/{batch}/commit",
        commit,
        scope="imports:write",
        described=Described(
            "Record what was planned",
            text="Send the same file again. Its refusals count at once, the rest together when it is whole.",
            body=_BODY,
            parameters=(_ITSELF,),
            answers={200: schemas.answered("The import", _BATCH, _EXAMPLE | {"state": "in force"})},
            refuses=_UNKNOWN | {409: "This is another file, or the import was taken back."},
        ),
    ),
    post(
        "/api/v1/imports/{batch}/undo",
        undo,
        scope="imports:write",
        described=Described(
            "Take an import back",
            text="What stood before stands again; its refusals stay.",
            parameters=(_ITSELF,),
            answers={200: schemas.answered("The import", _BATCH, _EXAMPLE | {"state": "undone"})},
            refuses=_UNKNOWN | {409: "Nothing of it was recorded."},
        ),
    ),
    post(
        "/api/v1/permissions/scrub",
        scrub,
        scope="lists:read",
        described=Described(
            "Which addresses of a list may be used for this?",
            text="The answer is CSV (identifier, allowed, rule), then an empty line, then a C2SP tlog-proof whose entry holds"
            " the SHA-256 of the list and of everything before the empty line.",
            body={
                "required": True,
                "content": {"text/csv": {"schema": {"type": "string"}, "example": "email\nana@example.com\n"}},
            },
            parameters=(
                _query("purpose", "Key of a purpose", needed=True, example="back-in-stock"),
                _query("channel", "One of its channels", needed=True, example="email"),
                _query("topic", "Key of one of its topics"),
                _query("map", f"The column of addresses ({', '.join(subjects.KINDS)}): email=E-Mail"),
                _query("charset", "When it is not recognised"),
            ),
            answers={200: {"description": "The answer and its receipt", "content": {"text/csv": {"schema": {"type": "string"}}}}},
            refuses={404: "There is no such purpose or channel."},
        ),
    ),
]
