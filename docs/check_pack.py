"""Checks an auditor's pack without the portal: python check_pack.py KEY [LOG] in its folder (needs `cryptography`).

Every file against the manifest, every receipt (verify_receipt.py beside this), the signed states and the proofs between them.
With LOG, the folder of an exported log, the sample is drawn again: nothing may have been kept from the draw.
"""

import base64
import contextlib
import hashlib
import io
import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = Path(__file__).resolve().parent
PROBLEMS: list[str] = []


def compare(manifest: dict[str, Any]) -> None:
    """Every file is there, is the one that was packed, and no other is."""
    there = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file()} - {"manifest.json"}
    for name in sorted(there ^ manifest["files"].keys()):
        PROBLEMS.append(f"{name}: " + ("stands not in the manifest" if name in there else "is missing"))
    for name in sorted(there & manifest["files"].keys()):
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != manifest["files"][name]["sha256"]:
            PROBLEMS.append(f"{name}: was changed")


def receipts(names: list[str], key: str) -> None:
    """Each by verify_receipt.py, and each of the state of the log that was signed last."""
    newest = (HERE / "log/newest.checkpoint").read_bytes().decode()
    for name in names:
        sys.argv = ["verify_receipt.py", str(HERE / name), key]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(HERE / "verify_receipt.py"), run_name="__main__")
            if (HERE / name).read_bytes().decode().split("\n\n", 1)[1] != newest:
                PROBLEMS.append(f"{name}: is of another state of the log")
        except (SystemExit, InvalidSignature, ValueError, KeyError) as problem:
            PROBLEMS.append(f"{name}: {problem or 'the signature is wrong'}")


def state(name: str, key: str) -> tuple[int, bytes]:
    """Size and root of a signed state; earlier logs of the same portal (/audit/1 before /audit/2) have the same key."""
    text, signatures = (HERE / f"log/{name}.checkpoint").read_bytes().decode().rsplit("\n\n", 1)
    origin, size, root = text.split("\n")[:3]
    line = next(each for each in signatures.split("\n") if each.startswith(f"— {origin} "))
    signature = base64.b64decode(line.rpartition(" ")[2])[4:]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key.split("+", 2)[2])[1:]).verify(signature, f"{text}\n".encode())
    if origin.rpartition("/")[0] != key.split("+")[0].rpartition("/")[0]:
        raise ValueError(f"{origin} is a log of somebody else")
    return int(size), base64.b64decode(root)


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def grew(old: tuple[int, bytes], new: tuple[int, bytes], proof: list[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2."""
    (size, root), (last, target) = old, new
    if size == last:
        return not proof and root == target
    first = second = (path := proof if size & (size - 1) else [root, *proof])[0]
    size, last = size - 1, last - 1
    while size % 2:
        size, last = size // 2, last // 2
    for other in path[1:]:
        if last == 0:
            return False
        if size % 2 or size == last:
            first, second = node(other, first), node(other, second)
            while size and not size % 2:
                size, last = size // 2, last // 2
        else:
            second = node(second, other)
        size, last = size // 2, last // 2
    return last == 0 and (first, second) == (root, target)


def states(key: str) -> None:
    for step in json.loads((HERE / "log/consistency.json").read_text()):
        proof = [base64.b64decode(each) for each in step["hashes"]]
        if not grew(state(step["from"], key), state(step["to"], key), proof):
            PROBLEMS.append(f"log/{step['to']}.checkpoint: did not grow from {step['from']}")


def entries(log: Path, size: int) -> Iterator[bytes]:
    """The first entries of an exported log, as they were hashed (c2sp.org/tlog-tiles)."""
    for number in range(-(-size // 256)):
        digits = f"{number:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        file = log / "tile/entries" / "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        widest = sorted(file.with_name(f"{file.name}.p").glob("*"), key=lambda each: int(each.name))[-1:]
        bundle, at = (file if file.exists() else widest[0]).read_bytes(), 0
        for _each in range(min(256, size - number * 256)):
            length = int.from_bytes(bundle[at : at + 2], "big")
            if not length:
                raise ValueError("the log is shorter than the one that was signed")
            yield bundle[at + 2 : at + 2 + length]
            at += 2 + length


def draw_again(manifest: dict[str, Any], log: Path, key: str) -> None:
    """The log leads to the signed state, and the places that come first by rank are those shown or named as erased."""
    size, root = state("newest", key)
    events = dict.fromkeys(manifest["answers"], "consent") | {"case.opened": "case.opened"}
    found: dict[str, list[tuple[bytes, int]]] = {kind: [] for kind in manifest["drawn"]}
    trees: list[tuple[int, bytes]] = []
    for place, leaf in enumerate(entries(log, size)):
        height, hashed = 0, hashlib.sha256(b"\0" + leaf).digest()
        while trees and trees[-1][0] == height:
            height, hashed = height + 1, node(trees.pop()[1], hashed)
        trees.append((height, hashed))
        kind = events.get(json.loads(leaf)["e"])
        if kind and manifest["first_place"] <= place < manifest["end_place"]:
            found[kind].append((hashlib.sha256(f"{manifest['seed']}:{place}".encode()).digest(), place))
    whole = trees.pop()[1]
    while trees:
        whole = node(trees.pop()[1], whole)
    if whole != root:
        PROBLEMS.append(f"{log}: is not the log that was signed")
    for kind, ranked in found.items():
        drawn = manifest["drawn"][kind]
        shown = set(drawn["places"]) | set(drawn["erased"])
        first = {place for _rank, place in sorted(ranked)[: len(shown)]}
        if first != shown or drawn["of"] != len(ranked) or len(drawn["places"]) < min(25, len(ranked) - len(drawn["erased"])):
            PROBLEMS.append(f"the sample of {kind} is not the one that the seed draws")


def main(key: str, log: str = "") -> int:
    manifest = json.loads((HERE / "manifest.json").read_text())
    compare(manifest)
    names = [name for name in manifest["files"] if name.endswith(".txt") and not name.startswith("log/")]
    try:
        if not PROBLEMS:
            receipts(names, key)
            states(key)
        if log and not PROBLEMS:
            draw_again(manifest, Path(log), key)
    except (InvalidSignature, StopIteration, OSError, LookupError, ValueError) as trouble:
        PROBLEMS.append(f"cannot be checked, or was not signed with this key: {trouble!r}")
    for problem in PROBLEMS:
        print(f"WRONG: {problem}")
    if not PROBLEMS:
        drawn = " The sample was drawn again: it is the same." if log else ""
        print(f"Right: {len(manifest['files'])} files, of which {len(names)} are receipts.{drawn}")
    return 1 if PROBLEMS else 0


sys.exit(main(*sys.argv[1:]))
