"""May we? Asked by every sending system before every message, and by an officer about any day: the answer and why."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import consent
from portal.api import schemas
from portal.api.door import Described, answer, json_body, post
from portal.api.fields import Faults, an_object, identifier, past_moment, text
from portal.consent import Because, Cell, Told
from portal.identity import ApiKey
from portal.lib import clock

_FIELDS = frozenset({"identifier", "purpose", "channel", "topic", "at"})
_WISHES = ("channel", "frequency", "hours")


async def check(request: Request, key: ApiKey) -> Response:
    _raw, said = await json_body(request)
    faults = Faults()
    body = an_object(said, _FIELDS, ("identifier", "purpose", "channel"), faults)
    kind, value = identifier(body, faults)
    cell = Cell(text(body, "purpose", faults), text(body, "channel", faults), text(body, "topic", faults))
    at = past_moment(body, "at", faults)
    faults.refuse()
    found = await consent.ask(kind, value, cell, None if at is None else min(at, clock.now()))
    return answer(told(found))


def told(found: Told) -> dict[str, Any]:
    """An answer as machines read it; the reason carries the number of its rule, `preferred` only what the person set."""
    because = {"rule": found.rule, **_reason(found.because)} | ({"tuned": found.tuned} if found.tuned else {})
    said = {"allowed": found.allowed, "because": because, "overruled": [_reason(each) for each in found.overruled]}
    preferred = {what: wished for what in _WISHES if (wished := getattr(found.preferred, what))}
    return said | ({"preferred": preferred} if preferred else {})


def _reason(because: Because) -> dict[str, Any]:
    """What decided. Why the use of somebody's data is restricted is no business of those who send letters."""
    source = "" if because.kind == "restricted" else because.source
    decision = because.id if because.what == "decision" else ""
    parts = {
        "what": because.what,
        "decision": decision,
        "answer": because.answer,
        "stop": because.kind,
        "at": because.at and clock.rfc3339(because.at),
        "source": source,
        "grade": because.grade,
        "edition": because.edition,
        "until": because.until and clock.rfc3339(because.until),
    }
    return {name: part for name, part in parts.items() if part}


_DESCRIBED = Described(
    "May this address be used for this?",
    text="With `at`: by what was recorded at that moment. An address that nobody knows has the purpose's default."
    " `preferred` is how the person likes to be reached: only what they set, and no permission.",
    body=schemas.content(schemas.QUESTION, schemas.QUESTION_EXAMPLE),
    answers={200: schemas.answered("The answer and why", schemas.ANSWER, schemas.ANSWER_EXAMPLE)},
    refuses={
        400: "Not JSON, or JSON that could be read in two ways.",
        404: "There is no such purpose or channel, or the address was not known at that time.",
        410: "What was known then was erased on request.",
    },
)

routes = [post("/api/v1/permissions/check", check, scope="permissions:read", described=_DESCRIBED)]
