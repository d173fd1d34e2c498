"""The proof of a recorded decision, for the system that handed it in: a C2SP tlog-proof that checks offline."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from portal import audit, subjects
from portal.api import schemas
from portal.api.door import Described, get
from portal.consent import events
from portal.identity import ApiKey
from portal.lib.errors import NotFound
from portal.paper import _

# Other entries of the record, of stops with their reasons, of cases and officers, are no business of other programs.
_OF_DECISIONS = frozenset(
    each.name
    for each in (
        *(events.GRANTED, events.REFUSED, events.UNSET, events.INFORMED),
        *(events.ASKED, events.CONFIRMED, events.UNDONE),
    )
)


async def show(request: Request, key: ApiKey) -> Response:
    entry = await audit.entry(request.path_params["entry"])
    # What is kept of erased people is closed to a single program as it is to a single officer.
    if entry is None or entry.event not in _OF_DECISIONS or await subjects.evidence.closed_entry(entry):
        raise NotFound(_("There is no such receipt."))
    return PlainTextResponse(await audit.prove(entry.id))


_DESCRIBED = Described(
    "The receipt of a decision",
    parameters=(schemas.ENTRY,),
    answers={200: schemas.text_answer("A C2SP tlog-proof, to be checked with the key of /check")},
    refuses={404: "There is no such receipt, or what it proves was erased."},
)

routes = [get("/api/v1/receipts/{entry}", show, scope="decisions:read", described=_DESCRIBED)]
