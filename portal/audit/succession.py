"""The next log, after a backup had to be restored that is older than what was signed (origin …/audit/1, then …/audit/2).

It keeps the backup's entries as its beginning; the first one it adds carries, in clear, the last checkpoint of the log
before. Receipts of the lost range stay valid under the old origin, and nothing is ever signed twice under one.
"""

from portal import vault
from portal.audit import events
from portal.audit.leaves import LeafError, read_leaf
from portal.audit.notes import Checkpoint, VerifierKey, encode64, verifier_key
from portal.db import row


def number_of(origin: str) -> int:
    """Which log of this portal it is; 0 for an origin that is none of a portal."""
    _address, _slash, number = origin.rpartition("/")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0


def next_origin(origin: str) -> str:
    return f"{origin.rpartition('/')[0]}/{number_of(origin) + 1}"


def is_kin(one: str, other: str) -> bool:
    """Whether both are logs of the same portal."""
    return one.rpartition("/")[0] == other.rpartition("/")[0] and 0 not in (number_of(one), number_of(other))


def keys_up_to(key: VerifierKey) -> list[VerifierKey]:
    """The keys of this log and of all before it, the newest first: one key pair under several names."""
    address = key.name.rpartition("/")[0]
    return [key, *(verifier_key(f"{address}/{each}", vault.signing_seed()) for each in reversed(range(1, number_of(key.name))))]


def order(checkpoint: Checkpoint) -> tuple[int, int]:
    """Of two checkpoints of one portal the greater one was signed later."""
    return number_of(checkpoint.origin), checkpoint.size


def named(checkpoint: Checkpoint) -> str:
    """A checkpoint as the first leaf of the next log carries it."""
    return f"{checkpoint.size}:{encode64(checkpoint.root)}:{checkpoint.origin}"


async def beginning() -> tuple[int, str]:
    """Where the log in use began, and the checkpoint that it follows; (0, "") for the first one."""
    found = await row(
        "SELECT log_index, bytes FROM entry JOIN leaf USING (log_index) WHERE event = ? ORDER BY log_index DESC LIMIT 1",
        events.CONTINUED.name,
    )
    if found is None:
        return 0, ""
    try:
        return found["log_index"], read_leaf(bytes(found["bytes"])).digest or ""
    except LeafError:
        return found["log_index"], ""
