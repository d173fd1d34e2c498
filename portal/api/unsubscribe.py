"""For other senders' mail: a link that stops it (RFC 8058), its headers ready to paste; and what came back or was called spam."""

from starlette.requests import Request
from starlette.responses import Response

from portal import consent
from portal.api import schemas
from portal.api.door import Described, answer, json_body, post
from portal.api.fields import Faults, an_object, identifier, text
from portal.consent import Cell
from portal.identity import ApiKey
from portal.paper import _

WHY = ("hard bounce", "spam complaint")


async def make_token(request: Request, key: ApiKey) -> Response:
    """An address that is new here is recorded, so that its no has a place; nothing is kept per mail."""
    _raw, said = await json_body(request)
    faults = Faults()
    body = an_object(said, {"identifier", "purpose", "channel", "topic"}, ("identifier", "purpose", "channel"), faults)
    kind, value = identifier(body, faults)
    cell = Cell(text(body, "purpose", faults), text(body, "channel", faults), text(body, "topic", faults))
    faults.refuse()
    await consent.unsubscribing.require_link(kind, cell)
    known = await consent.unsubscribing.address_for_link(kind, value, key.actor)
    url = await consent.unsubscribing.unsubscribe_url(known.id, cell)
    headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return answer({"url": url, "headers": headers}, 201)


async def take_bounce(request: Request, key: ApiKey) -> Response:
    """One address that cannot be reached, or whose owner called a mail spam; twice the same is one."""
    _raw, said = await json_body(request)
    faults = Faults()
    body = an_object(said, {"identifier", "why"}, ("identifier", "why"), faults)
    kind, value = identifier(body, faults)
    why = text(body, "why", faults)
    if kind and kind != "email":
        faults.add("/identifier", _("Only e-mail addresses bounce."))
    if why and why not in WHY:
        faults.add("/why", _("This has to be one of: %s.") % ", ".join(WHY))
    faults.refuse()
    report = await consent.bounces.take_bounce(value, why=why, by=key.actor)
    return answer({"known": report.identifier is not None}, 200)


_QUESTION = schemas.object_of(
    {
        "identifier": schemas.IDENTIFIER,
        "purpose": schemas.name("Key of a purpose"),
        "channel": schemas.name("One of its channels"),
    },
    {"topic": schemas.name("Key of one of its topics")},
)
_LINK = "https://privacy.example.com/u/AaBbCc"
_TOKEN = schemas.object_of(
    {
        "url": {"type": "string", "format": "uri", "description": "Works for ever, without signing in"},
        "headers": schemas.object_of(
            {name: {"type": "string"} for name in ("List-Unsubscribe", "List-Unsubscribe-Post")},
            description="To be sent as they are, covered by the DKIM signature",
        ),
    }
)
_BOUNCE = schemas.object_of({"identifier": schemas.IDENTIFIER, "why": {"enum": [*WHY]}})
_REFUSED = {400: "Not JSON, or JSON that could be read in two ways."}

_MAKES = Described(
    "A link that stops one kind of message to one address",
    text="Put the headers into the mail and the link into its footer. Making it again gives the same link.",
    body=schemas.content(
        _QUESTION, {"identifier": {"email": "ana@example.com"}, "purpose": "newsletter", "channel": "email", "topic": "offers"}
    ),
    answers={
        201: schemas.answered(
            "The link",
            _TOKEN,
            {
                "url": _LINK,
                "headers": {"List-Unsubscribe": f"<{_LINK}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            },
        )
    },
    refuses=_REFUSED
    | {
        404: "There is no such purpose, or it does not use this channel.",
        409: "The address asked not to be added again.",
    },
)
_TAKES = Described(
    "A mail came back for good, or was called spam",
    text="Closes the address for advertising by e-mail; a complaint counts as an objection of the person.",
    body=schemas.content(_BOUNCE, {"identifier": {"email": "ana@example.com"}, "why": "hard bounce"}),
    answers={
        200: schemas.answered(
            "Noted; whether we know the address", schemas.object_of({"known": {"type": "boolean"}}), {"known": True}
        )
    },
    refuses=_REFUSED,
)

routes = [
    post("/api/v1/unsubscribe-tokens", make_token, scope="unsubscribe:write", described=_MAKES),
    post("/api/v1/bounces", take_bounce, scope="unsubscribe:write", described=_TAKES),
]
