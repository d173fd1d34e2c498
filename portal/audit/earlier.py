"""What a kept checkpoint of an earlier log of this portal (…/audit/1) still says about the one that goes on (…/audit/2).

A log that follows a restored backup has its beginning in common with the one before: so far the two can be compared. The
first leaf after it names, in clear, the last state of the log before: nothing later may have been signed under that name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.audit import events
from portal.audit.leaves import LeafError, read_leaf
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, decimal, decode64
from portal.audit.succession import is_kin, number_of
from portal.db import rows
from portal.paper import _


@dataclass(frozen=True)
class Beginning:
    """A place where a log begins, and the last state of the log that it follows."""

    place: int
    size: int
    root: bytes
    origin: str

    @property
    def lost(self) -> int:
        """How many entries of the log before are not in this one; their receipts stay right."""
        return max(0, self.size - self.place)


@dataclass(frozen=True)
class Compared:
    """What is left of a kept checkpoint to compare the log with, and what to say about it."""

    checkpoints: list[Checkpoint]
    sentences: list[str]
    problems: list[str]


def compared(kept: Checkpoint, origin: str, beginnings: Iterable[Beginning]) -> Compared:
    """How the log of that `origin` has to fit a checkpoint of it, or of one before it, whose signature is right."""
    if kept.origin == origin:
        return Compared([kept], [_("It has grown from the signature that you kept.")], [])
    told = {"kept": kept.size, "origin": kept.origin, "now": origin}
    if number_of(kept.origin) > number_of(origin):
        return Compared([], [], [_("What you kept was signed by a later log, %(origin)s: this is an older copy.") % told])
    later = [each for each in beginnings if number_of(each.origin) >= number_of(kept.origin)]
    last = next((each for each in later if each.origin == kept.origin), None)
    if last is not None and (kept.size > last.size or (kept.size == last.size and kept.root != last.root)):
        sentence = _("%(origin)s signed more than the log after it knows of: two stories were told under one name.")
        return Compared([], [], [sentence % told])
    common = min((each.place for each in later), default=0)
    sentences = [_("The signature that you kept is of the log before, %(origin)s. This one goes on as %(now)s.") % told]
    if kept.size <= common:
        return Compared([kept], [*sentences, _("It has grown from the signature that you kept.")], [])
    sentence = _(
        "Of its %(kept)s entries the first %(common)s are the beginning of this log; the others were lost when an older backup"
        " was restored, and cannot be compared. Proofs of them stay right."
    )
    return Compared([], [*sentences, sentence % (told | {"common": common})], [])


async def stored_beginnings() -> list[Beginning]:
    """Of the logs in the database; the first one of all follows none."""
    found = await rows(
        "SELECT log_index, bytes FROM entry JOIN leaf USING (log_index) WHERE event = ? ORDER BY log_index",
        events.CONTINUED.name,
    )
    return [each for row in found if (each := read_beginning(row["log_index"], bytes(row["bytes"])))]


def read_beginning(place: int, leaf_bytes: bytes) -> Beginning | None:
    """What a leaf says about a log that begins with it; None when it says nothing of the kind."""
    try:
        leaf = read_leaf(leaf_bytes)
        if leaf.event != events.CONTINUED.name or leaf.digest is None:
            return None
        size, root, origin = leaf.digest.split(":", 2)
        return Beginning(place, decimal(size), decode64(root), origin)
    except (LeafError, NoteError, ValueError):
        return None  # whoever verifies the leaves themselves names it


def keys_of(key: VerifierKey, *origins: str) -> list[VerifierKey]:
    """The key under its own name, and under those of `origins` that are logs of the same portal: it is the same key."""
    return [key, *(key.under(each) for each in origins if each != key.name and is_kin(each, key.name))]


def belongs(origin: str, now: str) -> str:
    """In words: to which log of a portal something belongs, seen from the one that is known; "" when it is that one."""
    if origin == now or not is_kin(origin, now):
        return ""
    before, later = belongings()
    return (before if number_of(origin) < number_of(now) else later) % {"origin": origin, "now": now}


def belongings() -> tuple[str, str]:
    """How that is said of a log before the one that is known, and of a later one."""
    before = _(
        "It belongs to the log before, %(origin)s. After a backup was restored the log goes on as %(now)s; proofs stay right."
    )
    return before, _("It belongs to a later log, %(origin)s, than the one you know, %(now)s.")
