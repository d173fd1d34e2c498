"""A witness of its own: c2sp.org/tlog-witness from its text, sharing nothing with the portal but Ed25519 and SHA-256.

It checks what it is asked in the order of the specification, remembers the last state it cosigned, and serves HTTP.
"""

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.custody.authority import served

Answer = tuple[int, str, bytes]
Seen = tuple[int, bytes]


@dataclass
class Witness:
    """`logs`: origin → public key of its log. `mode`: right, silent (500), forged, timeless, or stranger."""

    logs: dict[str, bytes]
    name: str = "witness.example/w1"
    seed: bytes = b"w" * 32
    url: str = ""
    mode: str = "right"
    seen: dict[str, Seen] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def verifier_key(self) -> str:
        return f"{self.name}+{self._key_id().hex()}+{_b64(bytes([4]) + self._public())}"

    def add_checkpoint(self, body: bytes) -> Answer:
        asked = body.decode()
        self.asked.append(asked)
        if self.mode == "silent":
            return 500, "text/plain", b"Out of order."
        head, _blank, note = asked.partition("\n\n")
        text, _blank, signatures = note.rpartition("\n\n")
        origin, size_line, root_line = (text + "\n").split("\n")[:3]
        old, proof = _head(head)
        size, root = int(size_line), base64.b64decode(root_line, validate=True)
        if origin not in self.logs:
            return 404, "text/plain", b"unknown log"
        if not _signed(origin, self.logs[origin], (text + "\n").encode(), signatures):
            return 403, "text/plain", b"no signature"
        if old > size:
            return 400, "text/plain", b"backwards"
        known, known_root = self.seen.get(origin, (0, hashlib.sha256(b"").digest()))
        if old != known:
            return 409, "text/x.tlog.size", f"{known}\n".encode()
        if not _continues(old, size, known_root, root, proof):
            return 422, "text/plain", b"not consistent"
        self.seen[origin] = (size, root)
        return 200, "text/plain", self._cosigned(text + "\n").encode()

    def _cosigned(self, text: str) -> str:
        at = 0 if self.mode == "timeless" else int(time.time())
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        if self.mode == "forged":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        stranger = f"— somebody.example/else {_b64(b'abcd' + b'x' * 72)}\n"
        line = f"— {self.name} {_b64(self._key_id() + at.to_bytes(8, 'big') + signature)}\n"
        return stranger if self.mode == "stranger" else stranger + line

    def _public(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def _key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + b"\x04" + self._public()).digest()[:4]


@contextmanager
def serving(witness: Witness) -> Iterator[Witness]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            there = self.path == "/w/add-checkpoint"
            status, kind, content = witness.add_checkpoint(body) if there else (404, "text/plain", b"")
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with served(Door) as address:
        witness.url = f"{address}/w/"
        yield witness


def _head(head: str) -> tuple[int, list[bytes]]:
    first, *lines = head.split("\n")
    found = re.fullmatch(r"old (0|[1-9][0-9]*)", first)
    assert found and len(lines) <= 63, head
    return int(found[1]), [base64.b64decode(line, validate=True) for line in lines]


def _signed(origin: str, public: bytes, text: bytes, signatures: str) -> bool:
    wanted = hashlib.sha256(origin.encode() + b"\n" + b"\x01" + public).digest()[:4]
    for line in signatures.splitlines():
        _dash, name, signature = line.split(" ")
        decoded = base64.b64decode(signature, validate=True)
        if (name, decoded[:4]) == (origin, wanted):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(decoded[4:], text)
            except InvalidSignature:
                return False
            return True
    return False


def _continues(old: int, size: int, old_root: bytes, root: bytes, proof: list[bytes]) -> bool:
    """RFC 6962 section 2.1.2, top down: a recursion over the tree, unlike the portal's loop over the path."""
    if old == 0:
        return not proof
    if old == size:
        return not proof and old_root == root
    left = list(proof)
    try:
        roots = _subproof(old, size, left, old_root, True)
    except IndexError:
        return False
    return not left and roots == (old_root, root)


def _subproof(old: int, size: int, proof: list[bytes], old_root: bytes, whole: bool) -> tuple[bytes, bytes]:
    """The roots of the first `old` leaves and of all `size`, from the end of the proof inwards."""
    if old == size:
        same = old_root if whole else proof.pop(0)
        return same, same
    half = 1
    while half * 2 < size:
        half *= 2
    if old <= half:
        first, second = _subproof(old, half, proof, old_root, whole)
        return first, _node(second, proof.pop(0))
    first, second = _subproof(old - half, size - half, proof, old_root, False)
    left = proof.pop(0)
    return _node(left, first), _node(left, second)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
