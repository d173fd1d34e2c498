"""Officers' passwords: argon2id with the library's parameters (RFC 9106), and what a password must be (ASVS 5.0 V6.2).

A hash takes 64 MiB and tens of milliseconds, so it is made in threads of its own, two at a time, and only so many may
wait for their turn: a flood at the door is sent away at once and can fill neither the memory nor the minutes to come.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.lib.errors import Invalid, Unavailable
from portal.paper import _

Result = TypeVar("Result")

SHORTEST, LONGEST = 12, 256
RUNNING, WAITING = 2, 10
_COMMON = ("password", "qwerty", "letmein", "welcome", "iloveyou", "administrator", "admin", "changeme", "passw0rd", "p@ssword")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(max_workers=RUNNING, thread_name_prefix="argon2")
_places = BoundedSemaphore(RUNNING + WAITING)


async def hash_of(password: str) -> str:
    """Raises Unavailable when too many wait already; so does `matches`."""
    return await _in_turn(lambda: _hasher.hash(password))


async def matches(hashed: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash the same work is done against a dummy, so that nobody can tell."""
    return await _in_turn(lambda: _matches(hashed, password))


def is_outdated(hashed: str) -> bool:
    """Made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def check(password: str, *, email: str, name: str) -> None:
    """Raises Invalid with what to do better. Length counts, not classes of characters; anything may be pasted."""
    fault = _fault(password, [*email.lower().replace("@", ".").split("."), *name.lower().split()])
    if fault:
        raise Invalid(_("Please choose another password."), {"password": fault})


async def _in_turn(work: Callable[[], Result]) -> Result:
    if not _places.acquire(blocking=False):
        raise Unavailable(_("Many people are signing in at this moment. Please try again in a minute."))
    begun = _threads.submit(work)
    # With the end of the work, not of the caller: one who went away still takes up the thread.
    begun.add_done_callback(lambda _begun: _places.release())
    return await asyncio.wrap_future(begun)


def _matches(hashed: str | None, password: str) -> bool:
    try:
        _hasher.verify(hashed or _dummy(), password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@lru_cache(maxsize=1)
def _dummy() -> str:
    return _hasher.hash("nobody's password")


def _fault(password: str, own_words: list[str]) -> str | None:
    if len(password) < SHORTEST:
        return _("It needs at least %(shortest)s characters. A few words make a good one.") % {"shortest": SHORTEST}
    if len(password) > LONGEST:
        return _("It may have at most %(longest)s characters.") % {"longest": LONGEST}
    plain = password.lower()
    if any(len(word) > 3 and word in plain for word in own_words):
        return _("It must not contain your name or your address.")
    if len(_without_the_obvious(plain)) < 6 or len(set(plain)) < 6:
        return _("It is too easy to guess. A few words that do not belong together are better.")
    return None


def _without_the_obvious(plain: str) -> str:
    """What is left of it without well-known passwords and runs of neighbouring keys."""
    for word in _COMMON:
        plain = plain.replace(word, "")
    for row in (*_ROWS, *(row[::-1] for row in _ROWS)):
        for length in range(len(row), 2, -1):
            for start in range(len(row) - length + 1):
                plain = plain.replace(row[start : start + length], "")
    return plain
