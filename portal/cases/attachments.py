"""Files that people send with a message: sealed under the case's key with an end date, never opened or shown by us.

What a file is, its first bytes say, not its name; officers get it as a download that no browser runs (quarantine).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from portal import vault
from portal.cases import legal_holds, models
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Invalid
from portal.paper import _
from portal.vault import Place

MOST, LARGEST = 10, 10_000_000
LONGEST_NAME = 100
UNKNOWN = "application/octet-stream"
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
)


@dataclass(frozen=True)
class Attachment:
    """A file as it came; `media` is what its sender says it is, which nobody believes."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True)
class Kept:
    """A file as a thread shows it; `there` until its end date."""

    id: str
    name: str
    media: str
    size: int
    there: bool


def check_files(files: Sequence[Attachment], *, known_only: bool) -> None:
    """Raises Invalid for too many, too large, and where a person can still choose another one, for unknown kinds."""
    if len(files) > MOST or any(len(each.content) > LARGEST for each in files):
        raise Invalid(_("These are more or larger files than we can take."), {"files": _("Please send fewer or smaller files.")})
    if known_only and any(media_of(each.content) == UNKNOWN for each in files):
        told = {"files": _("Please send a PDF, a picture (JPEG, PNG, GIF) or a plain text.")}
        raise Invalid(_("We cannot take a file of this kind."), told)


def media_of(content: bytes) -> str:
    """By the first bytes; text only if all of it is text."""
    for beginning, media in _BEGINNINGS:
        if content.startswith(beginning):
            return media
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return UNKNOWN
    return UNKNOWN if re.search(r"[\x00-\x08\x0e-\x1f]", text) else "text/plain"


async def keep_files(message: models.Spoken, key: vault.Key, files: Sequence[Attachment]) -> None:
    """Inside `writing()`."""
    for each in files:
        file_id, until = ids.new(), clock.now() + policy().findings_kept
        await models.Attached.create(
            id=file_id,
            message_id=message.id,
            case_id=message.case_id,
            called=key.seal(Place("case_attachment", "called", file_id), plain_name(each.name)),
            media=media_of(each.content),
            size=len(each.content),
            blob_id=await vault.store_blob(key, each.content, until),
            keep_until=until,
        )


async def files_of(case_id: str, key: vault.Key) -> dict[str, list[Kept]]:
    """By message, in the order they came."""
    found: dict[str, list[Kept]] = {}
    for each in await models.Attached.filter(case_id=case_id).order_by("id"):
        name = key.open(Place("case_attachment", "called", each.id), each.called)
        there = await is_there(each)
        found.setdefault(each.message_id, []).append(Kept(each.id, name, each.media, each.size, there))
    return found


async def is_there(file: models.Attached) -> bool:
    """Until its time is over; of whom a legal hold stands on, as long as it stands."""
    return file.keep_until > clock.now() or await legal_holds.holds_request(await models.CaseRow.get(id=file.case_id))


def plain_name(name: str) -> str:
    """The last part of a path, without anything that is no letter to read, short."""
    last = re.split(r"[/\\]", name)[-1]
    readable = "".join(each for each in last if unicodedata.category(each)[0] != "C" and each not in '"<>:|?*')
    return readable.strip(" .")[-LONGEST_NAME:] or "file"
