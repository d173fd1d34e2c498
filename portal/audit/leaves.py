"""The bytes of one entry: the statement that is sealed, its commitment, and the leaf that is hashed.

The leaf holds no identifier and no pseudonym: `{"c":commitment,"e":event,"t":time,"v":1}`, with `n` (a count) and
`d` (digest of something public) where an event has them. The commitment is HMAC-SHA-256 of the statement under a
fresh salt: once both are erased nobody can connect the leaf with a person (GDPR Art. 17), yet the tree still proves.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SALT = 32
TOMBSTONE = "shredded/"
BEGINNING = 49  # bytes of a leaf, up to the end of its commitment; what follows many leaves have in common
_LEAF = re.compile(
    rb'\{"c":"([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])",(?:"d":"([!#-\[\]-~]{1,200})",)?"e":"([a-z_]+\.[a-z_]+)",'
    rb'(?:"n":(0|[1-9][0-9]{0,18}),)?"t":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)","v":1\}'
)
_FOR_ADDRESSES = bytes.maketrans(b"+/", b"-_")
_PAYLOAD = ',"payload":'
_READ = json.JSONDecoder()
_WRITTEN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class LeafError(Exception):
    """The bytes are no leaf of this log."""


@dataclass(frozen=True)
class Leaf:
    """What a leaf says in clear."""

    commitment: str
    event: str
    time: str
    count: int | None
    digest: str | None


def statement(said: dict[str, Any], payload: dict[str, Any]) -> str:
    """What happened, as canonical JSON: the text that is sealed and committed to."""
    _refuse_floats(payload)
    return canonical(said | {"payload": payload} if payload else said)


def precise(at: datetime) -> str:
    """The moment of an entry as its statement says it; in UTC, with microseconds."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def particulars(
    *, id: str, event: str, at: str, actor: str, subject: str | None, case: str | None, object: str
) -> dict[str, Any]:
    """The part of a statement that also stands in the entry's columns; `at` as `precise` writes it."""
    said = {"id": id, "event": event, "at": at, "actor": actor}
    if subject:
        said["subject"] = subject
    if case:
        said["case"] = case
    if object:
        said["object"] = object
    return said


def states(said: str, *, id: str, event: str, at: str, actor: str, subject: str | None, case: str | None, object: str) -> bool:
    """Whether these are the particulars of a statement that is written as `statement` writes it.

    The same as opening it and comparing, for whoever does that a million times: nothing but the payload is read.
    """
    write = _WRITTEN.encode
    before = f'{{"actor":{write(actor)},"at":"{at}"'
    if case:
        before += f',"case":{write(case)}'
    before += f',"event":{write(event)},"id":{write(id)}'
    if object:
        before += f',"object":{write(object)}'
    if not said.startswith(before):
        return False
    end = len(before)
    if said.startswith(_PAYLOAD, end):
        end = _READ.raw_decode(said, end + len(_PAYLOAD))[1]
    return said[end:] == (f',"subject":{write(subject)}}}' if subject else "}")


def opened_statement(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Particulars and payload again."""
    said: dict[str, Any] = json.loads(text)
    return said, said.pop("payload", {})


def canonical(value: Any) -> str:
    return _WRITTEN.encode(value)


def commitment(salt: bytes, said: str) -> bytes:
    return hmac.digest(salt, said.encode(), "sha256")


def leaf_bytes(committed: bytes, event: str, time: str, count: int | None, digest: str | None) -> bytes:
    """The one way a leaf is written: names in the order of the alphabet. `require_leaf` refuses what it cannot hold."""
    shown = f'"d":"{digest}",' if digest is not None else ""
    counted = f'"n":{count},' if count is not None else ""
    return f'{{"c":"{base64url(committed)}",{shown}"e":"{event}",{counted}"t":"{time}","v":1}}'.encode()


def beginning_of(committed: bytes) -> bytes:
    """The first BEGINNING bytes of the leaf with that commitment."""
    return b'{"c":"' + base64url(committed).encode()


def read_leaf(stored: bytes) -> Leaf:
    """The leaf again; only the one way `leaf_bytes` writes it is accepted."""
    match = require_leaf(stored)
    commitment, digest, event, count, time = (None if each is None else each.decode() for each in match.groups())
    assert commitment is not None and event is not None and time is not None
    return Leaf(commitment, event, time, None if count is None else int(count), digest)


def require_leaf(stored: bytes) -> re.Match[bytes]:
    match = _LEAF.fullmatch(stored)
    if match is None:
        raise LeafError("These bytes are no entry of this log.")
    return match


def tombstone(committed: bytes) -> str:
    """The id of a shredded entry. It is another than before, so that no other table still tells whose entry it was."""
    return TOMBSTONE + base64url(committed)


def base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).translate(_FOR_ADDRESSES, b"=").decode()


def from_base64url(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text, re.ASCII):
        raise ValueError("Not base64url.")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(data) != text:
        raise ValueError("Not the canonical base64url.")
    return data


def _refuse_floats(value: Any) -> None:
    """A float has no one way to be written; use whole numbers or text."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, float):
            raise ValueError(f"{each} in a payload: write it as a whole number or as text.")
        if isinstance(each, (dict, list, tuple)):
            _refuse_floats(each)
