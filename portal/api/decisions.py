"""What people said elsewhere, handed in by the system they said it to: checkout, call centre, letter (GDPR Art. 7(1)).

One request is one person and is recorded whole or not at all. How sure we are who spoke comes from the key, never from
the body.
"""

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from portal import consent, settings, sites
from portal.api import schemas
from portal.api.door import Described, answer, json_body, post, written
from portal.api.fields import Faults, an_object, identifier, moment, past_moment, text
from portal.consent import Once, Recorded, Submission, Word
from portal.identity import ApiKey
from portal.lib import clock
from portal.lib.errors import NotAllowed
from portal.paper import _
from portal.problems import BadRequest
from portal.subjects import Arrival

AT_ONCE = 100
MOST_EVIDENCE = 4_000
# Between showing a text in a form and a yes to it: a page that is left open, a copy that the website keeps.
SHOWN_FOR, FAST = timedelta(days=2), timedelta(minutes=5)
# With these grades the person acts themself, and may come back to where they asked not to be added again.
OF_THE_PERSON = ("self", "self-verified")
NEEDED = ("identifier", "source", "decisions")
_FIELDS = frozenset({"identifier", "source", "language", "said_at", "edition", "evidence", "decisions"})
_ITEM = frozenset({"purpose", "channel", "topic", "answer", "until", "edition"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


class Speaker(Protocol):
    """Who hands words in, for which collection points and how sure of who spoke: a key, or a system that signs."""

    @property
    def actor(self) -> str: ...

    @property
    def sources(self) -> frozenset[str]: ...

    @property
    def grade(self) -> str: ...


async def record(request: Request, key: ApiKey) -> Response:
    once_key = idempotency_key(request)
    raw, said = await json_body(request)
    return await recorded(raw, said, key, once=f"api/{key.id}/{once_key}" if once_key else "", status=201)


async def recorded(
    raw: bytes, said: Any, speaker: Speaker, *, once: str, status: int, needed: tuple[str, ...] = NEEDED
) -> Response:
    """Record what a body says, and under the same `once` nothing more: the same answer again."""
    words, address, language = _read(said, speaker, needed)
    words = await consent.collection_points.with_pinned_texts(words, language)
    request_hash = hashlib.sha256(b"POST /api/v1/decisions\n" + raw).digest()
    done = await consent.submit(Submission(words, address, Once(once, request_hash, _reply) if once else None))
    if not done.decided:
        return Response(done.reply, status, headers={"idempotency-replayed": "true"}, media_type="application/json")
    return answer(_told(done), status)


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key of a request, "" when it has none."""
    given = request.headers.get("idempotency-key")
    if given is not None and not (1 <= len(given) <= 200 and given.isascii() and given.isprintable()):
        raise BadRequest([{"header": "Idempotency-Key", "detail": _("This has to have 1 to %d plain characters.") % 200}])
    return given or ""


def _read(said: Any, speaker: Speaker, needed: tuple[str, ...]) -> tuple[tuple[Word, ...], Arrival, str]:
    faults = Faults()
    body = an_object(said, _FIELDS, needed, faults)
    kind, value = identifier(body, faults)
    source = _source(body, speaker, faults)
    said_at = past_moment(body, "said_at", faults)
    evidence = _evidence(body, faults)
    edition, shown_at = _shown_in_form(evidence, text(body, "edition", faults), faults)
    language = _language(body, edition, faults)
    items = body.get("decisions", [])
    if "decisions" in body and (not isinstance(items, list) or not 1 <= len(items) <= AT_ONCE):
        faults.add("/decisions", _("This has to be a list of 1 to %d.") % AT_ONCE)
        items = []
    words = tuple(
        _word(item, f"/decisions/{number}", edition, said_at, language, faults, source=source, speaker=speaker, evidence=evidence)
        for number, item in enumerate(items)
    )
    if edition and words and not any(word.edition == edition for word in words):
        faults.add("/edition", _("Nothing in this request is about the purpose of this text."))
    if shown_at is not None and any(word.answer == "yes" for word in words):
        given = said_at or clock.now()
        if not shown_at - FAST <= given <= shown_at + SHOWN_FOR:
            faults.add(
                "/evidence/privacy-choice", _("This text was shown more than two days before. Show it again and ask anew.")
            )
    faults.refuse()
    return words, Arrival(kind, value, speaker.actor, own=speaker.grade in OF_THE_PERSON), language


def _word(
    said: Any,
    pointer: str,
    edition: str,
    said_at: datetime | None,
    language: str,
    faults: Faults,
    *,
    source: str,
    speaker: Speaker,
    evidence: dict[str, Any] | None,
) -> Word:
    item = an_object(said, _ITEM, ("purpose", "channel", "answer"), faults, pointer)
    purpose, channel = text(item, "purpose", faults, pointer), text(item, "channel", faults, pointer)
    topic, given = text(item, "topic", faults, pointer), text(item, "answer", faults, pointer)
    until = moment(item, "until", faults, pointer)
    if until is not None and until <= (said_at or clock.now()):
        faults.add(f"{pointer}/until", _("This ends before it begins."))
    # The text named for the whole request counts for the items of its purpose.
    shown = text(item, "edition", faults, pointer) or (edition if edition.startswith(f"{purpose}@") else "")
    return Word(
        *("", purpose, channel, topic, given, said_at, source, speaker.grade, speaker.actor, shown),
        *(language or _language_of(shown), until, evidence),
    )


def _source(body: dict[str, Any], speaker: Speaker, faults: Faults) -> str:
    source = text(body, "source", faults)
    if source and not consent.collection_points.exists(source):
        faults.add("/source", _("There is no such collection point: %s.") % source)
    elif source and source not in speaker.sources:
        raise NotAllowed(_("This key does not speak for the collection point %s.") % source)
    return source


def _language(body: dict[str, Any], edition: str, faults: Faults) -> str:
    language = text(body, "language", faults)
    if language and not _LANGUAGE.fullmatch(language):
        faults.add("/language", _("This has to be a language like en or ro."))
    return language or (_language_of(edition) if edition else "")


def _language_of(edition: str) -> str:
    return edition.rpartition("/")[2] if "/" in edition else settings.get().language_list[0]


def _evidence(body: dict[str, Any], faults: Faults) -> dict[str, Any] | None:
    evidence = body.get("evidence")
    if "evidence" not in body:
        return None
    if not isinstance(evidence, dict):
        faults.add("/evidence", _("This has to be an object."))
        return None
    if len(json.dumps(evidence, ensure_ascii=False).encode()) > MOST_EVIDENCE:
        faults.add("/evidence", _("This is larger than %d bytes.") % MOST_EVIDENCE)
    return evidence


def _shown_in_form(evidence: dict[str, Any] | None, edition: str, faults: Faults) -> tuple[str, datetime | None]:
    """The text that stood beside the box of a website's form and when it was shown, by our own token; else the text that the
    request names."""
    token = (evidence or {}).get("privacy-choice")
    if token is None:
        return edition, None
    shown = sites.forms.shown(token) if isinstance(token, str) else None
    if shown is None or edition not in ("", shown.edition):
        faults.add("/evidence/privacy-choice", _("This does not prove that this text was shown."))
        return edition, None
    return shown.edition, shown.at


def _reply(recorded: Recorded) -> str:
    return written(_told(recorded))


def _told(recorded: Recorded) -> dict[str, Any]:
    told = []
    for each, now in zip(recorded.decided, recorded.answers, strict=True):
        item = {"id": each.id, "purpose": each.word.purpose, "channel": each.word.channel}
        if each.word.topic:
            item["topic"] = each.word.topic
        told.append({**item, "allowed": now is not None and now.allowed, "receipt": f"/receipts/{each.entry}"})
    return {"decisions": told}


_DESCRIBED = Described(
    "Record what a person said",
    text="All or nothing. The grade comes from the key; a yes on the basis of consent names the text that was shown,"
    " unless its collection point has one pinned.",
    parameters=(schemas.IDEMPOTENCY_KEY,),
    body=schemas.content(schemas.DECISIONS, schemas.DECISIONS_EXAMPLE),
    answers={201: schemas.answered("Recorded", schemas.DECIDED, schemas.DECIDED_EXAMPLE, replayed=True)},
    refuses={
        400: "Not JSON, or JSON that could be read in two ways.",
        409: "The Idempotency-Key was used for another request, or the address asked not to be added again.",
    },
)

routes = [post("/api/v1/decisions", record, scope="decisions:write", described=_DESCRIBED)]
