"""The master key and what is derived from it. It lies in a variable or a file, never in the database or a backup."""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.db import row, run, writing
from portal.settings import SettingsError, get


def new_secret() -> str:
    """A fresh value for PORTAL_MASTER_KEY or PORTAL_LOG_KEY."""
    return base64.b64encode(os.urandom(32)).decode()


def blind(kind: str, canonical: str) -> bytes:
    """The blind index of a value in its canonical form: equal values meet without anyone reading them (16 bytes)."""
    return hmac.digest(_derived("blind index"), f"{kind}\0{canonical}".encode(), "sha256")[:16]


def one_time_code_hash(challenge: str, code: str) -> bytes:
    """What is stored of a short code: keyed, so that a stolen database does not give the code away."""
    return hmac.digest(_derived("one-time codes"), f"{challenge}\0{code}".encode(), "sha256")


def link_key() -> bytes:
    """The key of links in mails (links.py)."""
    return _derived("links in mails")


def signing_seed() -> bytes:
    """The 32-byte Ed25519 seed that signs the audit log."""
    return _decoded("PORTAL_LOG_KEY", get().log_key)


async def check_master_key() -> None:
    """Refuse to go on with another master key than the one this database was written under."""
    fingerprint = _fingerprint()
    async with writing():
        sealed = AESGCM(wrapping_key()).encrypt(bytes(12), b"", b"check")
        await run(
            # Whichever unique index another process of this start filled first: naming one leaves the other to raise.
            "INSERT INTO data_key (id, kind, owner, wrapped, master, created_at) VALUES ('check', 'check', '', ?, ?, 0)"
            " ON CONFLICT DO NOTHING",
            *(sealed, fingerprint),
        )
        known = await row("SELECT master FROM data_key WHERE kind = 'check'")
    assert known is not None
    if known["master"] != fingerprint:
        raise SettingsError(
            f"PORTAL_MASTER_KEY is not the key of this database (it wants {known['master']}, this is {fingerprint})."
            " Put the right key back; nothing was changed."
        )


def wrapping_key() -> bytes:
    return _derived("data key wrapping")


def master_id() -> str:
    return _fingerprint()


def _fingerprint() -> str:
    return _derived("fingerprint")[:4].hex()


def _derived(use: str) -> bytes:
    return _hkdf(get().master_key, use)


@lru_cache(maxsize=64)
def _hkdf(master_key: str, use: str) -> bytes:
    secret = _decoded("PORTAL_MASTER_KEY", master_key)
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
