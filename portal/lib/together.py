"""What many ask at the same moment is answered in one go: one commit, one set of queries, for all who wait.

While one round is answered the next one gathers by itself, so nobody waits for company, and the more ask the larger the
rounds. A round is closed when its questions are first looked at: one that waits for its turn at a lock still takes in who comes.
Whoever stops waiting is left out of the answers; the work of their round is done all the same.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import cached_property
from typing import Generic, TypeVar, overload
from weakref import WeakKeyDictionary

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """`answer` takes a round of questions, and gives for each, in order, its answer or the exception to raise.

    `is_for_all` knows the exceptions that asking again would not help, or that leave open what was done: they go to
    everybody in the round.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        at_most: int,
        is_for_all: Callable[[Exception], bool],
    ) -> None:
        self._answer = answer
        self._at_most = at_most
        self._is_for_all = is_for_all
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line[Q, A]] = WeakKeyDictionary()

    async def ask(self, question: Q) -> A:
        loop = asyncio.get_running_loop()
        line = self._lines.setdefault(loop, _Line())
        future: asyncio.Future[A] = loop.create_future()
        line.waiting.append((question, future))
        if line.task is None:
            # In a context of its own: neither the language nor the transaction of whoever came first.
            line.task = loop.create_task(self._serve(line), context=Context())
        return await future

    async def _serve(self, line: "_Line[Q, A]") -> None:
        while line.waiting:
            round_ = _Round(line.waiting, self._at_most)
            answers = await self._answers(round_)
            for (_question, future), answer in zip(round_.closed, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
        line.task = None

    async def _answers(self, questions: Sequence[Q]) -> Sequence[A | Exception]:
        """When a round fails as a whole, each question is asked alone: one that cannot be answered harms nobody else."""
        try:
            return await self._answer(questions)
        except Exception as problem:
            if len(questions) == 1 or self._is_for_all(problem):
                return [problem] * len(questions)
        return [answer for question in questions for answer in await self._answers([question])]


class _Round(Sequence[Q], Generic[Q, A]):
    """The questions of all who wait when it is first looked at, in whichever thread."""

    def __init__(self, waiting: "deque[tuple[Q, asyncio.Future[A]]]", at_most: int) -> None:
        self._waiting, self._at_most = waiting, at_most

    @cached_property
    def closed(self) -> "list[tuple[Q, asyncio.Future[A]]]":
        taken = [self._waiting.popleft() for _each in range(min(self._at_most, len(self._waiting)))]
        return [(question, future) for question, future in taken if not future.done()]

    @overload
    def __getitem__(self, place: int) -> Q: ...
    @overload
    def __getitem__(self, place: slice) -> list[Q]: ...
    def __getitem__(self, place: int | slice) -> Q | list[Q]:
        if isinstance(place, slice):
            return [question for question, _future in self.closed[place]]
        return self.closed[place][0]

    def __len__(self) -> int:
        return len(self.closed)


class _Line(Generic[Q, A]):
    def __init__(self) -> None:
        self.waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self.task: asyncio.Task[None] | None = None
