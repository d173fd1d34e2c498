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
        _last = stamp = max(_last + 1, time.time_ns() // 1_000_000 << 12)
    tail = int.from_bytes(os.urandom(8))
    time_part = f"{stamp >> 28:08x}-{stamp >> 12 & 0xFFFF:04x}-7{stamp & 0xFFF:03x}"
    return f"{time_part}-{0x8000 | tail >> 48 & 0x3FFF:04x}-{tail & 0xFFFF_FFFF_FFFF:012x}"


def secret(bits: int = 128) -> str:
    """A random URL-safe text of `bits` bits, for links, sessions and references."""
    return secrets.token_urlsafe(bits // 8)


def digits(count: int = 6) -> str:
    """A random code of decimal digits that a person types."""
    return f"{secrets.randbelow(10**count):0{count}}"


def digest(secret_text: str) -> bytes:
    """What is stored of a secret of at least 128 bits: its SHA-256. Short codes need a keyed hash instead."""
    return hashlib.sha256(secret_text.encode()).digest()
