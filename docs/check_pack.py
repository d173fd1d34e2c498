"""Checks an auditor's pack without the portal: python check_pack.py KEY [LOG] in its folder (needs `cryptography`).

Every file against the manifest, every receipt (verify_receipt.py beside this), the signed states and the proofs between them,
and that each place drawn has its receipt or is said to have none. With LOG, the folder of an exported log, the sample is drawn
again. What is called erased, closed or words cannot be checked by anybody outside; this says how many such places there are.
"""

import base64
import contextlib
import hashlib
import io
import json
import runpy
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = Path(__file__).resolve().parent
PROBLEMS: list[str] = []
FORMAT = "portal/auditor-pack/2"
WANTED = 25
SAID = ("granted", "refused", "unset", "informed", "pending", "confirmed", "undone")
EVENTS = {"case.opened": "case.opened"} | {f"consent.{each}": "consent" for each in SAID}
KINDS = tuple(dict.fromkeys(EVENTS.values()))
WITHOUT = {
    "words": "said to hold words that somebody wrote",
    "closed": "said to be of people whose data was deleted",
}


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


def sample(manifest: dict[str, Any], names: list[str], key: str) -> list[str]:
    """Each place drawn lies in the window and has its receipt, or is said to have none; answers how many of which."""
    same_kinds = manifest["drawn"].keys() == set(KINDS) and set(manifest["answers"]) == EVENTS.keys() - set(KINDS)
    if manifest["format"] != FORMAT or not same_kinds:
        PROBLEMS.append("manifest.json: this script does not know such packs")
        return []
    if manifest["seed_from"] != "given":
        size, root = state("end", key)
        if manifest["seed"] != root.hex() or size < manifest["end_place"]:
            PROBLEMS.append("the seed is not the root of log/end.checkpoint, or that was signed before the window's end")
    told = [f"Seed: {manifest['seed']} ({manifest['seed_from']})."]
    for kind in KINDS:
        drawn = manifest["drawn"][kind]
        places = [each["place"] for each in drawn["places"]]
        every = places + drawn["erased"]
        inside = all(manifest["first_place"] <= each < manifest["end_place"] for each in every)
        if not inside or len(set(every)) != len(every) or len(places) < min(WANTED, drawn["of"] - len(drawn["erased"])):
            PROBLEMS.append(f"the sample of {kind} names too few places, one twice, or one outside the window")
        for each in drawn["places"]:
            if each["receipt"] not in WITHOUT and not is_of(each["receipt"], each["place"], kind, names):
                PROBLEMS.append(f"place {each['place']} ({kind}): its receipt is missing, or is of something else")
        reasons = Counter(each["receipt"] for each in drawn["places"] if each["receipt"] in WITHOUT)
        why = "".join(f", {reasons[name]} {WITHOUT[name]}" for name in WITHOUT if reasons[name])
        told.append(f"{kind}: {len(places)} drawn of {drawn['of']}, {reasons.total()} without a receipt{why}.")
    return told


def is_of(name: str, place: int, kind: str, names: list[str]) -> bool:
    """Of that place and kind; the receipt itself was checked before."""
    if name not in names:
        return False
    _first, extra, index = (HERE / name).read_bytes().decode().split("\n")[:3]
    leaf = json.loads(json.loads(base64.b64decode(extra.removeprefix("extra ")))["leaf"])
    return index == f"index {place}" and EVENTS.get(leaf["e"]) == kind


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


def draw_again(manifest: dict[str, Any], log: Path, key: str) -> int:
    """The log leads to the signed state, and the places that come first by rank are those shown or called erased.

    Answers how many erasures the log tells of: no more places than that can have been erased.
    """
    (size, root), erasures, strays = state("newest", key), 0, list[int]()
    found: dict[str, list[tuple[bytes, int]]] = {kind: [] for kind in KINDS}
    trees: list[tuple[int, bytes]] = []
    for place, leaf in enumerate(entries(log, size)):
        height, hashed = 0, hashlib.sha256(b"\0" + leaf).digest()
        while trees and trees[-1][0] == height:
            height, hashed = height + 1, node(trees.pop()[1], hashed)
        trees.append((height, hashed))
        said = json.loads(leaf)
        kind, inside = EVENTS.get(said["e"]), manifest["first_place"] <= place < manifest["end_place"]
        erasures += said["n"] if said["e"] == "payload.shredded" else 0
        if inside != (manifest["from"] <= said["t"] < manifest["to"]):
            strays.append(place)
        if kind and inside:
            found[kind].append((hashlib.sha256(f"{manifest['seed']}:{place}".encode()).digest(), place))
    whole = trees.pop()[1]
    while trees:
        whole = node(trees.pop()[1], whole)
    if whole != root:
        PROBLEMS.append(f"{log}: is not the log that was signed")
    if strays:
        PROBLEMS.append(f"the window's places are not those of its days: {len(strays)} differ, the first is {strays[0]}")
    for kind, ranked in found.items():
        drawn = manifest["drawn"][kind]
        shown = {each["place"] for each in drawn["places"]} | set(drawn["erased"])
        first = {place for _rank, place in sorted(ranked)[: len(shown)]}
        if first != shown or drawn["of"] != len(ranked):
            PROBLEMS.append(f"the sample of {kind} is not the one that the seed draws")
    if called_erased(manifest) > erasures:
        PROBLEMS.append(f"{called_erased(manifest)} places are called erased, but the log tells of {erasures} erasures")
    return erasures


def called_erased(manifest: dict[str, Any]) -> int:
    return sum(len(manifest["drawn"][kind]["erased"]) for kind in KINDS)


def main(key: str, log: str = "") -> int:
    manifest = json.loads((HERE / "manifest.json").read_text())
    compare(manifest)
    names = [name for name in manifest["files"] if name.endswith(".txt") and not name.startswith("log/")]
    told, erasures = list[str](), 0
    try:
        if not PROBLEMS:
            receipts(names, key)
            states(key)
        if not PROBLEMS:
            told = sample(manifest, names, key)
        if log and not PROBLEMS:
            erasures = draw_again(manifest, Path(log), key)
    except (InvalidSignature, StopIteration, OSError, LookupError, TypeError, ValueError) as trouble:
        PROBLEMS.append(f"cannot be checked, or was not signed with this key: {trouble!r}")
    for problem in PROBLEMS:
        print(f"WRONG: {problem}")
    if not PROBLEMS:
        drawn = " The sample was drawn again: it is the same." if log else ""
        print(f"Right: {len(manifest['files'])} files, of which {len(names)} are receipts.{drawn}")
        print("\n".join(told))
        in_all = f" The log tells of {erasures} erasures in all." if log else ""
        print(f"{called_erased(manifest)} places are called erased; whether they were cannot be checked here.{in_all}")
    return 1 if PROBLEMS else 0


sys.exit(main(*sys.argv[1:]))
