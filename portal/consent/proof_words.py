"""What a recorded decision says, in words: the same on the person's receipt and where two officers read it as evidence.

From the entry's contents alone, as they were recorded (GDPR Art. 5(2), 7(1)).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal import audit, documents
from portal.consent import collection_points
from portal.consent.purpose_text import channel_name
from portal.consent.purposes import purposes
from portal.consent.words import CHANNELS
from portal.lib.errors import NotFound
from portal.paper import _, language

SAID_ABOVE = (
    "purpose",
    "channel",
    "answer",
    "edition",
    "text_sha256",
    "said_at",
    "source",
    "address",
    "topic",
    "language",
    "grade",
)


@dataclass(frozen=True)
class ShownText:
    """The text a decision rests on: its edition ("" where it cannot be read here), its hash, and whether ours still has it."""

    edition: str
    name: str
    sha256: str
    same: bool


async def heading(entry: audit.Entry, payload: Mapping[str, Any]) -> str:
    """What was decided or done."""
    purpose = str(payload.get("purpose", ""))
    what = {each.key: each.title for each in await purposes()}.get(purpose, purpose)
    answers = {
        "yes": _("Yes to: %(what)s"),
        "no": _("No to: %(what)s"),
        "informed": _("Told about: %(what)s"),
        "undone": _("Taken back: a no to %(what)s"),
        "unset": _("Back to the start: %(what)s"),
    }
    if payload.get("answer") in answers:
        return answers[payload["answer"]] % {"what": what}
    event = audit.vocabulary().get(entry.event)
    return _(event.sentence) if event else entry.event


def facts(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The choice in words; nothing for what is none."""
    found = []
    if payload.get("channel") in CHANNELS:
        found.append((names()["channel"], channel_name(payload["channel"])))
    if payload.get("address"):
        found.append((names()["address"], str(payload["address"])))
    if payload.get("source"):
        found.append((names()["source"], collection_points.called(payload["source"])))
    return found


def rest(payload: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What else was recorded."""
    return [(names().get(name, name), value) for name, value in payload.items() if value and name not in SAID_ABOVE]


async def text(payload: Mapping[str, Any]) -> ShownText | None:
    """What was on the screen; None when nothing was."""
    name, sha256 = str(payload.get("edition", "")), str(payload.get("text_sha256", ""))
    if not name:
        return None
    try:
        # A text of an earlier system is called without its language, and its hash is that of the file handed in.
        edition = await (documents.named(name) if "@" in name else documents.in_force(name, language()))
    except NotFound:
        return ShownText("", name, sha256, False)
    return ShownText(edition.name, edition.title, sha256, edition.sha256.hex() == sha256)


def names() -> dict[str, str]:
    """What people call the facts of a proof."""
    return {
        "happened": _("What happened"),
        "at": _("When"),
        "entered": _("Entered in our record"),
        "by": _("Who"),
        "about": _("Number of the decision or thing"),
        "place": _("Place"),
        "signed": _("Signed by"),
        "purpose": _("Purpose"),
        "channel": _("Way"),
        "topic": _("Topic"),
        "answer": _("Answer"),
        "said_at": _("Said on"),
        "source": _("Said where"),
        "grade": _("How sure we were who it was"),
        "edition": _("Text that was shown"),
        "text_sha256": _("SHA-256 of that text"),
        "language": _("Language"),
        "address": _("Address (shortened)"),
    }


def actors() -> dict[str, str]:
    """Who does things, in words; the part of an actor before its number."""
    return {
        "customer": _("The person"),
        "officer": _("Somebody of the privacy team"),
        "key": _("Another program, with its key"),
        "site": _("A website, for its visitor"),
        "system": _("The portal itself"),
    }
