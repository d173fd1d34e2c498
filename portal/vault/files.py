"""Sealed files beside the database: backups in the chunks of sealed bulk (blobs.py), and logs of one sealed line each.

A file opens only under the master key it was written with, which may be the former one. Each chunk is bound to the file's
first lines, its number and whether it is the last; each line to its number: cutting, reordering, flipping and mixing show.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from portal.vault.blobs import CHUNK
from portal.vault.fields import Place, Tampered, seal, unseal
from portal.vault.master import master_id, secret_for

_FIRST_LINE = b"portal sealed file 1\n"
_LONGEST_ABOUT = 4096
_SEALED = 1 + 12 + CHUNK + 16


def write(path: Path, use: str, about: dict[str, Any], content: Iterable[bytes]) -> None:
    """Seal `content` into a new file, whole and durable or not at all. `about` stays readable and is authenticated."""
    opening = _FIRST_LINE + json.dumps(about | {"use": use, "master": master_id()}, sort_keys=True).encode() + b"\n"
    name, secret, number, pending = _name(opening), secret_for(use, master_id()), 0, b""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(opening)
            for piece in content:
                pending += piece
                while len(pending) > CHUNK:
                    file.write(seal(secret, _place(name, number, last=False), pending[:CHUNK]))
                    pending, number = pending[CHUNK:], number + 1
            file.write(seal(secret, _place(name, number, last=True), pending))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:  # a full disk gets its room back
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def about(path: Path, use: str) -> dict[str, Any]:
    """What the file says of itself; not to be relied on before the whole file was read. Raises Tampered."""
    with path.open("rb") as file:
        return _opening(path, use, file)[0]


def read(path: Path, use: str) -> Iterator[bytes]:
    """The content again, chunk by chunk; raises Tampered saying what is wrong with the file."""
    with path.open("rb") as file:
        told, name = _opening(path, use, file)
        secret = secret_for(use, told["master"])
        number, part = 0, file.read(_SEALED)
        while True:
            following = file.read(_SEALED)
            yield _opened(path, secret, name, number, part, last=not following)
            if not following:
                return
            number, part = number + 1, following


def seal_line(use: str, number: int, text: str) -> str:
    """One line of a log of sealed lines, without its line break."""
    sealed = seal(secret_for(use, master_id()), _line(use, number), text.encode())
    return f"{number} {master_id()} {base64.b64encode(sealed).decode()}"


def open_line(use: str, line: str) -> tuple[int, str]:
    """Number and text of a line again; raises Tampered."""
    try:
        number, master, sealed = line.split(" ")
        raw = base64.b64decode(sealed, validate=True)
        return int(number), unseal(secret_for(use, master), _line(use, int(number)), raw).decode()
    except ValueError as problem:
        raise Tampered(f"A line that begins with {line[:20]!r} is not readable.") from problem


def is_of_former_key(line: str) -> bool:
    """Whether a line was written before the master key was changed: it has to be written again while both are known."""
    return line.split(" ")[1:2] != [master_id()]


def sync_folder(folder: Path) -> None:
    """What was created or renamed in this folder stays so when the power fails."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _opening(path: Path, use: str, file: BinaryIO) -> tuple[dict[str, Any], str]:
    lines = file.readline(_LONGEST_ABOUT), file.readline(_LONGEST_ABOUT)
    try:
        told = json.loads(lines[1])
    except ValueError:
        told = None
    if lines[0] != _FIRST_LINE or not lines[1].endswith(b"\n") or not isinstance(told, dict):
        raise Tampered(f"{path} is no sealed file of a portal, or its beginning was cut off or changed.")
    if told.get("use") != use:
        raise Tampered(f"{path} holds something else: {str(told.get('use'))[:40]!r}, not {use!r}.")
    try:
        secret_for(use, str(told.get("master")))
    except Tampered as problem:
        raise Tampered(f"{path} is of another portal, or older than its master key. {problem}") from problem
    return told, _name(b"".join(lines))


def _opened(path: Path, secret: bytes, name: str, number: int, part: bytes, *, last: bool) -> bytes:
    try:
        return unseal(secret, _place(name, number, last=last), part)
    except Tampered as problem:
        if last and _is_inner(secret, name, number, part):
            raise Tampered(f"{path} ends before its end: it was cut off after part {number}.") from problem
        how = "was changed" if len(part) == _SEALED else "was cut off or changed"
        raise Tampered(f"Part {number} of {path} {how}.") from problem


def _is_inner(secret: bytes, name: str, number: int, part: bytes) -> bool:
    try:
        unseal(secret, _place(name, number, last=False), part)
    except Tampered:
        return False
    return True


def _name(opening: bytes) -> str:
    return hashlib.sha256(opening).hexdigest()


def _place(name: str, number: int, *, last: bool) -> Place:
    return Place("file", "last" if last else "more", f"{name}/{number}")


def _line(use: str, number: int) -> Place:
    return Place("line", use, str(number))
