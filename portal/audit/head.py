"""Where the log stands: its one `head` row, its origin, and the last checkpoint that was signed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from portal import vault
from portal.audit.lockfile import LogBroken
from portal.audit.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, verifier_key
from portal.audit.tree import Frontier
from portal.db import row, through
from portal.lib import clock
from portal.settings import get

UNUSUAL = timedelta(minutes=1)


@dataclass(frozen=True)
class Head:
    """The stored head with its signed note; the frontier is checked against the tiles before anything is signed."""

    origin: str
    size: int
    frontier: bytes
    note: str | None

    @property
    def key(self) -> VerifierKey:
        return verifier_key(self.origin, vault.signing_seed())

    def tree(self) -> Frontier:
        try:
            return Frontier(self.size, self.frontier)
        except ValueError as problem:
            raise LogBroken(f"The head of the log is damaged: {problem}") from problem

    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint that was signed for this head; None while the log is empty."""
        if self.note is None:
            if self.size == 0:
                return None
            raise LogBroken(f"There is no checkpoint for the {self.size} entries of the log.")
        try:
            return open_checkpoint(self.note, [self.key])
        except NoteError as problem:
            raise LogBroken(
                f"The last checkpoint cannot be accepted: {problem} Either it was changed or PORTAL_LOG_KEY is another key."
            ) from problem


async def head() -> Head:
    """Where the log stands, in one statement: head and note always belong together."""
    stored = await row(
        "SELECT origin, size, frontier, (SELECT note FROM checkpoint WHERE checkpoint.size = head.size) AS note FROM head"
    )
    if stored is None:
        raise LogBroken("The log has no head: the row in the table head is gone.")
    return Head(stored["origin"] or _first_origin(), stored["size"], bytes(stored["frontier"]), stored["note"])


async def checkpoint() -> Checkpoint | None:
    """The newest signed checkpoint, for publishing and for receipts; None while the log is empty."""
    return (await head()).checkpoint()


async def unsigned_since() -> datetime | None:
    """Since when entries have waited for their place and signature; None while none has waited for longer than UNUSUAL."""
    outbox = f"entry {through('entry_outbox')} WHERE log_index IS NULL"
    oldest = await row(f"SELECT recorded_at FROM {outbox} AND recorded_at IS NOT NULL ORDER BY id LIMIT 1")
    since = None if oldest is None else clock.from_micros(oldest["recorded_at"])
    return since if since is not None and clock.now() - since > UNUSUAL else None


async def log_key() -> VerifierKey:
    """The key by which outsiders check what this log signed; `str()` of it is the text to publish."""
    return (await head()).key


def _first_origin() -> str:
    # It is written into the head with the first checkpoint and stays, whatever becomes of PORTAL_BASE_URL.
    address = urlsplit(get().base_url)
    return f"{address.netloc.rpartition('@')[2]}/audit/1"
