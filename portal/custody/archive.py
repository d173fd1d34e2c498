"""The ZIP of a pack as it grows: each file is written at once, and only its SHA-256 is remembered for the manifest.

Members carry no time of their own, so that the same contents give the same bytes.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from portal.lib.errors import Conflict
from portal.paper import _

MANIFEST = "manifest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Archive:
    """What lies in it so far, by name."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, content: bytes) -> str:
        """Answers the name, for links to it."""
        self._write(name, content)
        self.files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return name

    def seal(self, about: dict[str, Any]) -> bytes:
        """Write the manifest, the last file; answers its SHA-256, which stands for the whole."""
        manifest = json.dumps(about | {"files": self.files}, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
        self._write(MANIFEST, manifest)
        return hashlib.sha256(manifest).digest()

    def _write(self, name: str, content: bytes) -> None:
        member = ZipInfo(name, _EPOCH)
        member.compress_type, member.external_attr = ZIP_DEFLATED, 0o600 << 16
        self._archive.writestr(member, content)


@contextmanager
def written_aside(file: Path) -> Iterator[Archive]:
    """An archive that becomes `file` when all is done, and goes when anything fails. Nobody else's file is written over."""
    if file.exists():
        raise _is_there(file)
    aside = file.with_name(f".{file.name}.new")
    with _alone(aside) as opened:
        try:
            with ZipFile(opened, "w") as archive:
                yield Archive(archive)
            opened.flush()
            os.fsync(opened.fileno())
            _name(aside, file)
        finally:
            aside.unlink(missing_ok=True)


def _alone(aside: Path) -> BinaryIO:
    try:
        return aside.open("xb")
    except FileExistsError as problem:
        raise Conflict(_("%s is there: another run writes it, or one was killed. Wait, or remove it.") % aside) from problem


def _name(aside: Path, file: Path) -> None:
    try:
        try:
            os.link(aside, file)
        except FileExistsError:
            raise
        except OSError:
            # No links here, as on the FAT of a memory stick. A crash between these two lines leaves an empty file.
            file.open("xb").close()
            aside.replace(file)
    except FileExistsError as problem:
        raise _is_there(file) from problem


def _is_there(file: Path) -> Conflict:
    return Conflict(_("%s is there already. Choose another name.") % file)
