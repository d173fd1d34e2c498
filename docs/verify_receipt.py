"""Checks a receipt without the portal: python verify_receipt.py PROOF.txt KEY (needs the package `cryptography`)."""

import base64
import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def require(right: bool, otherwise: str) -> None:
    if not right:
        raise SystemExit(f"WRONG: {otherwise}")


def decode(text: str, url: bool = False) -> bytes:
    padded = text.translate({45: "+", 95: "/"}) + "=" * (-len(text) % 4) if url else text
    data = base64.b64decode(padded)
    require(base64.b64encode(data).decode() == padded and not (url and set(text) & set("+/=")), "base64 is not canonical")
    return data


raw, (name, key_id, key) = Path(sys.argv[1]).read_bytes(), sys.argv[2].strip().split("+", 2)
top, note = raw.decode().split("\n\n", 1)
(first, extra, index, *hashes), (text, signatures) = top.split("\n"), note.rsplit("\n\n", 1)
(origin, size, root), signer, written = text.split("\n")[:3], f"— {name} ", decode(extra.removeprefix("extra "))
signed = [decode(line.removeprefix(signer)) for line in signatures.split("\n")[:-1] if line.startswith(signer)]
require(len(raw) <= 65536 and len(hashes) <= 63 and signatures[-1:] == "\n" and origin == name, "another log, or too long")
require((first, extra[:6], index[:6]) == ("c2sp.org/tlog-proof@v1", "extra ", "index "), "this is no receipt")
require(len(signed) == 1 and signed[0][:4].hex() == key_id and decode(key)[:1] == b"\1", "not signed with this key")
Ed25519PublicKey.from_public_bytes(decode(key)[1:]).verify(signed[0][4:], f"{text}\n".encode())  # raises InvalidSignature
said, at, last = json.loads(written), int(index[6:]), int(size) - 1
require(f"{at} {last + 1}" == f"{index[6:]} {size}" and 0 <= at <= last, "a number is not canonical, or no such place")
require(json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == written, "extra was rewritten")
leaf, computed = json.loads(said["leaf"]), hashlib.sha256(b"\0" + said["leaf"].encode()).digest()
for other in map(decode, hashes):
    left = at % 2 or at == last
    require(last > 0 and len(other) == 32, "the proof is too long")
    computed = hashlib.sha256(b"\1" + (other + computed if left else computed + other)).digest()
    while left and not at % 2 and at:
        at, last = at // 2, last // 2
    at, last = at // 2, last // 2
require(last == 0 and computed == decode(root), "the entry is not at this place of the signed log")
same = hmac.digest(decode(said["salt"], True), said["statement"].encode(), "sha256") == decode(leaf["c"], True)
require(same and json.loads(said["statement"])["event"] == leaf["e"], "the contents were changed")
print(f"Right: place {index[6:]} of {size} entries signed by {name}, recorded {leaf['t']}:\n{said['statement']}")
