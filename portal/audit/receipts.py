"""Receipts: a C2SP tlog-proof file that proves offline what was recorded, when, at which place, signed by whom.

`extra` holds leaf, statement and salt; everything in it is bound by the leaf's hash and commitment, so that the
specification's warning not to trust it is met. GDPR Art. 5(2) and 7(1): the proof lies with the person as well.
"""

import asyncio
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from portal import vault
from portal.audit import tiles
from portal.audit.entries import unsealed
from portal.audit.head import head
from portal.audit.leaves import LeafError, base64url, canonical, commitment, from_base64url, read_leaf
from portal.audit.lockfile import LogBroken
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, decimal, decode64, encode64, open_checkpoint, read_checkpoint
from portal.audit.succession import keys_up_to
from portal.audit.tree import LONGEST_PROOF, ProofError, leaf_hash, verify_inclusion
from portal.audit.vocabulary import vocabulary
from portal.db import reading, row
from portal.lib.errors import NotFound, Unavailable
from portal.paper import _

FIRST_LINE = "c2sp.org/tlog-proof@v1"
LONGEST_RECEIPT = 65_536
PATIENCE, _STEP = 1.0, 0.05
_EXTRA = frozenset({"leaf", "statement", "salt"})


@dataclass
class ReceiptReport:
    """What a receipt proves, or why it does not; `sentences` and `problems` are for people."""

    sentences: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    index: int | None = None
    event: str | None = None
    time: str | None = None
    statement: dict[str, Any] | None = None
    checkpoint: Checkpoint | None = None

    @property
    def ok(self) -> bool:
        return not self.problems


async def prove(entry_id: str, patience: float = PATIENCE) -> str:
    """The receipt of an entry. Waits so many seconds for the sequencer; Unavailable says to come back, NotFound that
    there is no such entry or that its contents were erased."""
    for looks_left in reversed(range(round(patience / _STEP) + 1)):
        stored = await row("SELECT log_index FROM entry WHERE id = ? AND sealed IS NOT NULL", entry_id)
        if stored is None:
            raise _gone()
        if stored["log_index"] is not None:
            return await _receipt(entry_id)
        if looks_left:
            await asyncio.sleep(_STEP)
    raise Unavailable(_("The proof is still being made. Please try again in a minute."))


async def _receipt(entry_id: str) -> str:
    async with reading():
        stored = await row(
            "SELECT log_index, key_id, sealed, bytes FROM entry JOIN leaf USING (log_index) WHERE id = ? AND sealed IS NOT NULL",
            entry_id,
        )
        now = await head()
        signed = now.checkpoint()
        if stored is None or signed is None:
            raise _gone()
        index = stored["log_index"]
        try:
            key = await vault.key_by_id(stored["key_id"])
            salt, said = unsealed(key, entry_id, bytes(stored["sealed"]))
            proof = await tiles.inclusion_proof(index, signed.size)
        except vault.Shredded:
            raise _gone() from None
        except (vault.Tampered, tiles.MissingTile, ValueError) as problem:
            raise LogBroken(f"Entry {index} cannot be proven: {problem} Run `portal audit verify`.") from problem
    receipt = _written(bytes(stored["bytes"]), said, salt, index, proof, signed)
    problems = verify_receipt(receipt, [now.key]).problems
    if problems:
        # Never hand out a receipt that its holder will find broken.
        raise LogBroken(f"The receipt of entry {index} does not verify: {' '.join(problems)} Run `portal audit verify`.")
    return receipt


def _gone() -> NotFound:
    return NotFound(_("There is no such entry, or it has been erased and cannot be proven again."))


async def log_keys() -> list[VerifierKey]:
    """Whose signatures count on a receipt of this portal: those of the log in use and of all before it, newest first."""
    return keys_up_to((await head()).key)


def verify_receipt(receipt: str, keys: Iterable[VerifierKey]) -> ReceiptReport:
    """Check a receipt against the keys of the logs one trusts; needs no database and no network."""
    report = ReceiptReport()
    try:
        index, proof, extra, note = _parsed(receipt)
    except (NoteError, ValueError, RecursionError) as problem:
        report.problems.append(_("This is not a receipt, or it was changed: %s") % problem)
        return report
    report.index = index
    signed = _check_signature(report, note, list(keys))
    _check_place(report, index, proof, extra["leaf"], signed)
    _check_contents(report, extra)
    if report.ok:
        _tell(report)
    return report


def _written(leaf: bytes, said: str, salt: bytes, index: int, proof: list[bytes], signed: Checkpoint) -> str:
    extra = canonical({"leaf": leaf.decode(), "statement": said, "salt": base64url(salt)})
    lines = [FIRST_LINE, f"extra {encode64(extra.encode())}", f"index {index}", *map(encode64, proof)]
    return "\n".join(lines) + "\n\n" + signed.note


def _parsed(receipt: str) -> tuple[int, list[bytes], dict[str, str], str]:
    if len(receipt.encode()) > LONGEST_RECEIPT:
        raise NoteError("it is longer than 64 KiB.")
    top, blank, note = receipt.partition("\n\n")
    lines = top.split("\n")
    if not blank or lines[0] != FIRST_LINE:
        raise NoteError(f"it does not begin with {FIRST_LINE}.")
    if len(lines) < 3 or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise NoteError("the lines `extra` and `index` are missing.")
    if len(lines) - 3 > LONGEST_PROOF:
        raise NoteError(f"it has more than {LONGEST_PROOF} hashes.")
    written = decode64(lines[1].removeprefix("extra "))
    extra = json.loads(written)
    if not isinstance(extra, dict) or set(extra) != _EXTRA or not all(isinstance(each, str) for each in extra.values()):
        raise NoteError("leaf, statement or salt are missing.")
    if canonical(extra).encode() != written:
        raise NoteError("the line `extra` is not written the one canonical way.")
    return decimal(lines[2].removeprefix("index ")), [decode64(line) for line in lines[3:]], extra, note


def _check_signature(report: ReceiptReport, note: str, keys: list[VerifierKey]) -> Checkpoint | None:
    try:
        report.checkpoint = open_checkpoint(note, keys)
        return report.checkpoint
    except (NoteError, ValueError) as problem:
        report.problems.append(_("The signature is not right: %s") % problem)
    try:
        return read_checkpoint(note)
    except (NoteError, ValueError):
        return None


def _check_place(report: ReceiptReport, index: int, proof: list[bytes], leaf: str, signed: Checkpoint | None) -> None:
    if signed is None:
        return
    try:
        verify_inclusion(index, signed.size, leaf_hash(leaf.encode()), proof, signed.root)
    except (ProofError, ValueError) as problem:
        told = {"index": index, "problem": problem}
        report.problems.append(_("The entry is not at place %(index)s of the signed log: %(problem)s") % told)


def _check_contents(report: ReceiptReport, extra: dict[str, str]) -> None:
    try:
        leaf = read_leaf(extra["leaf"].encode())
        committed = from_base64url(leaf.commitment)
        salt, said = from_base64url(extra["salt"]), extra["statement"]
        recomputed = commitment(salt, said)
        statement = json.loads(said)
    except (LeafError, ValueError, RecursionError):
        report.problems.append(_("The entry in the receipt cannot be read: it was changed."))
        return
    report.event, report.time = leaf.event, leaf.time
    if len(salt) != 32 or not hmac.compare_digest(recomputed, committed):
        report.problems.append(_("What the receipt says happened is not what was recorded: it was changed."))
    elif not isinstance(statement, dict) or statement.get("event") != leaf.event:
        report.problems.append(_("The entry and what it says happened are of different kinds."))
    else:
        report.statement = statement


def _tell(report: ReceiptReport) -> None:
    assert report.checkpoint is not None and report.statement is not None and report.event is not None
    known = vocabulary().get(report.event)
    place = {"index": report.index, "size": report.checkpoint.size, "origin": report.checkpoint.origin}
    report.sentences += [
        _("What happened: %s") % (_(known.sentence) if known else report.event),
        _("It happened at %(at)s and was entered in the log at %(time)s (UTC).")
        % {"at": report.statement.get("at"), "time": report.time},
        _("By: %s") % report.statement.get("actor"),
    ]
    if "object" in report.statement:
        report.sentences.append(_("About: %s") % report.statement["object"])
    for name, value in sorted(report.statement.get("payload", {}).items()):
        report.sentences.append(f"{name}: {value if isinstance(value, str) else canonical(value)}")
    report.sentences += [
        _("It stands at place %(index)s of a log of %(size)s entries, signed by %(origin)s.") % place,
        _("The signature, the place and the contents fit together: nothing was changed since."),
    ]
