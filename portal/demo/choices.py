"""What the customers said over the years, at which collection point: some of it in conflict, as in real life."""

import random
from datetime import datetime, timedelta
from functools import partial

from portal import consent, db, subjects
from portal.demo.people import Customer
from portal.demo.story import Story
from portal.lib import clock


def conflicted(people: list[Customer], now: datetime) -> Customer:
    """The one everybody asks about: a yes with a purchase in January, a no with a competition in March."""
    january, _march = _january_and_march(now)
    return next(person for person in people if person.since < january.date() - timedelta(days=30))


def tell(story: Story, people: list[Customer], seed: int, now: datetime) -> None:
    """Note in the story what each customer said."""
    chance = random.Random(seed + 2)  # noqa: S311  # a fixed sequence is what we want
    torn = conflicted(people, now)
    for person in people:
        joined = now - timedelta(days=(now.date() - person.since).days, minutes=chance.randint(1, 600))
        story.at(_after_opening(joined, now), partial(_join, person, chance.random(), says_yes=person != torn))
        for _ in range(chance.choice([0, 0, 1, 1, 2])):
            later = joined + (now - joined) * chance.uniform(0.1, 0.98)
            said = chance.choice(WORDS)
            if person != torn and (said[1] != "sms" or person.phone):
                story.at(_after_opening(later, now), partial(_say, person, *said))
    january, march = _january_and_march(now)
    story.at(january, partial(_say, torn, "newsletter", "email", "yes", "order", "self-verified"))
    story.at(march, partial(_say, torn, "newsletter", "email", "no", "competition", "self"))


def _january_and_march(now: datetime) -> tuple[datetime, datetime]:
    year = now.year if now.month > 3 else now.year - 1
    return now.replace(year=year, month=1, day=14, hour=11), now.replace(year=year, month=3, day=14, hour=11)


WORDS = [
    ("newsletter", "email", "yes", "subscription", "self"),
    ("newsletter", "email", "yes", "preference-centre", "self-verified"),
    ("newsletter", "email", "no", "unsubscribe-link", "self"),
    ("newsletter", "email", "yes", "competition", "self"),
    ("similar-books", "email", "no", "preference-centre", "self-verified"),
    ("offers", "sms", "yes", "loyalty-programme", "self"),
    ("offers", "sms", "no", "call-centre", "staff"),
    ("catalogue", "post", "no", "letter", "staff"),
]


SHOWN_AT_CHECKOUT = {
    "sale": "first order",
    "family": "books and audio books from our own shop",
    "opt_out": "untick the line above the button, or write to us, free of charge",
}


async def _join(person: Customer, lucky: float, *, says_yes: bool) -> None:
    """A first order: the address is recorded, the way to refuse is told, and two in three say yes to the newsletter."""
    async with db.writing():
        first = await subjects.ensure("email", person.email, by="key:shop")
        if person.phone:
            await subjects.ensure("phone", person.phone, by="key:shop", subject=first.subject)
        address = f"{person.street}, {person.postcode} {person.city}"
        await subjects.ensure("post", address, by="key:shop", subject=first.subject)
        if lucky > 0.2 or not says_yes:
            await subjects.mark_verified(first.id)
    await _say(person, "similar-books", "email", "informed", "checkout", "self")
    if lucky > 0.35 and says_yes:
        await _say(person, "newsletter", "email", "yes", "checkout", "self-verified" if lucky > 0.4 else "self")


async def _say(person: Customer, purpose: str, channel: str, answer: str, source: str, grade: str) -> None:
    kind = {"sms": "phone", "post": "post"}.get(channel, "email")
    value = {"phone": person.phone, "post": f"{person.street}, {person.postcode} {person.city}"}.get(kind) or person.email
    identifier = await subjects.find(kind, value)
    assert identifier is not None, f"{person.email} is not recorded yet."
    edition = {each.key: each.number for each in await consent.purposes()}[purpose]
    speaks = person.speaks
    await consent.decide(
        consent.Word(
            identifier=identifier.id,
            purpose=purpose,
            channel=channel,
            topic="",
            answer=answer,
            said_at=clock.now(),
            source=source,
            grade=grade,
            actor=f"customer:{identifier.subject}" if grade.startswith("self") else "key:shop",
            edition=f"{purpose}@{edition}/{speaks}",
            language=speaks,
            evidence=SHOWN_AT_CHECKOUT if answer == "informed" else None,
        )
    )


def _after_opening(moment: datetime, now: datetime) -> datetime:
    """Never before the texts were published, never in the future."""
    return min(max(moment, now - timedelta(days=1520)), now - timedelta(hours=2))
