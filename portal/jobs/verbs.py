"""The verbs that jobs name, and what a verb may say when it cannot be done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from portal.jobs.journal import Job

Handler = Callable[[Job], Awaitable[None]]


class GiveUp(Exception):
    """Trying again is pointless. The sentence is kept for officers in clear: no personal data in it."""


class TryAgain(Exception):
    """Not now. The sentence is kept in clear, as with GiveUp; with `after` the wait is that long and no try is used up."""

    def __init__(self, sentence: str, after: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.after = after


@dataclass(frozen=True)
class Verb:
    name: str
    handler: Handler
    max_tries: int
    longest_pause: timedelta
    at_once: int
    every: timedelta | None


registered: dict[str, Verb] = {}


def verb(
    name: str,
    *,
    max_tries: int = 20,
    longest_pause: timedelta = timedelta(hours=1),
    at_once: int = 1_000,
    every: timedelta | None = None,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as what jobs called `name` do.

    Pauses between tries double from 2 seconds up to `longest_pause`. `at_once` bounds how many run at a time in one
    process, so that a slow outside cannot take all the worker's hands. With `every`, workers keep it coming back.
    """

    def register(handler: Handler) -> Handler:
        if name in registered:
            raise ValueError(f"There are two verbs called {name}.")
        registered[name] = Verb(name, handler, max_tries, longest_pause, at_once, every)
        return handler

    return register
