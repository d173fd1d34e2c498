"""Requests of people, handed in by the program where they asked: a shop's own form, a call centre (GDPR Art. 12(2)).

The answer is the same whether we know the address or not. The person gets a mail and confirms; what a program says about
who asked proves nothing here.
"""

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import cases, db
from portal.api import schemas
from portal.api.decisions import idempotency_key
from portal.api.door import Described, answer, get, json_body, post, written
from portal.api.fields import Faults, an_object, escaped, identifier, past_moment, text
from portal.identity import ApiKey
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.problems import BadRequest

LONGEST_MESSAGE = 5_000
_FIELDS = frozenset({"identifier", "rights", "language", "country", "message", "changes", "delete", "received_at"})
KINDS = ("email", "phone", "post")


async def take(request: Request, key: ApiKey) -> Response:
    once_key = idempotency_key(request)
    raw, said = await json_body(request)
    read = _read(said)
    once, request_hash = f"api/{key.id}/{once_key}", hashlib.sha256(b"POST /api/v1/requests\n" + raw).digest()
    async with db.writing():
        kept = (await db.kept_replies([once])).get(once) if once_key else None
        if kept is not None:
            return _again(kept, request_hash)
        try:
            opened = await cases.open(**read, source="api", actor=key.actor)
        except Invalid as problem:
            raise BadRequest(_pointed(problem)) from problem
        told = written({"reference": opened.reference, **await _standing(opened.reference)})
        if once_key:
            await db.keep_replies([(once, request_hash, told)])
    return Response(told, 201, media_type="application/json")


async def show(request: Request, key: ApiKey) -> Response:
    """How far it is, and until when the law gives us; nothing else."""
    return answer(await _standing(request.path_params["reference"]))


async def _standing(reference: str) -> dict[str, str]:
    status = await cases.status_for_person(reference)
    return {"state": status.state, "due": status.due_on.isoformat()}


def _again(kept: tuple[bytes, str], request_hash: bytes) -> Response:
    if kept[0] != request_hash:
        raise Conflict(_("This Idempotency-Key was used for a different request. Use a new key for a new request."))
    return Response(kept[1], 201, headers={"idempotency-replayed": "true"}, media_type="application/json")


def _read(said: Any) -> dict[str, Any]:
    faults = Faults()
    body = an_object(said, _FIELDS, ("identifier", "rights"), faults)
    kind, value = identifier(body, faults)
    if kind and kind not in KINDS:
        faults.add("/identifier", _("This has to be an object with exactly one of: %s.") % ", ".join(KINDS))
    rights, known = body.get("rights"), cases.entering.OFFERED
    if not isinstance(rights, list) or not rights or not all(isinstance(each, str) and each in known for each in rights):
        if "rights" in body:
            faults.add("/rights", _("This has to be a list of: %s.") % ", ".join(sorted(known)))
        rights = []
    language, country = text(body, "language", faults), text(body, "country", faults)
    message = text(body, "message", faults, longest=LONGEST_MESSAGE)
    changes = an_object(body.get("changes", {}), body.get("changes") or {}, (), faults, "/changes")
    new = {name: text(changes, name, faults, "/changes", 500) for name in changes}
    delete = body.get("delete", "")
    if "delete" in body and ("erasure" not in rights or delete not in cases.cooling.CHOICES):
        faults.add("/delete", _("This has to be one of: %s, where a deletion is asked for.") % ", ".join(cases.cooling.CHOICES))
    received = past_moment(body, "received_at", faults)
    faults.refuse()
    details = {"message": message, "country": country.upper()} | ({"changes": new} if new else {})
    details |= cases.cooling.unless_said(*rights, said=delete)
    return {
        "right": rights[0],
        "address": value,
        "kind": kind,
        "also": rights[1:],
        "language": language,
        "details": details,
        "received_at": received,
    }


def _pointed(problem: Invalid) -> list[dict[str, str]]:
    places = {"right": "/rights", "changes": "/changes", "message": "/message", "received_at": "/received_at"}
    return [
        {"pointer": places.get(name, f"/changes/{escaped(name)}"), "detail": each} for name, each in problem.fields.items()
    ] or [{"pointer": "", "detail": problem.sentence}]


_REFERENCE = {
    "name": "reference",
    "in": "path",
    "required": True,
    "description": "From the answer to POST; whoever has it sees how far the request is, and nothing personal",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
    "example": schemas.REFERENCE_EXAMPLE,
}
_TAKEN = Described(
    "Hand in a person's request",
    text="The answer says nothing about whether the address is known. The person confirms by a mail; with a telephone number"
    " or postal address an officer confirms with them.",
    parameters=(schemas.IDEMPOTENCY_KEY,),
    body=schemas.content(schemas.REQUEST, schemas.REQUEST_EXAMPLE),
    answers={201: schemas.answered("Taken", schemas.REQUESTED, schemas.REQUESTED_EXAMPLE, replayed=True)},
    refuses={
        400: "Not JSON, or JSON that could be read in two ways.",
        409: "The Idempotency-Key was used for another request.",
        429: "More requests in a minute than the key may send, or several for this address today.",
    },
)
_SHOWN = Described(
    "How far a request is",
    parameters=(_REFERENCE,),
    answers={200: schemas.answered("State and legal date", schemas.STANDING, schemas.STANDING_EXAMPLE)},
    refuses={404: "There is no such request."},
)

routes = [
    post("/api/v1/requests", take, scope="cases:write", described=_TAKEN),
    get("/api/v1/requests/{reference}", show, scope="cases:write", described=_SHOWN),
]
