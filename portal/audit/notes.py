"""Signed notes (c2sp.org/signed-note, Ed25519) and the checkpoints made of them (c2sp.org/tlog-checkpoint).

Strict on purpose: canonical decimals, base64 that re-encodes to itself, no control characters, at most 64 KiB.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LONGEST_NOTE = 65_536
_ED25519 = b"\x01"
_COSIGNATURE = b"\x04"


class NoteError(Exception):
    """A note is malformed or not signed by whom it should be; the message says which."""


@dataclass(frozen=True)
class VerifierKey:
    """Whose signatures count: `<name>+<key id>+<key>`, the text that is given to outsiders."""

    name: str
    key_id: bytes
    kind: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text.strip())
        if match is None:
            raise NoteError("A verifier key looks like name+0123abcd+base64.")
        material = decode64(match[3])
        key = cls(match[1], bytes.fromhex(match[2]), material[:1], material[1:])
        if key.kind not in (_ED25519, _COSIGNATURE) or len(key.public) != 32:
            raise NoteError("The verifier key is of a kind this portal does not know.")
        if key.key_id != _key_id(key.name, key.kind, key.public):
            raise NoteError("The verifier key does not fit its own key id: it was mistyped or changed.")
        return key

    def under(self, name: str) -> "VerifierKey":
        """The same key pair under another name: a log that follows another one has its key."""
        return VerifierKey(name, _key_id(name, self.kind, self.public), self.kind, self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(self.kind + self.public)}"


@dataclass(frozen=True)
class Checkpoint:
    """The state of the log that was signed: its origin, how many entries, the root, and the note as it was signed."""

    origin: str
    size: int
    root: bytes
    note: str


def verifier_key(origin: str, seed: bytes) -> VerifierKey:
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return VerifierKey(origin, _key_id(origin, _ED25519, public), _ED25519, public)


def sign_checkpoint(origin: str, size: int, root: bytes, seed: bytes) -> Checkpoint:
    text = f"{origin}\n{size}\n{encode64(root)}\n"
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    line = encode64(verifier_key(origin, seed).key_id + signature)
    return Checkpoint(origin, size, root, f"{text}\n— {origin} {line}\n")


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note, if one of the keys signed it and none that should have is wrong."""
    keys = list(keys)
    names = open_note(note, keys)
    checkpoint = read_checkpoint(note)
    if checkpoint.origin not in names:
        raise NoteError(f"The checkpoint of {checkpoint.origin} is signed by {', '.join(names)} only.")
    return checkpoint


def read_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in a note whose signatures nobody has looked at yet."""
    text, _signatures = _parts(note)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteError("The checkpoint lacks a line.")
    origin, size, root = lines[:3]
    hashed = decode64(root)
    if len(hashed) != 32:
        raise NoteError("The root of the checkpoint is not 32 bytes long.")
    return Checkpoint(origin, decimal(size), hashed, note)


def open_note(note: str, keys: Iterable[VerifierKey]) -> list[str]:
    """The names of those of `keys` who signed the note; raises NoteError if one signature is wrong or there is none."""
    text, lines = _parts(note)
    known = {(key.name, key.key_id): key for key in keys}
    signed: list[str] = []
    for line in lines:
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line)
        if match is None:
            raise NoteError("A signature line is malformed.")
        signature = decode64(match[2])
        if len(signature) < 5:
            raise NoteError("A signature is too short.")
        key = known.get((match[1], signature[:4]))
        if key is not None:
            _verify(key, text.encode(), signature[4:])
            signed.append(key.name)
    if not signed:
        raise NoteError("The note is not signed by a key that counts here.")
    return signed


def decimal(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text, re.ASCII):
        raise NoteError(f"{text[:40]!r} is no canonical decimal number.")
    return int(text)


def encode64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise NoteError("Something that should be base64 is not.") from problem
    if encode64(data) != text:
        raise NoteError("Something in base64 is not written the one canonical way.")
    return data


def _parts(note: str) -> tuple[str, list[str]]:
    if len(note.encode()) > LONGEST_NOTE:
        raise NoteError("The note is longer than 64 KiB.")
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("The note holds control characters.")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NoteError("The note has no signatures.")
    return text + "\n", signatures.removesuffix("\n").split("\n")


def _verify(key: VerifierKey, text: bytes, signature: bytes) -> None:
    if key.kind == _COSIGNATURE:
        # c2sp.org/tlog-cosignature: eight bytes of time before the signature, which covers a header with that time.
        text = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8]) + text
        signature = signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except InvalidSignature as problem:
        raise NoteError(f"The signature of {key.name} does not fit the text: one of the two was changed.") from problem


def _key_id(name: str, kind: bytes, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]
