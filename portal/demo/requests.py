"""A dozen requests in different states with different dates, made by the same verbs as the pages use."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from portal import cases, identity, messages
from portal.demo.people import Customer
from portal.demo.story import Story

Step = Callable[[str], Awaitable[object]]


def tell(story: Story, people: list[Customer], officers: dict[str, str], now: datetime) -> None:
    """Note in the story who asked for what, how many days ago, and how far it has come. `officers`: name → address."""
    collect, propose, approve = _steps(officers)
    plan: list[tuple[int, float, str, list[Step]]] = [
        (3, 34, "access", [collect, propose]),
        (8, 29, "access", [collect]),
        (12, 27, "erasure", [collect, propose]),
        (17, 24, "access", [collect]),
        (21, 20, "rectification", [collect]),
        (30, 16, "access", [collect, propose]),
        (41, 12, "erasure", [collect]),
        (52, 9, "erasure", [collect, propose, approve]),
        (66, 7, "access", []),
        (77, 5, "rectification", []),
        (90, 3, "erasure", []),
        (104, 1, "access", []),
    ]
    opened: dict[int, str] = {}
    for number, days, right, steps in plan:
        _one(story, opened, people[number - 1], right, now - timedelta(days=days), steps)
    story.at(now - timedelta(hours=5), partial(_ask, opened, people[119], "access"))


def _one(story: Story, opened: dict[int, str], person: Customer, right: str, asked: datetime, steps: list[Step]) -> None:
    """`opened`: the case of each customer, by the customer's number."""
    story.at(asked, partial(_ask, opened, person, right))
    story.at(asked + timedelta(minutes=4), partial(_prove, person), work=True)
    for number, step in enumerate(steps, 1):
        story.at(asked + timedelta(hours=number * 5), partial(_with_case, opened, person, step), work=True)


async def _ask(opened: dict[int, str], person: Customer, right: str) -> None:
    changes = {"street": "Strada Turda 7", "postcode": "400193"} if right == "rectification" else {}
    details = {"country": "RO", "changes": changes} if changes else {"country": "RO"}
    case = await cases.open(right, person.email, language=person.speaks, details=details, browser=_browser(person))
    opened[person.number] = case.id


async def _prove(person: Customer) -> None:
    """Follow the link in the mail that was written a moment ago."""
    letter = next(each.letter for each in await messages.mailbox(20) if each.to == person.email and each.letter)
    found = re.search(r"/l/([\w-]+)", letter.text)
    assert found, "The mail has no link."
    proof = await identity.prove_link(found[1], _browser(person))
    await cases.verified(proof.bound_to, proof)


async def _with_case(opened: dict[int, str], person: Customer, step: Step) -> None:
    await step(opened[person.number])


def _steps(officers: dict[str, str]) -> tuple[Step, Step, Step]:
    async def who(name: str) -> str:
        return (await identity.officer_by_email(officers[name])).id

    async def collect(case: str) -> None:
        await cases.collect(case, officer=await who("olga"))

    async def propose(case: str) -> None:
        await cases.propose(case, officer=await who("olga"))

    async def approve(case: str) -> None:
        proposal = await cases.proposal(case)
        assert proposal, "Nothing was proposed."
        await cases.approve(case, proposal.digest, officer=await who("petra"))

    return collect, propose, approve


def _browser(person: Customer) -> str:
    return f"demo browser of customer {person.number}"
