"""What connected systems hand in by themselves, signed as the portal signs what it tells them (Standard Webhooks 1.0).

The same words as at /api/v1/decisions. A message that comes twice is recorded once and answered the same; one that is
not signed as it should be is refused without a word of why. Events overtake each other, so each says when it was said.
"""

import structlog
from starlette.requests import Request
from starlette.responses import Response

from portal import connectors, consent, identity
from portal.api import schemas
from portal.api.decisions import NEEDED, recorded
from portal.api.door import Described, json_body, post_signed
from portal.connectors import Misconfigured, System
from portal.lib import clock
from portal.lib.errors import Unavailable
from portal.paper import _
from portal.problems import Unacceptable

# Who speaks as proven was stated to be so by an officer, for a key (identity.add_key); a list of systems states nothing.
GRADES = tuple(each for each in consent.GRADES if each != "self-verified")
CHALLENGE = {"www-authenticate": 'Webhook-Signature realm="portal"'}
log = structlog.get_logger("portal.api")


async def take(request: Request) -> Response:
    sender = await _sender(request)
    await identity.count_request(sender.actor)
    raw, said = await json_body(request)
    once = f"inbound/{sender.system}/{request.headers['webhook-id']}"
    return await recorded(raw, said, sender, once=once, status=200, needed=(*NEEDED, "said_at"))


async def signed(request: Request) -> None:
    """Guard: a connected system signed this."""
    await _sender(request)


def require_sound(system: System) -> None:
    """Raises Misconfigured when what the list says about a system's own messages makes no sense."""
    sender = connectors.inbound.read_sender(system)
    if sender is not None and (problem := _problem(sender)):
        raise Misconfigured(system.place, problem)


async def _sender(request: Request) -> connectors.inbound.Sender:
    headers = request.headers
    sender = connectors.inbound.sender_of(
        request.path_params["system"],
        message_id=headers.get("webhook-id", ""),
        stamp=headers.get("webhook-timestamp", ""),
        body=await request.body(),
        signatures=headers.get("webhook-signature", ""),
        now=clock.now(),
    )
    if sender is None:
        raise Unacceptable(401, _("This is not signed by a system that may hand in here."), CHALLENGE)
    if problem := _problem(sender):
        log.error("inbound.misconfigured", system=sender.system, problem=problem)
        raise Unavailable(_("We cannot take this now. Please send it again later."))
    return sender


def _problem(sender: connectors.inbound.Sender) -> str:
    if sender.grade not in GRADES:
        return _("%(grade)s is no grade for a system that hands in. Known: %(known)s.") % {
            "grade": sender.grade,
            "known": ", ".join(GRADES),
        }
    unknown = [each for each in sorted(sender.sources) if not consent.collection_points.exists(each)]
    return _("There is no such collection point: %s.") % unknown[0] if unknown else ""


_DESCRIBED = Described(
    "What a connected system hands in, signed (Standard Webhooks)",
    text="The body of POST /api/v1/decisions, with `said_at`. The same `webhook-id` is recorded once, for two days.",
    parameters=(
        schemas.SYSTEM,
        schemas.signed_header("webhook-id", "The same for every try of the same message", "msg_5b6f2c"),
        schemas.signed_header("webhook-timestamp", "Seconds since 1970, of this try; at most five minutes off", "1795300000"),
    ),
    body=schemas.content(schemas.SAID, schemas.DECISIONS_EXAMPLE),
    answers={200: schemas.answered("Recorded", schemas.DECIDED, schemas.DECIDED_EXAMPLE, replayed=True)},
    refuses={
        400: "Not JSON, or JSON that could be read in two ways.",
        403: "The system does not speak for the collection point.",
        409: "The webhook-id was used for another message, or the address asked not to be added again.",
    },
)

routes = [post_signed("/api/v1/inbound/{system}", take, signed, described=_DESCRIBED)]
