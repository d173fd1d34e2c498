"""Secrets that stay when the master key changes: of the blind index, of short codes, of links in mails.

Under new ones nobody would be found any more, a no among them, and links in old mails would be dead. So each is a key of its
own, wrapped by the master key as every data key is, made at a portal's first start, and read into memory at each start.
Portals of earlier versions derived them from their first master key and keep those bytes: with that master key, also after
it was changed, and a copy of the database somebody could try out guessed addresses there, but open nothing.
"""

import hmac
import os
from typing import Any

from portal.db import many, rows
from portal.lib import clock, ids
from portal.settings import get
from portal.vault.master import master_id, secret_for, unwrap, wrap

KIND = "lasting"
BLIND, CODES, LINKS = USES = ("blind index", "one-time codes", "links in mails")

_read: dict[str, dict[str, bytes]] = {}  # by database


def blind(kind: str, canonical: str) -> bytes:
    """The blind index of a value in its canonical form: equal values meet without anyone reading them (16 bytes)."""
    return hmac.digest(_secret(BLIND), f"{kind}\0{canonical}".encode(), "sha256")[:16]


def one_time_code_hash(challenge: str, code: str) -> bytes:
    """What is stored of a short code: keyed, so that a stolen database does not give the code away."""
    return hmac.digest(_secret(CODES), f"{challenge}\0{code}".encode(), "sha256")


def link_key() -> bytes:
    """The key of links in mails (links.py)."""
    return _secret(LINKS)


async def read_lasting(*, new: bool, master: str) -> None:
    """Read them, and make what is missing: at random for a new portal, else what was derived before; inside `writing()`."""
    found = await _stored()
    missing = [each for each in USES if each not in found]
    made = []
    for use in missing:
        key_id, secret = ids.new(), os.urandom(32) if new else secret_for(use, master)
        made.append((key_id, KIND, use, wrap(secret, key_id), master_id(), clock.micros(clock.now())))
    await many(
        "INSERT INTO data_key (id, kind, owner, wrapped, master, created_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        made,
    )
    found = await _stored()
    _read[get().database] = {use: unwrap(bytes(one["wrapped"]), one["id"], one["master"]) for use, one in found.items()}


async def _stored() -> dict[str, dict[str, Any]]:
    return {each["owner"]: each for each in await rows("SELECT * FROM data_key WHERE kind = ?", KIND)}


def _secret(use: str) -> bytes:
    try:
        return _read[get().database][use]
    except KeyError:
        # Never another one instead: under it nobody would be found, and nobody's no.
        raise RuntimeError("The vault was not opened: check_master_key() comes first.") from None
