"""Telling one system many cells: several people at a time, each person's in their order.

Whoever fails keeps only their own later words back. When nobody gets through any more, the system is left in peace for
a while; what was not tried then has lost nothing.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal import connectors, subjects
from portal.consent.changes import Item
from portal.consent.permissions import below, permissions
from portal.consent.purposes import in_force
from portal.consent.rules import Answer
from portal.consent.words import Cell

# So many failures one after the other mean that the system is down, not that a message is bad.
DOWN_AFTER = 5
LONGEST_ROUND = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`allowed` is what was told, None when it was not; `problem` is empty when it was not even tried."""

    allowed: bool | None
    problem: str = ""


class Line:
    """The line to one system during one round: how it goes, and whether it still makes sense to go on."""

    def __init__(self, connector: connectors.Connector, at_once: int) -> None:
        self.connector = connector
        self.at_once = at_once
        self.in_a_row = 0
        self.sent = 0
        self.problem = ""
        self.departed = False
        self._ends = time.monotonic() + LONGEST_ROUND

    @property
    def is_down(self) -> bool:
        return self.departed or self.in_a_row >= DOWN_AFTER

    @property
    def is_open(self) -> bool:
        return not self.is_down and time.monotonic() < self._ends

    async def tell(self, items: Sequence[Item]) -> list[Outcome]:
        """The outcome of each item; people side by side, the items of one in the order given."""
        outcomes = [Outcome(None)] * len(items)
        answers = await _answers(items)
        addresses = await _addresses({item.identifier for item in items})
        queues: dict[str, list[int]] = {}
        for number, item in enumerate(items):
            queues.setdefault(item.subject, []).append(number)
        waiting = iter(queues.values())

        async def hand() -> None:
            for queue in waiting:  # shared: each hand takes the next person
                for number in queue:
                    if not self.is_open:
                        return
                    item = items[number]
                    answer = answers.get((item.identifier, item.cell))
                    outcomes[number] = await self._send(item, addresses[item.identifier], answer)
                    if outcomes[number].allowed is None:
                        break

        await asyncio.gather(*(hand() for _each in range(min(self.at_once, len(queues)))))
        return outcomes

    async def _send(self, item: Item, address: dict[str, list[str]], answer: Answer | None) -> Outcome:
        allowed = answer is not None and answer.allowed
        was_said = answer is None or answer.because.what != "default"
        if not address:
            return Outcome(allowed)
        try:
            await self.connector.set_consent(
                address, connectors.Cell(*item.cell), allowed, item.log_index, enter=allowed or was_said
            )
        except connectors.ConnectorError as problem:
            self.in_a_row += 1
            self.problem = problem.sentence
            self.departed = self.departed or isinstance(problem, connectors.Departed)
            return Outcome(None, problem.sentence)
        self.in_a_row = 0
        self.sent += 1
        return Outcome(allowed)


async def _answers(items: Iterable[Item]) -> dict[tuple[str, Cell], Answer]:
    """What counts now; a cell that its purpose no longer has, or whose purpose was retired, is missing: no."""
    wanted = list(items)
    known = await in_force({item.cell.purpose for item in wanted})
    living = {cell for about in known.values() for cell in below(about, Cell(about.key, "*", "*"))}
    return await permissions({(item.identifier, item.cell) for item in wanted if item.cell in living})


async def _addresses(identifiers: set[str]) -> dict[str, dict[str, list[str]]]:
    """Per identifier what connectors look it up by: its kind and its canonical value."""
    people = await subjects.people(identifiers)
    known = [each for asked, person in people.items() for each in person.identifiers if each.id == asked]
    values = await subjects.values_of(known)
    return {
        each.id: {each.kind: [subjects.canonical(each.kind, value)]} if (value := values[each.id]) is not None else {}
        for each in known
    }
