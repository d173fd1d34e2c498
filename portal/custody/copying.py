"""What both ways of copying a database have in common: sqlite_copy.py and postgresql_copy.py have the same verbs.

A copy is taken while the portal goes on, as of one moment, the keys to people's data apart from everything else; and it is
put back into a scratch place first, where it is looked at before it becomes the database.
"""

import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from portal import settings
from portal.lib.errors import Conflict
from portal.settings import Settings

PIECE = 1 << 20
AT_ONCE = 5000
KEY = ("id", "kind", "owner", "wrapped", "master", "created_at", "ends_at")
_PREFIX = "custody-"


@dataclass(frozen=True)
class Taken:
    """A copy of one moment: its keys a line each, how many rows its tables have, then all of it but the keys, in this order."""

    keys: Iterator[bytes]
    counts: dict[str, int]
    content: Iterator[bytes]


class Copying(Protocol):
    """The verbs. They wait for files and programs: call them in a thread."""

    KIND: str

    def taken(self, private: Path) -> AbstractContextManager[Taken]:
        """A copy of the database in use."""

    def place(self, private: Path) -> Settings:
        """The settings of a scratch place that does not exist yet."""

    def fill(self, place: Settings, content: Iterator[bytes]) -> None:
        """Make that place and put a copy's content there. Raises ValueError saying why it cannot be read."""

    def counts(self, place: Settings) -> dict[str, int]:
        """Rows by table, but for the keys."""

    def put_keys_back(self, place: Settings, keys: Iterable[dict[str, Any]]) -> None:
        """Put the keys there as well."""

    def remove(self, place: Settings) -> None:
        """Leave nothing of a place that did not become the database; may be called for one that never was."""

    def is_there(self) -> bool:
        """Whether there is a database yet."""

    def require_nobody(self) -> None:
        """Raise Conflict while somebody has the database open."""

    def require_replaceable(self) -> None:
        """Raise Conflict or Invalid when another database could not be put in its place now."""

    def put_in_place(self, place: Settings) -> str | None:
        """That place becomes the database, in one step; answers where the one before lies now."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder inside PORTAL_VAR, for one backup, restore or drill at a time; what a killed one left goes as well."""
    var = settings.get().var
    var.mkdir(parents=True, exist_ok=True)
    with (var / "custody.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise Conflict("Another backup, restore or drill is running here. Wait until it is through.") from problem
        for left in var.glob(_PREFIX + "*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=var) as folder:
            yield Path(folder)


def key_line(row: Mapping[str, Any]) -> bytes:
    """A row of data_key as the file of the keys has it; `key_of` is the other way round."""
    return json.dumps({name: row[name] for name in KEY} | {"wrapped": bytes(row["wrapped"]).hex()}).encode() + b"\n"


def key_of(told: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(bytes.fromhex(told[name]) if name == "wrapped" else told[name] for name in KEY)
