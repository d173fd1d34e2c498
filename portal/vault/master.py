"""The master key: it wraps every data key and nothing else. It lies in a variable or a file, never in the database or a backup.

While it is being changed (rotation.py) two are known: PORTAL_MASTER_KEY, under which everything new is wrapped, and the one
until now, PORTAL_FORMER_MASTER_KEY, which only opens. Each wrapped key names its master key by a fingerprint.
"""

import base64
import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.lib.errors import Unavailable
from portal.paper import _
from portal.settings import SettingsError, get
from portal.vault.fields import Tampered


def new_secret() -> str:
    """A fresh value for PORTAL_MASTER_KEY or PORTAL_LOG_KEY."""
    return base64.b64encode(os.urandom(32)).decode()


def secret_for(use: str, master: str) -> bytes:
    """A key of its own for one thing outside the database (files.py), from the master key with this fingerprint."""
    for variable, known in (("PORTAL_MASTER_KEY", get().master_key), ("PORTAL_FORMER_MASTER_KEY", get().former_master_key)):
        if known and _fingerprint(variable, known) == master:
            return _hkdf(variable, known, use)
    raise Tampered(f"It was written under another master key ({master[:8]!r}, this is {master_id()}).")


def signing_seed() -> bytes:
    """The 32-byte Ed25519 seed that signs the audit log."""
    return _decoded("PORTAL_LOG_KEY", get().log_key)


def wrap(secret: bytes, key_id: str) -> bytes:
    """A key as it is stored, under the master key in use."""
    nonce = os.urandom(12)
    return nonce + _cipher("PORTAL_MASTER_KEY", get().master_key).encrypt(nonce, secret, key_id.encode())


def unwrap(wrapped: bytes, key_id: str, master: str) -> bytes:
    """The key again; `master` is the fingerprint of the master key that it was stored under."""
    cipher = _known().get(master)
    if cipher is None:
        raise another_master_key()
    try:
        return cipher.decrypt(wrapped[:12], wrapped[12:], key_id.encode())
    except (InvalidTag, ValueError) as problem:
        raise Tampered(f"The key {key_id} does not open: it was changed or moved.") from problem


def another_master_key() -> Unavailable:
    """The master key was changed while this process ran, which must be started again with the new one."""
    return Unavailable(_("We are just changing our keys. Please try again in a few minutes; nothing was changed."))


def master_id() -> str:
    """The fingerprint of the master key in use."""
    return _fingerprint("PORTAL_MASTER_KEY", get().master_key)


def former_id() -> str | None:
    """The fingerprint of the master key until now, while two are known."""
    former = get().former_master_key
    return _fingerprint("PORTAL_FORMER_MASTER_KEY", former) if former else None


def _known() -> dict[str, AESGCM]:
    return _ciphers(get().master_key, get().former_master_key)


@lru_cache(maxsize=16)
def _ciphers(master_key: str, former: str) -> dict[str, AESGCM]:
    given = [("PORTAL_MASTER_KEY", master_key)] + ([("PORTAL_FORMER_MASTER_KEY", former)] if former else [])
    return {_fingerprint(*each): _cipher(*each) for each in given}


@lru_cache(maxsize=16)
def _cipher(variable: str, master_key: str) -> AESGCM:
    return AESGCM(_hkdf(variable, master_key, "data key wrapping"))


def _fingerprint(variable: str, master_key: str) -> str:
    return _hkdf(variable, master_key, "fingerprint")[:4].hex()


@lru_cache(maxsize=64)
def _hkdf(variable: str, master_key: str, use: str) -> bytes:
    secret = _decoded(variable, master_key)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"portal {use}".encode()).derive(secret)


def _decoded(variable: str, text: str) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise SettingsError(f"{variable} must be 32 bytes in base64. `portal init` makes one and says where it put it.")
    if hashlib.sha256(secret).hexdigest() in _DEMO_SECRETS and not get().demo:
        raise SettingsError(f"{variable} is the public demo secret. Make your own with `portal init`.")
    return secret


# SHA-256 of the secrets that `make run` uses for the demo company; everybody can read those.
_DEMO_SECRETS = {
    hashlib.sha256(b"portal demo master key, not secret"[:32]).hexdigest(),
    hashlib.sha256(b"portal demo log key, not a secret"[:32]).hexdigest(),
}
