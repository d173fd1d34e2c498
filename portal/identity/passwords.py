"""Officers' passwords: argon2id with the library's parameters (RFC 9106), and what a password must be (ASVS 5.0 V6.2).

A hash takes 64 MiB and tens of milliseconds, so it is made in threads of its own, two at a time: a hundred people at the
door wait for each other instead of filling the memory.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.lib.errors import Invalid
from portal.paper import _

SHORTEST, LONGEST = 12, 256
_COMMON = ("password", "qwerty", "letmein", "welcome", "iloveyou", "administrator", "admin", "changeme", "passw0rd", "p@ssword")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890", "1qaz2wsx3edc4rfv5tgb6yhn7ujm")

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hash_of(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(hashed: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash the same work is done against a dummy, so that nobody can tell."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, hashed, password)


def is_outdated(hashed: str) -> bool:
    """Made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def check(password: str, *, email: str, name: str) -> None:
    """Raises Invalid with what to do better. Length counts, not classes of characters; anything may be pasted."""
    fault = _fault(password, [*email.lower().replace("@", ".").split("."), *name.lower().split()])
    if fault:
        raise Invalid(_("Please choose another password."), {"password": fault})


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
