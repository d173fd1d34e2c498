"""The built files of the script: each served for ever under the hash of its bytes, first noted in the log (SRI, W3C).

A site pins a file by its hash, so what we release later cannot change what runs there; older files lie in `released/`.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portal import audit, db
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _
from portal.sites import events

BUILT = Path(__file__).resolve().parent.parent / "widget" / "built"
SCRIPT, FORM = FILES = ("choice.js", "choice-form.js")
TYPES = "choice.d.ts"


@dataclass(frozen=True, slots=True)
class Release:
    """One built file. `hash` stands in its address, `integrity` in the tag that loads it."""

    file: str
    content: bytes

    @property
    def sha384(self) -> bytes:
        return hashlib.sha384(self.content).digest()

    @property
    def hash(self) -> str:
        return self.sha384.hex()[:16]

    @property
    def integrity(self) -> str:
        return "sha384-" + base64.b64encode(self.sha384).decode()

    @property
    def path(self) -> str:
        return f"/w/v1/{self.hash}/{self.file}"


def current(file: str) -> Release:
    """The file that new tags load."""
    found = _read(BUILT / file)
    if found is None:
        raise NotFound(_("The script has not been built."))
    return found


def released(file: str, wanted: str) -> Release:
    """The file whose bytes have this hash: the current one, or one released before. Raises NotFound."""
    if file in FILES and len(wanted) == 16 and wanted.isalnum():
        for path in (BUILT / file, BUILT / "released" / wanted / file):
            found = _read(path)
            if found is not None and found.hash == wanted:
                return found
    raise NotFound(_("There is no such file."))


def types(wanted: str) -> bytes:
    """The TypeScript types of the script with this hash. Raises NotFound, also for one released before types were served."""
    script = released(SCRIPT, wanted)
    found = _read(BUILT / "released" / script.hash / TYPES)
    if found is None:
        raise NotFound(_("There is no such file."))
    return found.content


async def note_releases() -> list[str]:
    """Record the current files in the log unless they are there; answers the addresses of those that are new."""
    new = []
    for release in [each for each in (_read(BUILT / file) for file in FILES) if each is not None]:
        place = (release.file, release.sha384.hex())
        if await _is_noted(*place):
            continue
        async with db.writing():
            first = await db.run(
                "INSERT INTO widget_release (file, sha384, released_at, entry) VALUES (?, ?, ?, '') ON CONFLICT DO NOTHING",
                *place,
                clock.micros(clock.now()),
            )
            if not first:  # another process was faster
                continue
            payload = {"file": release.file, "integrity": release.integrity, "bytes": len(release.content)}
            digest = hashlib.sha256(release.content).digest()
            entry = await audit.record(events.RELEASED, actor="system", object=release.path, payload=payload, digest=digest)
            await db.run("UPDATE widget_release SET entry = ? WHERE file = ? AND sha384 = ?", entry, *place)
        new.append(release.path)
    return new


async def _is_noted(file: str, sha384: str) -> bool:
    return await db.row("SELECT 1 AS one FROM widget_release WHERE file = ? AND sha384 = ?", file, sha384) is not None


def _read(path: Path) -> Release | None:
    try:
        return _kept(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _kept(path: Path, _changed: int) -> Release:
    """Read once; a file that was built anew is read again."""
    return Release(path.name, path.read_bytes())
