"""Long lists: imports of other systems' answers (a dry run first, then its commit, its undoing), and the scrub of a list
before a mailing. The file is the body, of an earlier system's export a part beside its map; how it is read stands in the
address. It is kept nowhere: a commit sends it again, as the body.
"""

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from portal import audit, consent, subjects, vault
from portal.api import import_options, schemas, uploads
from portal.api.door import Described, answer, get, post
from portal.api.import_options import PARAMETERS, query, single
from portal.consent import GRADES, Cell, batches
from portal.identity import ApiKey
from portal.lib import clock
from portal.lib.errors import NotAllowed, NotFound
from portal.paper import _
from portal.problems import BadRequest


async def plan(request: Request, key: ApiKey) -> Response:
    """Of an earlier system a form with its file and the map; all other files are the body."""
    _require_strength(key)
    vendor = request.query_params.get(import_options.FROM)
    if vendor in batches.VENDORS:
        asked = import_options.named_in_the_address(request)
        file, map_file = await uploads.form(request, "file", "map")
        with file:
            return await _planned(file, await import_options.of_a_vendor(asked, map_file, key), key)
    if vendor not in (None, batches.HASHED):
        known = ", ".join((*batches.VENDORS, batches.HASHED))
        detail = _("There is no system %(name)s; there are: %(known)s.") % {"name": vendor, "known": known}
        raise BadRequest([{"pointer": f"/{import_options.FROM}", "detail": detail}])
    options = import_options.of_hashes(request) if vendor else import_options.of_our_own(request, key)
    with await uploads.body(request) as file:
        return await _planned(file, options, key)


async def _planned(file: vault.spool.Spool, options: batches.Options, key: ApiKey) -> Response:
    return answer(_told(await consent.batches.plan_import(file, options, by=key.actor)), 201)


async def show(request: Request, key: ApiKey) -> Response:
    return answer(_told(await _own(request, key)))


async def commit(request: Request, key: ApiKey) -> Response:
    """The same file once more; sent again after a break it goes on where it was."""
    _require_strength(key)
    batch = await _own(request, key)
    with await uploads.body(request) as file:
        batch = await consent.batches.commit_import(batch.id, file, by=key.actor)
    return answer(_told(batch))


async def undo(request: Request, key: ApiKey) -> Response:
    """Its refusals stay: only an officer can say that they were never said (`portal import --undo … --also-noes`)."""
    batch = await _own(request, key)
    if batch.options.vendor == consent.batches.HASHED:
        raise NotAllowed(_("A list of hashes is nothing but refusals. Only an officer takes it back: portal import --undo ID."))
    return answer(_told(await consent.batches.undo_import(batch.id, by=key.actor)))


async def scrub(request: Request, key: ApiKey) -> Response:
    """Streams the answer, then an empty line, then the signed receipt of all that came before that line."""
    asked = single(request, ("purpose", "channel", "topic", "map", "charset"))
    missing = [
        {"pointer": f"/{name}", "detail": _("This field is missing.")} for name in ("purpose", "channel") if name not in asked
    ]
    if missing:
        raise BadRequest(missing)
    file = await uploads.body(request)
    try:
        cell = Cell(asked["purpose"], asked["channel"], asked.get("topic", ""))
        more = {"column": asked.get("map", ""), "charset": asked.get("charset", "")}
        scrubbing = await consent.scrubbing.Scrubbing.of(file, cell, **more)
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


async def _answered(scrubbing: consent.scrubbing.Scrubbing, file: vault.spool.Spool, by: str) -> AsyncIterator[str]:
    with file:
        async for text in scrubbing.parts():
            yield text
        entry = await scrubbing.sign(by)
        yield "\n"
        await audit.sequence_all()
        yield await audit.prove(entry)


def _told(batch: batches.Batch) -> dict[str, Any]:
    bad = [{"line": line, "verdict": verdict, "why": why} for line, verdict, why in batch.problems]
    told = {"id": batch.id, "state": "undone" if batch.undone_at else batch.phase, "charset": batch.charset}
    moments = {"in_force_at": batch.in_force_at, "undone_at": batch.undone_at}
    is_hashed = batch.options.vendor == batches.HASHED
    counts = {name: batch.counts[name] for name in (_COUNTS_OF_HASHES if is_hashed else _COUNTS)}
    return told | {"counts": counts, "lines": bad} | {name: clock.rfc3339(at) for name, at in moments.items() if at}


_COUNTS = ("rows", "new", "same", "older-ignored", "held-conflict", "bad", "blank")
_COUNTS_OF_HASHES = ("rows", "new", "same", "bad", "known")
_NUMBER = {"type": "integer", "minimum": 0}
_MOMENT = {"type": "string", "format": "date-time"}
_ID = "019aa7b2-8e5d-7c31-9f00-5d1c2b3a4f60"
_BATCH = schemas.object_of(
    {
        "id": {"type": "string"},
        "state": {"enum": ["planned", "noes", "yeses", "in force", "undone"]},
        "charset": {"type": "string"},
        "counts": {"oneOf": [schemas.object_of(dict.fromkeys(each, _NUMBER)) for each in (_COUNTS, _COUNTS_OF_HASHES)]},
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
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string"}, "example": "email,answer,said_at\nana@example.com,no,2026-11-01T10:00:00Z\n"}
    },
}
_MAP = '[[cell]]\ntheirs = "Back in stock"\npurpose = "back-in-stock"\nchannel = "email"\n'
_BODY_OR_FORM = _BODY | {
    "content": _BODY["content"]
    | {
        uploads.FORM: {
            "schema": schemas.object_of(
                {
                    "file": {"type": "string", "contentMediaType": "text/csv", "description": "The export"},
                    "map": {"type": "string", "contentMediaType": "application/toml", "description": "See docs/migrate.md"},
                }
            ),
            "example": {"file": "Identifier,Purpose Name,Purpose Status,Consent Date\n", "map": _MAP},
        }
    }
}
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
            text="A dry run: nothing is recorded. Its id commits it. NDJSON comes as application/x-ndjson. With `from`, the"
            " export of an earlier system comes as a form with the parts `file` and `map`; a list of hashes has no map.",
            body=_BODY_OR_FORM,
            parameters=PARAMETERS,
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
            text="What stood before stands again; its refusals stay. A list of hashes only an officer takes back.",
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
                query("purpose", "Key of a purpose", needed=True, example="back-in-stock"),
                query("channel", "One of its channels", needed=True, example="email"),
                query("topic", "Key of one of its topics"),
                query("map", f"The column of addresses ({', '.join(subjects.KINDS)}): email=E-Mail"),
                query("charset", "When it is not recognised"),
            ),
            answers={200: {"description": "The answer and its receipt", "content": {"text/csv": {"schema": {"type": "string"}}}}},
            refuses={404: "There is no such purpose or channel."},
        ),
    ),
]
