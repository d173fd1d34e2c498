"""Ids and secrets. Ids are time-ordered (UUIDv7, RFC 9562) and public to staff; secrets are random and shown once."""

import hashlib
import os
import secrets
import threading
import time

_lock = threading.Lock()
_last = 0


def new() -> str:
    """A UUIDv7 as text; within one process each is greater than the one before, and so it is on one machine that does anything
    in between: what is written later sorts later, whichever process writes it."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of their 4,096th parts (RFC 9562, 6.2, method 3)
        _last = stamp = max(_last + 1, (time.time_ns() << 12) // 1_000_000)
    head, tail = f"{stamp:015x}", os.urandom(8).hex()
    return f"{head[:8]}-{head[8:12]}-7{head[12:]}-{'89ab'[int(tail[0], 16) % 4]}{tail[1:4]}-{tail[4:]}"


def secret(bits: int = 128) -> str:
    """A random URL-safe text of `bits` bits, for links, sessions and references."""
    return secrets.token_urlsafe(bits // 8)


def digits(count: int = 6) -> str:
    """A random code of decimal digits that a person types."""
    return f"{secrets.randbelow(10**count):0{count}}"


def digest(secret_text: str) -> bytes:
    """What is stored of a secret of at least 128 bits: its SHA-256. Short codes need a keyed hash instead."""
    return hashlib.sha256(secret_text.encode()).digest()
