"""Links that carry what they mean, so that nothing is stored per mail: what for, content, key id, MAC.

The key that makes links is never retired, so that a link in an old mail works for ever: it is one of the lasting secrets,
which the key backup holds.
"""

import base64
import binascii
import hashlib
import hmac

from portal.vault.lasting import link_key

VERSION = b"\x01"
KEY_ID, MAC = 4, 16


def seal_link(use: str, content: bytes) -> str:
    """The token of a link for one use (`unsubscribe`, `undo` …): nobody without the key can make or change one."""
    key = link_key()
    unsigned = VERSION + _name(key) + content
    return base64.urlsafe_b64encode(unsigned + _mac(key, use, unsigned)).rstrip(b"=").decode()


def open_link(use: str, token: str) -> bytes | None:
    """The content of a token that we made for this use; None for any other text."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    unsigned, mac = raw[:-MAC], raw[-MAC:]
    key = {_name(each): each for each in (link_key(),)}.get(unsigned[1 : 1 + KEY_ID])
    if key is None or unsigned[:1] != VERSION or not hmac.compare_digest(mac, _mac(key, use, unsigned)):
        return None
    return unsigned[1 + KEY_ID :]


def _mac(key: bytes, use: str, unsigned: bytes) -> bytes:
    return hmac.digest(key, use.encode() + b"\0" + unsigned, "sha256")[:MAC]


def _name(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:KEY_ID]
