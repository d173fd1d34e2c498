"""/api/openapi.json: every route for machines, with everything it answers and refuses (OpenAPI 3.1); read without a key."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal.api import schemas
from portal.api.door import JSON, Described, Door, get_without_key, written

VERSION = "1.0.0"
_KEY_REFUSED = {
    401: schemas.refused("No valid key.", **{"WWW-Authenticate": "Bearer"}),
    403: schemas.refused("The key lacks the scope, or does not speak for the collection point."),
    429: schemas.refused("More requests in a minute than the key may send.", **{"Retry-After": "seconds"}),
}
_KEY = {"type": "http", "scheme": "bearer", "description": "A key made by `portal key add`"}
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "webhook-signature",
    "description": "Standard Webhooks 1.0: `v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`",
}
_SIGNATURE_REFUSED = {
    401: schemas.refused("Not signed by a system that may hand in.", **{"WWW-Authenticate": "How to sign"}),
    429: schemas.refused("More messages in a minute than a key may send.", **{"Retry-After": "seconds"}),
}
_ALWAYS_REFUSED = {
    500: schemas.refused("Something went wrong on our side; it carries a number."),
    503: schemas.refused("Cannot be saved or read now; try again.", **{"Retry-After": "seconds"}),
    507: schemas.refused("Cannot be saved now, because a disk is full; try again.", **{"Retry-After": "seconds"}),
}
_BODY_REFUSED = {
    413: schemas.refused("The body is larger than PORTAL_BODY_LIMIT."),
    415: schemas.refused("The body has another media type, or is compressed."),
    422: schemas.refused("Fields are wrong; `errors` names each."),
}
_NO_SUCH_ADDRESS = schemas.refused("There is nothing at an address with NUL in it, or with more than 4,000 characters.")


def routes_for(doors: Sequence[Door]) -> list[Door]:
    """The route that describes these doors and itself."""
    described = Described("This description", answers={200: schemas.answered("OpenAPI 3.1", {"type": "object"}, {})})

    async def show(request: Request) -> Response:
        return Response(document, media_type=JSON, headers={"cache-control": "no-cache"})

    itself = get_without_key("/api/openapi.json", show, described=described)
    document = written(describe([*doors, itself]))
    return [itself]


def describe(doors: Sequence[Door]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for each in doors:
        if each.described is not None:
            method = "post" if each.methods and "POST" in each.methods else "get"
            paths.setdefault(each.path, {})[method] = _operation(each, each.described)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Portal",
            "version": VERSION,
            "summary": "What people allow: recorded, asked, proven",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": schemas.PROBLEM},
            "securitySchemes": {"key": _KEY, "signature": _SIGNATURE},
        },
    }


def _operation(door: Door, described: Described) -> dict[str, Any]:
    answers = {**described.answers, **_ALWAYS_REFUSED}
    answers |= {status: schemas.refused(why) for status, why in described.refuses.items()}
    if door.scope is not None:
        answers |= _KEY_REFUSED
    if door.is_signed:
        answers |= _SIGNATURE_REFUSED
    if described.body is not None:
        answers |= _BODY_REFUSED
    if described.parameters:
        answers.setdefault(422, _BODY_REFUSED[422])
        answers.setdefault(404, _NO_SUCH_ADDRESS)
    operation: dict[str, Any] = {
        "operationId": door.name,
        "summary": described.summary,
        "description": described.text,
        "security": [{"key": []}] if door.scope else [{"signature": []}] if door.is_signed else [],
        "parameters": list(described.parameters),
        "requestBody": described.body,
        "responses": {str(status): answers[status] for status in sorted(answers)},
        "x-scope": door.scope,
    }
    return {name: part for name, part in operation.items() if part or name == "security"}
