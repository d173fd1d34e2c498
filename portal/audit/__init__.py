"""The audit log: a transparency log that outsiders can check (RFC 6962, C2SP tiles, checkpoints and proofs).

An entry lies in the same transaction as the change it records; the sequencer then gives it its place and signs.
Erasing a person takes the contents and leaves the proof (GDPR Art. 5(2), 7(1), 17).
"""

from portal.audit import earlier, notes, restored, safety, tiles, windows
from portal.audit.checking import verify_log_apart
from portal.audit.entries import Note, record, record_many, shred_payloads
from portal.audit.head import checkpoint, log_key, unsigned_since
from portal.audit.lockfile import LogBroken
from portal.audit.receipts import ReceiptReport, log_keys, prove, verify_receipt
from portal.audit.search import Entry, entries_after, entry, first_since, open_payload, search
from portal.audit.sequencer import run_sequencer, sequence_all
from portal.audit.served import served
from portal.audit.verification import LogReport, verify_log
from portal.audit.vocabulary import Event, vocabulary

__all__ = [
    "Entry",
    "Event",
    "LogBroken",
    "LogReport",
    "Note",
    "ReceiptReport",
    "checkpoint",
    "earlier",
    "entries_after",
    "entry",
    "first_since",
    "log_key",
    "log_keys",
    "notes",
    "open_payload",
    "prove",
    "record",
    "record_many",
    "restored",
    "run_sequencer",
    "safety",
    "search",
    "sequence_all",
    "served",
    "shred_payloads",
    "tiles",
    "unsigned_since",
    "verify_log",
    "verify_log_apart",
    "verify_receipt",
    "vocabulary",
    "windows",
]
