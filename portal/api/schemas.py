"""The shapes of what comes in and goes out, in JSON Schema as OpenAPI 3.1 uses it; kept beside what reads and writes them."""

from typing import Any

from portal import cases, consent, subjects
from portal.problems import MEDIA_TYPE

Schema = dict[str, Any]

ENTRY_ID = "019aa7b2-8e5d-7c31-9f00-5d1c2b3a4f60"
_DECISION_ID = "019aa7b2-8e5c-7a40-b1d2-0c9e8f7a6b54"
_MOMENT: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339"}


def name(description: str, **more: Any) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": 120, "description": description, **more}


def object_of(needed: dict[str, Schema], perhaps: dict[str, Schema] | None = None, **more: Any) -> Schema:
    """An object with exactly these fields."""
    fields = {**needed, **(perhaps or {})}
    return {"type": "object", "properties": fields, "required": [*needed], "additionalProperties": False, **more}


def content(schema: Schema, example: Any) -> Schema:
    """A JSON request body."""
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def answered(description: str, schema: Schema, example: Any, *, replayed: bool = False) -> Schema:
    """A JSON answer."""
    headers = {"Idempotency-Replayed": {"description": "Recorded before; this is its answer.", "schema": {"const": "true"}}}
    told = {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}
    return told | ({"headers": headers} if replayed else {})


def text_answer(description: str) -> Schema:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def refused(description: str, **headers: str) -> Schema:
    """A problem (RFC 9457); `headers` by name with what they say."""
    told: Schema = {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    named = {key: {"description": says, "required": True, "schema": {"type": "string"}} for key, says in headers.items()}
    return told | ({"headers": named} if named else {})


PROBLEM = object_of(
    {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence, in the language of Accept-Language"},
    },
    {
        "errors": {
            "type": "array",
            "items": object_of(
                {"detail": {"type": "string"}},
                {"pointer": {"type": "string", "format": "json-pointer"}, "header": {"type": "string"}},
            ),
        }
    },
)

IDENTIFIER: Schema = {
    "type": "object",
    "description": "Exactly one address of the person",
    "properties": {kind: {"type": "string", "minLength": 1, "maxLength": 500} for kind in subjects.KINDS},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}

_PURPOSE, _TOPIC = name("Key of a purpose, as in newsletter"), name("Key of one of its topics")
_CHANNEL = name("One of its channels; * in a no means all", enum=[*consent.CHANNELS, consent.ALL])

DECISIONS = object_of(
    {
        "identifier": IDENTIFIER,
        "source": name("The collection point; the key has to speak for it", examples=sorted(consent.SOURCES)),
        "decisions": {
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": object_of(
                {
                    "purpose": _PURPOSE,
                    "channel": _CHANNEL,
                    "answer": {"enum": ["yes", "no", "unset", "informed"]},
                },
                {
                    "topic": _TOPIC,
                    "until": {**_MOMENT, "description": "When this yes ends by itself (RFC 3339)"},
                    "edition": name("The text shown for this item, when it is not the request's"),
                },
            ),
        },
    },
    {
        "language": name("The language the text was shown in", maxLength=20, pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$"),
        "said_at": {**_MOMENT, "description": "When it was said (RFC 3339); without it, now"},
        "edition": name("The text that was shown, as in newsletter@7/en"),
        "evidence": {"type": "object", "description": "What proves it, up to 4,000 bytes; stored encrypted"},
    },
)

SAID = {**DECISIONS, "required": [*DECISIONS["required"], "said_at"]}

DECISIONS_EXAMPLE = {
    "identifier": {"email": "ana@example.com"},
    "source": "checkout",
    "language": "en",
    "said_at": "2026-11-21T17:13:05Z",
    "edition": "back-in-stock@1/en",
    "decisions": [{"purpose": "back-in-stock", "channel": "email", "answer": "yes"}],
}

DECIDED = object_of(
    {
        "decisions": {
            "type": "array",
            "items": object_of(
                {
                    "id": {"type": "string"},
                    "purpose": {"type": "string"},
                    "channel": {"type": "string"},
                    "allowed": {"type": "boolean", "description": "What counts now; a yes may wait for its confirmation"},
                    "receipt": {"type": "string", "format": "uri-reference"},
                },
                {"topic": {"type": "string"}},
            ),
        }
    }
)

DECIDED_EXAMPLE = {
    "decisions": [
        {
            **{"id": _DECISION_ID, "purpose": "back-in-stock", "channel": "email", "allowed": True},
            "receipt": f"/receipts/{ENTRY_ID}",
        }
    ]
}

QUESTION = object_of(
    {"identifier": IDENTIFIER, "purpose": _PURPOSE, "channel": _CHANNEL},
    {"topic": _TOPIC, "at": {**_MOMENT, "description": "As it was known at this moment (RFC 3339)"}},
)

QUESTION_EXAMPLE = {"identifier": {"email": "ana@example.com"}, "purpose": "back-in-stock", "channel": "email"}

_REASON: dict[str, Schema] = {
    "decision": {"type": "string", "description": "Its id"},
    "answer": {"type": "string"},
    "stop": {"enum": ["objected", "suppressed", "restricted", "erased"]},
    "at": _MOMENT,
    "source": {"type": "string"},
    "grade": {"enum": [*consent.GRADES]},
    "edition": {"type": "string"},
    "until": _MOMENT,
}
_WHAT: Schema = {"enum": ["decision", "stop", "pause", "fixed", "default", "erased"]}
_RULE: Schema = {"type": "integer", "minimum": 1, "maximum": 7}
_TUNED: Schema = {
    "enum": ["priority", "recency"],
    "description": "It would be a yes, but for this part of policies/precedence.toml; `overruled` names that yes first",
}

_PREFERRED: Schema = {
    "type": "object",
    "description": "How the person likes to be reached: what they set, and nothing else",
    "properties": {what: {"enum": [*consent.values_for(what)]} for what in ("channel", "frequency", "hours")},
    "minProperties": 1,
    "additionalProperties": False,
}

ANSWER = object_of(
    {
        "allowed": {"type": "boolean"},
        "because": object_of({"rule": _RULE, "what": _WHAT}, _REASON | {"tuned": _TUNED}),
        "overruled": {"type": "array", "items": object_of({"what": _WHAT}, _REASON)},
    },
    {"preferred": _PREFERRED},
)

ANSWER_EXAMPLE = {
    "allowed": True,
    "because": {
        **{"rule": 4, "what": "decision", "decision": _DECISION_ID, "answer": "yes", "at": "2026-11-21T17:13:05Z"},
        **{"source": "checkout", "grade": "self", "edition": "back-in-stock@1/en"},
    },
    "overruled": [],
    "preferred": {"channel": "email", "frequency": "weekly", "hours": "evening"},
}

REFERENCE_EXAMPLE = "kR3pT9vYw2mNq8sLzXc4Ag"
_DUE: Schema = {"type": "string", "format": "date", "description": "The last day for our answer, by the law that applies"}
_STATE: Schema = {"enum": [*cases.states.STATES]}

REQUEST = object_of(
    {
        "identifier": {**IDENTIFIER, "properties": {kind: IDENTIFIER["properties"][kind] for kind in ("email", "phone", "post")}},
        "rights": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": sorted(cases.entering.OFFERED)},
            "description": "What the person asks for",
        },
    },
    {
        "language": name("The language to answer in; one that is not offered means the first one", maxLength=20),
        "country": name("Where the person lives, as in RO; without it the strictest law applies"),
        "message": {"type": "string", "minLength": 1, "maxLength": 5000},
        "changes": {
            "type": "object",
            "description": "For a correction: what is right, by field, as in phone",
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 500},
        },
        "delete": {
            "enum": [*cases.cooling.CHOICES],
            "description": "For a deletion: at once when it is agreed to, or not before three days have passed since the person"
            " confirmed, in which they can take it back; without it, later. The legal date holds in either case",
        },
        "received_at": {**_MOMENT, "description": "When it was received (RFC 3339), from which the time runs; without it, now"},
    },
)
REQUEST_EXAMPLE = {
    "identifier": {"email": "ana@example.com"},
    "rights": ["access"],
    "language": "en",
    "country": "RO",
    "received_at": "2026-10-21T17:13:05Z",
}
STANDING = object_of({"state": _STATE, "due": _DUE})
STANDING_EXAMPLE = {"state": "verifying", "due": "2026-11-23"}
REQUESTED = object_of({"reference": name("For GET; it also opens the person's own page"), "state": _STATE, "due": _DUE})
REQUESTED_EXAMPLE = {"reference": REFERENCE_EXAMPLE, **STANDING_EXAMPLE}

IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same request sent twice with the same key is done once, for two days",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    "example": "order-4711",
}

SYSTEM: Schema = {
    "name": "system",
    "in": "path",
    "required": True,
    "description": "Its name in the list of systems",
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
    "example": "letters",
}


def signed_header(name: str, description: str, example: str) -> Schema:
    told: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
    return {"name": name, "in": "header", "required": True, "description": description, "schema": told, "example": example}


ENTRY: Schema = {
    "name": "entry",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 100},
    "example": ENTRY_ID,
}
