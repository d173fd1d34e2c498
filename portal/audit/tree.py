"""The Merkle tree of RFC 6962 section 2.1, as pure functions: hashes, roots, proofs and their verification.

Proofs are made in two steps: which ranges of leaves they need (`inclusion_ranges`, `consistency_ranges`), and the
hash of each range, which `tiles.py` takes from storage. Verification follows RFC 9162 section 2.1.3.2 and 2.1.4.2.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()
LONGEST_PROOF = 63
Range = tuple[int, int]


class ProofError(Exception):
    """A proof does not prove what it should; the message says why."""


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """The root over the hashes of equally high subtrees; their number is a power of two."""
    level = list(hashes)
    sha256 = hashlib.sha256
    while len(level) > 1:
        level = [sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


class Frontier:
    """The roots of a tree's complete subtrees, largest first: enough to append to it and to know its root."""

    def __init__(self, size: int = 0, stored: bytes = b"") -> None:
        heights = [height for height in reversed(range(size.bit_length())) if size >> height & 1]
        if len(stored) != 32 * len(heights):
            raise ValueError(f"A tree of {size} leaves has {len(heights)} complete subtrees, not {len(stored) / 32:g}.")
        self.size = size
        self._subtrees = [(height, stored[32 * at : 32 * at + 32]) for at, height in enumerate(heights)]

    def append(self, hashed: bytes, height: int = 0) -> None:
        """Append a leaf by its hash, or a complete subtree of 2**height leaves by its root."""
        self.size += 1 << height
        while self._subtrees and self._subtrees[-1][0] == height:
            hashed = node_hash(self._subtrees.pop()[1], hashed)
            height += 1
        self._subtrees.append((height, hashed))

    def root(self) -> bytes:
        return folded([hashed for _height, hashed in self._subtrees]) if self.size else EMPTY

    def as_bytes(self) -> bytes:
        return b"".join(hashed for _height, hashed in self._subtrees)


def folded(roots: Sequence[bytes]) -> bytes:
    """The root of a tree made of complete subtrees, largest first."""
    *others, root = roots
    for left in reversed(others):
        root = node_hash(left, root)
    return root


def split(size: int) -> int:
    """The largest power of two smaller than `size` (RFC 6962's k)."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges of leaves whose roots make the inclusion proof of a leaf, from its sibling up."""
    if not 0 <= index < size:
        raise ValueError(f"There is no entry {index} in a log of {size}.")
    ranges, low, high = [], 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """The ranges of leaves whose roots prove that a tree of `size` begins with the tree of `old` leaves."""
    if not 0 < old <= size:
        raise ValueError(f"A log of {size} entries proves nothing about one of {old}.")
    ranges, low, high = [], 0, size
    while old < high:
        middle = low + split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low:
        ranges.append((low, high))
    return ranges[::-1]


def complete_subtrees(low: int, high: int) -> Iterable[tuple[int, int]]:
    """The complete subtrees (height, number) of a range as proofs use it, largest first."""
    while low < high:
        height = (high - low).bit_length() - 1
        yield height, low >> height
        low += 1 << height


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raises ProofError unless the leaf with that hash stands at `index` of the tree of `size` with that root."""
    _require_hashes(proof)
    if len(leaf) != 32 or not 0 <= index < size:
        raise ProofError(f"There is no entry {index} in a log of {size}.")
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("The proof has too many hashes.")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("The proof has too few hashes.")
    if computed != root:
        raise ProofError("The proof leads to another root.")


def verify_consistency(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Raises ProofError unless the tree of `size` with `root` begins with the tree of `old` with `old_root`."""
    _require_hashes(proof)
    if not 0 < old <= size:
        raise ProofError(f"A log of {size} entries proves nothing about one of {old}.")
    if old == size:
        if proof or old_root != root:
            raise ProofError("Two roots of the same size differ, or there is a proof where none belongs.")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofError("The proof has too few hashes.")
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for hashed in path[1:]:
        if last == 0:
            raise ProofError("The proof has too many hashes.")
        if position & 1 or position == last:
            first, second = node_hash(hashed, first), node_hash(hashed, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, hashed)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("The proof has too few hashes.")
    if first != old_root or second != root:
        raise ProofError("The proof leads to other roots.")


def _require_hashes(proof: Sequence[bytes]) -> None:
    if len(proof) > LONGEST_PROOF:
        raise ProofError(f"A proof has at most {LONGEST_PROOF} hashes.")
    if any(len(hashed) != 32 for hashed in proof):
        raise ProofError("A hash in the proof is not 32 bytes long.")
