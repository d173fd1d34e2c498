"""Ana, Ben and the published purposes, for the tests of this room."""

from datetime import datetime
from typing import Any

from portal import consent, db, subjects
from portal.consent import Word, legacy
from portal.consent.decisions import Decided
from portal.subjects import Identifier


async def publish() -> None:
    async with db.writing():
        await consent.publish_purposes("officer:petra")
        await legacy.add_unknown("legacy:old:1", by="officer:petra")


async def known(
    kind: str, value: str, subject: str | None = None, *, proven: bool = False, audience: str = "person"
) -> Identifier:
    async with db.writing():
        identifier = await subjects.ensure(kind, value, by="system", subject=subject, audience=audience)
        return await subjects.mark_verified(identifier.id) if proven else identifier


def word(identifier: Identifier, answer: str, purpose: str = "back-in-stock", channel: str = "email", **more: Any) -> Word:
    edition = f"{purpose}@1/en" if answer == "yes" else ""
    given: dict[str, Any] = {
        "topic": "",
        "said_at": None,
        "source": "preference-centre",
        "grade": "self",
        "actor": "system",
        "edition": edition,
        "language": "en",
    }
    return Word(identifier.id, purpose, channel, answer=answer, **(given | more))


async def say(identifier: Identifier, answer: str, *place: str, **more: Any) -> Decided:
    return await consent.decide(word(identifier, answer, *place, **more))


async def allowed(
    identifier: Identifier, purpose: str = "back-in-stock", channel: str = "email", topic: str = "", at: datetime | None = None
) -> bool:
    return (await consent.permission(identifier.id, purpose, channel, topic, at)).allowed
