"""A scrub on the command line that was broken off goes on where it was, if all that it answered may stand.

Beside the answer in the making (`….part`) lies a journal: the question, the end of the log before the first answer and
when that was, how far the answer came and its digest. All of it stands if since that place in the log nothing was recorded
that could change an answer about anybody, and the first answer is not old, because a yes may run out with nobody saying a
word. Else it begins anew, so that no no slips through between two runs: a list of a million takes less than a minute.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import IO, Any

from portal import __version__, audit
from portal.consent import events
from portal.consent.scrubbing import Scrubbed, Scrubbing
from portal.lib import clock
from portal.lib.errors import Conflict
from portal.paper import _

OLDEST = timedelta(hours=1)  # however often it was broken off since
KEPT_EVERY = 1.0  # seconds
# What cannot change an answer. All else may: also an event that nobody has thought of yet.
OF_OTHERS = frozenset({"case", "customer", "messages", "officer", "person", "session", "site"})
WITHOUT_EFFECT = frozenset(each.name for each in (events.SCRUBBED, events.IMPORT_PLANNED, events.WISHED))
_ENTRIES = 1000

Place = tuple[int, str]


@contextmanager
def opened(part: Path) -> Iterator[IO[bytes]]:
    """The answer in the making, for one process. Raises Conflict while another one writes it."""
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_still_there = part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat())
        except BlockingIOError:
            is_still_there = False
        if not is_still_there:
            raise Conflict(_("%s is being written at this moment.") % part)
        yield file


class Journal:
    """How far the answer in `file` is; `broken_off`: another run had begun it, `scrubbing.done.lines` of it stand."""

    def __init__(self, file: IO[bytes], path: Path, question: str, place: Place, begun: int, broken_off: bool) -> None:
        self._file, self._path, self._question, self._place, self._begun = file, path, question, place, begun
        self.broken_off = broken_off
        self._kept_at = float("-inf")

    @classmethod
    async def taken_up(cls, file: IO[bytes], part: Path, scrubbing: Scrubbing) -> "Journal":
        """`scrubbing` goes on after what an earlier run answered, or `file` is empty and it begins."""
        path, question = part.with_name(part.name + ".journal"), _question(scrubbing.done)
        before = _read(path, question)
        if before is not None and await _may_stand(before):
            answered = _answered(file, before["bytes"])
            if answered.hexdigest() == before["sha256"]:
                file.truncate(before["bytes"])
                scrubbing.go_on(answered, **{name: before[name] for name in ("lines", "allowed", "invalid")})
                return cls(file, path, question, (before["place"][0], before["place"][1]), before["at"], True)
        path.unlink(missing_ok=True)
        file.truncate(0)
        begun = clock.micros(clock.now())
        return cls(file, path, question, await _end_of_the_log(), begun, before is not None)

    def keep(self, done: Scrubbed) -> None:
        """Once a second: what was answered by now is on the disk, then the journal says so."""
        if not done.lines or monotonic() - self._kept_at < KEPT_EVERY:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        kept = {
            **{"question": self._question, "place": self._place, "at": self._begun},
            **{"lines": done.lines, "allowed": done.allowed, "invalid": done.invalid},
            **{"bytes": os.fstat(self._file.fileno()).st_size, "sha256": done.sha256.hex()},
        }
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(json.dumps(kept))
        new.replace(self._path)
        self._kept_at = monotonic()

    def end(self) -> None:
        self._path.unlink(missing_ok=True)


async def _may_stand(before: dict[str, Any]) -> bool:
    """Whether the log goes on from the place where the answers began, and nothing after it could change one."""
    now, at = clock.now(), clock.from_micros(before["at"])
    if not at <= now <= at + OLDEST:
        return False
    index, entry = before["place"]
    await audit.sequence_all()
    if [each.id for each in await audit.entries_after(index - 1, 1)] != ([entry] if entry else []):
        return False  # restored from a backup meanwhile, or another database
    while entries := await audit.entries_after(index, _ENTRIES):
        if not all(_is_harmless(each.event) for each in entries):
            return False
        index = entries[-1].log_index or 0
    return True


def _is_harmless(event: str) -> bool:
    return event.partition(".")[0] in OF_OTHERS or event in WITHOUT_EFFECT


async def _end_of_the_log() -> Place:
    """Before the first answer: what is recorded later has a later place, what was recorded before is in all answers."""
    await audit.sequence_all()
    checkpoint = await audit.checkpoint()
    if checkpoint is None:
        return -1, ""
    [last] = await audit.entries_after(checkpoint.size - 2, 1)
    return checkpoint.size - 1, last.id


def _question(done: Scrubbed) -> str:
    """List and question in one digest; another edition of the portal may answer otherwise."""
    told = [__version__, *done.cell, done.kind, done.read_as, done.asked_sha256.hex()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _read(path: Path, question: str) -> dict[str, Any] | None:
    """What the journal says, if there is one of this question."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and kept.get("question") == question else None


def _answered(file: IO[bytes], size: int) -> "hashlib._Hash":
    hashed = hashlib.sha256()
    file.seek(0)
    while size and (block := file.read(min(size, 1 << 20))):
        hashed.update(block)
        size -= len(block)
    return hashed
