"""The Merkle tree against public vectors and against the definition in RFC 6962, spelled out naively."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.tiles import WIDTH, added, right_edge
from portal.audit.tree import (
    EMPTY,
    Frontier,
    ProofError,
    Range,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.audit.vectors import FOLDER, needs_vectors

LEAVES = [b"leaf %d" % number for number in range(130)]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 defines it."""
    if len(leaves) == 1:
        return []
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 defines it."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    if old <= k:
        return [*naive_proof(old, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_proof(old - k, leaves[k:], False), naive_root(leaves[:k])]


def roots_of(ranges: list[Range]) -> list[bytes]:
    return [naive_root(LEAVES[low:high]) for low, high in ranges]


def test_every_root_and_every_inclusion_proof_up_to_130_is_that_of_the_rfc() -> None:
    tree = Frontier()
    assert tree.root() == EMPTY
    for size in range(1, 131):
        tree.append(leaf_hash(LEAVES[size - 1]))
        root = naive_root(LEAVES[:size])
        assert tree.root() == root
        assert Frontier(size, tree.as_bytes()).root() == root
        for index in {0, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            proof = roots_of(inclusion_ranges(index, size))
            assert proof == naive_path(index, LEAVES[:size])
            verify_inclusion(index, size, leaf_hash(LEAVES[index]), proof, root)


def test_every_consistency_proof_up_to_130_is_that_of_the_rfc() -> None:
    root = {size: naive_root(LEAVES[:size]) for size in range(131)}
    for size in range(1, 131):
        for old in {1, 2, size // 3, size // 2, size - 1, size} & set(range(1, size + 1)):
            proof = roots_of(consistency_ranges(old, size))
            assert proof == naive_proof(old, LEAVES[:size])
            verify_consistency(old, size, root[old], root[size], proof)


@given(st.data())
def test_a_proof_with_anything_changed_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 130))
    index = data.draw(st.integers(0, size - 1))
    proof, root = naive_path(index, LEAVES[:size]), naive_root(LEAVES[:size])
    position = data.draw(st.integers(0, 256 * len(proof) - 1))
    changed = [bytearray(hashed) for hashed in proof]
    changed[position // 256][position % 256 // 8] ^= 1 << position % 8
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
    leaf = leaf_hash(LEAVES[index])
    for wrong in (
        (index, size, leaf, [bytes(each) for each in changed], root),
        (index, size, leaf, proof[:-1], root),
        (index, size, leaf, [*proof, root], root),
        (other, size, leaf, proof, root),
        (index, size, leaf_hash(LEAVES[other]), proof, root),
        (index, size, leaf, [], root),
    ):
        with pytest.raises(ProofError):
            verify_inclusion(*wrong)


def test_refuses_what_no_log_needs() -> None:
    with pytest.raises(ProofError):
        verify_consistency(0, 5, EMPTY, EMPTY, [])
    with pytest.raises(ProofError):
        verify_inclusion(0, 2**64, bytes(32), [bytes(32)] * 64, bytes(32))
    with pytest.raises(ProofError):
        verify_inclusion(0, 2, bytes(32), [b"short"], bytes(32))


@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_tiles_grown_in_any_steps_are_those_of_the_specification(steps: list[int]) -> None:
    hashes = [hashlib.sha256(b"%d" % number).digest() for number in range(sum(steps))]
    stored: dict[tuple[int, int], bytes] = {}
    size = 0
    for step in steps:
        partial = {place: stored[place] for place in right_edge(size)}
        stored |= added(hashes[size : size + step], size, partial)
        size += step
    level = 0
    while hashes:
        for number in range(0, len(hashes), WIDTH):
            assert stored.pop((level, number // WIDTH)) == b"".join(hashes[number : number + WIDTH])
        full = [hashes[at : at + WIDTH] for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        level, hashes = level + 1, [_fold(each) for each in full]
    assert stored == {}


def _fold(hashes: list[bytes]) -> bytes:
    return hashes[0] if len(hashes) == 1 else node_hash(_fold(hashes[: len(hashes) // 2]), _fold(hashes[len(hashes) // 2 :]))


@needs_vectors
def test_the_roots_of_the_public_vectors() -> None:
    known = json.loads((FOLDER / "tlog" / "rfc6962-roots.json").read_text())
    hasher = known["hasher"]
    assert EMPTY.hex() == hasher["empty_root"] and leaf_hash(b"").hex() == hasher["empty_leaf"]
    assert leaf_hash(b"L123456").hex() == hasher["leaf_L123456"]
    assert node_hash(b"N123", b"N456").hex() == hasher["node_N123_N456"]
    tree = Frontier()
    for leaf, root in zip(known["leaf_inputs_hex"], known["roots_by_size"][1:], strict=True):
        tree.append(leaf_hash(bytes.fromhex(leaf)))
        assert tree.root().hex() == root


@needs_vectors
@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_proofs_of_the_public_vectors_are_judged_alike(kind: str) -> None:
    files = sorted((FOLDER / "merkle" / "testdata" / kind).rglob("*.json"))
    assert len(files) > 90
    for file in files:
        assert _accepted(file) is not json.loads(file.read_text())["wantErr"], file.name


def _accepted(file: Path) -> bool:
    case = json.loads(file.read_text())
    proof = [base64.b64decode(each) for each in case["proof"] or []]
    try:
        if "leafIdx" in case:
            leaf, root = base64.b64decode(case["leafHash"] or ""), base64.b64decode(case["root"] or "")
            verify_inclusion(case["leafIdx"], case["treeSize"], leaf, proof, root)
        else:
            roots = base64.b64decode(case["root1"] or ""), base64.b64decode(case["root2"] or "")
            verify_consistency(case["size1"], case["size2"], *roots, proof)
    except ProofError:
        return False
    return True


@needs_vectors
def test_tiles_of_a_log_written_by_others() -> None:
    log = FOLDER / "tlog" / "tessera-testlog" / "testdata" / "log"
    entries = json.loads((FOLDER / "tlog" / "vectors.json").read_text())["tessera_log"]["entries"]
    hashes = [leaf_hash(entry.encode()) for entry in entries]
    stored: dict[tuple[int, int], bytes] = {}
    for size in range(len(entries)):
        stored |= added([hashes[size]], size, stored)
        assert stored[0, 0] == (log / "tile" / "0" / "000.p" / str(size + 1)).read_bytes()
