"""How machines are told that something is wrong: `application/problem+json` (RFC 9457), naming each bad field.

People get pages for the same refusals (app.py); the two differ in form only.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from portal import db
from portal.lib import ids
from portal.lib.errors import Invalid, Refusal, TooMany
from portal.paper import _

FOR_MACHINES = "/api/"
MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger("portal")


class BadRequest(Invalid):
    """What was sent is wrong in these places: each fault says where (a JSON pointer or a header) and what is wrong there."""

    def __init__(self, faults: Sequence[Mapping[str, str]], status: int = 422) -> None:
        super().__init__(_("This request is not right; nothing was done."))
        self.faults, self.status = list(faults), status


class Unacceptable(Refusal):
    """Refused before it was read; `headers` say how to come back (RFC 6750, RFC 9110)."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


def problem(
    status: int, detail: str, *, errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None
) -> Response:
    content = json.dumps(told(status, detail) | ({"errors": list(errors)} if errors else {}), ensure_ascii=False)
    return Response(content, status, headers=headers, media_type=MEDIA_TYPE)


def told(status: int, detail: str) -> dict[str, Any]:
    """The members that every problem has."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def is_for_machines(path: str) -> bool:
    return path.startswith(FOR_MACHINES)


async def answer(request: Request, trouble: Exception) -> Response:
    """The answer for whatever a handler raised."""
    if isinstance(trouble, BadRequest):
        return problem(trouble.status, trouble.sentence, errors=trouble.faults)
    if isinstance(trouble, Invalid):
        return problem(422, trouble.sentence, errors=_pointed(trouble.fields))
    if isinstance(trouble, TooMany):
        return problem(429, trouble.sentence, headers={"retry-after": str(trouble.retry_after)})
    if isinstance(trouble, Unacceptable):
        return problem(trouble.status, trouble.sentence, headers=trouble.headers)
    if isinstance(trouble, Refusal):
        return problem(trouble.status, trouble.sentence)
    if isinstance(trouble, HTTPException):
        return problem(trouble.status_code, _unknown(trouble.status_code), headers=trouble.headers)
    if isinstance(trouble, db.trouble()):
        log.error("unavailable", exc_info=trouble)
        return problem(*unavailable(trouble), headers=_LATER)
    reference = ids.new()[-12:]
    log.error("unexpected", reference=reference, exc_info=trouble)
    return problem(500, _("Something went wrong on our side; it may not have been saved. Its number: %s") % reference)


def unavailable(trouble: Exception) -> tuple[int, str]:
    """Status and sentence for what the database, or its disk, cannot do now."""
    if isinstance(trouble, db.NoRoom):
        return 507, _("Nothing can be saved at the moment; what is shown is still right. Please try again in a few minutes.")
    if isinstance(trouble, db.OutcomeUnknown):
        return 503, _("It may not have been saved. Please look in a minute before you try again.")
    return 503, _("We cannot save or read anything at the moment. Please try again in a minute.")


_LATER = {"retry-after": "30"}


def _unknown(status: int) -> str:
    return _("This address does not take this method.") if status == 405 else _("There is nothing at this address.")


def _pointed(fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Rooms name fields as `decisions.0.purpose`."""
    return [{"pointer": "/" + name.replace("~", "~0").replace(".", "/"), "detail": sentence} for name, sentence in fields.items()]
