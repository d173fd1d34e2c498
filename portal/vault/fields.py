"""One sealed field: version byte, random 96-bit nonce, AES-256-GCM ciphertext."""

import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"


class Place(NamedTuple):
    """Where a sealed value lives; it opens only there."""

    table: str
    column: str
    row: str

    def as_bytes(self) -> bytes:
        return f"{self.table}\0{self.column}\0{self.row}".encode()


class Tampered(Exception):
    """A sealed value was changed, moved, or sealed under another key."""


def seal(secret: bytes, place: Place, plain: bytes) -> bytes:
    nonce = os.urandom(12)
    return VERSION + nonce + AESGCM(secret).encrypt(nonce, plain, place.as_bytes())


def unseal(secret: bytes, place: Place, sealed: bytes) -> bytes:
    return unseal_with(AESGCM(secret), place, sealed)


def unseal_with(cipher: AESGCM, place: Place, sealed: bytes) -> bytes:
    """The same for whoever opens much under one key: setting that up costs more than opening a field."""
    if sealed[:1] != VERSION:
        raise Tampered(f"{place} holds no sealed value of a known version.")
    try:
        return cipher.decrypt(sealed[1:13], sealed[13:], place.as_bytes())
    except (InvalidTag, ValueError) as problem:  # the latter: too short for a nonce
        raise Tampered(f"{place} does not open: it was changed or moved.") from problem
