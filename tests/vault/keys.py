"""Two master keys, and what the one that was put away would still open."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal import db, settings
from portal.settings import Settings

NEW_KEY = base64.b64encode(b"n" * 32).decode()


def derived(master_key: str, use: str) -> bytes:
    """Written down once more, so that a changed derivation shows."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"portal {use}".encode())
    return key.derive(base64.b64decode(master_key))


async def opened_by(master_key: str) -> int:
    """How many of the stored keys a master key opens, whatever the rows say of themselves."""
    cipher, opens = AESGCM(derived(master_key, "data key wrapping")), 0
    for each in await db.rows("SELECT id, wrapped FROM data_key WHERE kind <> 'check'"):
        wrapped = bytes(each["wrapped"])
        try:
            cipher.decrypt(wrapped[:12], wrapped[12:], each["id"].encode())
        except InvalidTag:
            continue
        opens += 1
    return opens


async def stored_keys() -> int:
    found = await db.row("SELECT count(*) AS n FROM data_key WHERE kind <> 'check'")
    assert found is not None
    return int(found["n"])


@contextmanager
def started_with(master_key: str, former: str = "") -> Iterator[Settings]:
    """As another start of the portal, with other keys."""
    before = settings.get()
    try:
        yield settings.use(replace(before, master_key=master_key, former_master_key=former))
    finally:
        settings.use(before)
