"""What many ask at the same moment: who is in a round, and what it costs when somebody leaves."""

import asyncio
from collections.abc import Sequence

from portal.lib.together import Together


class Clerk:
    """Answers each number with its double, once the door opens."""

    def __init__(self) -> None:
        self.door, self.rounds = asyncio.Event(), list[list[int]]()
        self.together = Together(self._answer, at_most=5, is_for_all=lambda problem: False)

    async def _answer(self, questions: Sequence[int]) -> list[int | Exception]:
        await self.door.wait()
        self.rounds.append(list(questions))
        return [2 * each for each in questions]

    def ask(self, *numbers: int) -> "list[asyncio.Task[int]]":
        return [asyncio.create_task(self.together.ask(each)) for each in numbers]


async def test_who_comes_while_a_round_waits_for_its_turn_is_in_it() -> None:
    clerk = Clerk()
    tasks = clerk.ask(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the round has begun
    tasks += clerk.ask(2, 3, 4, 5, 6, 7)
    await asyncio.sleep(0)
    clerk.door.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10, 12, 14]
    assert clerk.rounds == [[1, 2, 3, 4, 5], [6, 7]]


async def test_who_leaves_before_the_round_is_closed_is_not_in_it() -> None:
    clerk = Clerk()
    tasks = clerk.ask(1, 2)
    await asyncio.sleep(0)
    for each in tasks:
        each.cancel()
    await asyncio.wait(tasks)
    clerk.door.set()
    assert await asyncio.gather(*clerk.ask(3)) == [6]
    assert [each for each in clerk.rounds if each] == [[3]]
