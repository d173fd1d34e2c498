"""Ids and secrets. Ids are time-ordered (UUIDv7, RFC 9562) and public to staff; secrets are random and shown once."""

import hashlib
import os
import secrets
import threading
import time

_lock = threading.Lock()
_last = 0


def new() -> str:
    """A UUIDv7 as text; within one process each is greater than the one before."""
    global _last
    with _lock:
        # 48 bits of milliseconds followed by 12 bits counted up within the millisecond
        _last = max(_last + 1, int(time.time() * 1000) << 12)
        stamp, count = _last >> 12, _last & 0xFFF
    tail = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    text = f"{(stamp & (1 << 48) - 1) << 80 | 0x7 << 76 | count << 64 | 0b10 << 62 | tail:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def secret(bits: int = 128) -> str:
    """A random URL-safe text of `bits` bits, for links, sessions and references."""
    return secrets.token_urlsafe(bits // 8)


def digits(count: int = 6) -> str:
    """A random code of decimal digits that a person types."""
    return f"{secrets.randbelow(10**count):0{count}}"


def digest(secret_text: str) -> bytes:
    """What is stored of a secret of at least 128 bits: its SHA-256. Short codes need a keyed hash instead."""
    return hashlib.sha256(secret_text.encode()).digest()
