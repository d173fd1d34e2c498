"""Signatures of Standard Webhooks 1.0: `v1` (HMAC-SHA256, a shared secret) and `v1a` (Ed25519, a public key suffices).

What is signed is `<webhook-id>.<webhook-timestamp>.<body>`. Several keys sign beside each other, so that a receiver
can change to a new one without losing a message.
"""

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SHORTEST, LONGEST = 24, 64
MOST_SIGNATURES = 10


class BadKey(ValueError):
    """A signing key is not written as it should be; the message says how, never the key."""


@dataclass(frozen=True)
class Signer:
    """The keys that sign for one receiver."""

    secrets: tuple[bytes, ...] = ()
    private: tuple[bytes, ...] = ()

    def headers(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        stamp = str(int(at.timestamp()))
        signed = f"{message_id}.{stamp}.".encode() + body
        signatures = [f"v1,{_base64(hmac.digest(secret, signed, hashlib.sha256))}" for secret in self.secrets]
        signatures += [f"v1a,{_base64(Ed25519PrivateKey.from_private_bytes(seed).sign(signed))}" for seed in self.private]
        return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}

    def public_keys(self) -> list[str]:
        """What receivers verify `v1a` with: `whpk_…`."""
        keys = [Ed25519PrivateKey.from_private_bytes(seed).public_key() for seed in self.private]
        return [f"whpk_{_base64(key.public_bytes_raw())}" for key in keys]


def is_signed(secrets: tuple[bytes, ...], message_id: str, stamp: str, body: bytes, signatures: str) -> bool:
    """Whether any of these secrets made any of the `v1` signatures; all are compared, each in constant time."""
    signed = f"{message_id}.{stamp}.".encode() + body
    made = [f"v1,{_base64(hmac.digest(secret, signed, hashlib.sha256))}".encode() for secret in secrets]
    given = [each.encode() for each in signatures.split(" ")[:MOST_SIGNATURES]]
    return sum(hmac.compare_digest(one, other) for one in made for other in given) > 0


def read_keys(secrets: str, private: str) -> Signer:
    """Keys as an operator wrote them, several in a row with spaces between; raises BadKey."""
    return Signer(tuple(map(_secret, secrets.split())), tuple(map(_seed, private.split())))


def new_keys() -> tuple[str, str, str]:
    """A new secret, a new private key, and the public key that belongs to it."""
    secret, private = f"whsec_{_base64(os.urandom(32))}", f"whsk_{_base64(os.urandom(32))}"
    return secret, private, read_keys("", private).public_keys()[0]


def _secret(text: str) -> bytes:
    key = _bytes(text, "whsec_")
    if not SHORTEST <= len(key) <= LONGEST:
        raise BadKey(f"A secret has {SHORTEST} to {LONGEST} bytes.")
    return key


def _seed(text: str) -> bytes:
    """The 32 bytes of an Ed25519 key; some tools write the public half behind them."""
    key = _bytes(text, "whsk_")
    public = Ed25519PrivateKey.from_private_bytes(key[:32]).public_key().public_bytes_raw() if len(key) >= 32 else b""
    if len(key) < 32 or key[32:] not in (b"", public):
        raise BadKey("A private key has 32 bytes, perhaps followed by its own public key.")
    return key[:32]


def _bytes(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise BadKey(f"It begins with {prefix}.")
    try:
        return base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise BadKey(f"Behind {prefix} stands base64.") from problem


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
