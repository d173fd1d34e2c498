"""A witness (c2sp.org/tlog-witness) sees that the log only grows, and cosigns each checkpoint (c2sp.org/tlog-cosignature).

It remembers the largest tree it has seen of us and wants a proof that the new one begins with it. What it answers is
verified before it is kept; signatures of keys we do not know are left out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from portal import audit
from portal.custody.refusal import AnchorFailed
from portal.lib import outbound
from portal.paper import _
from portal.settings import get

COSIGNATURE = b"\x04"


@dataclass(frozen=True)
class Cosigned:
    """The checkpoint as a note that the log and the witness have both signed, and when the witness did."""

    note: str
    at: datetime


def key(text: str) -> audit.notes.VerifierKey:
    """The witness's key as its operator publishes it."""
    try:
        found = audit.notes.VerifierKey.parse(text)
    except audit.notes.NoteError as problem:
        raise AnchorFailed(_("PORTAL_WITNESS_KEY: %s") % problem) from problem
    if found.kind != COSIGNATURE:
        raise AnchorFailed(_("PORTAL_WITNESS_KEY is the key of a log and not that of a witness."))
    return found


async def cosign(signed: audit.notes.Checkpoint, url: str, by: audit.notes.VerifierKey, seen: int) -> Cosigned:
    """Have the witness cosign; `seen` is what it cosigned last as far as we know, and it may correct us once."""
    answer = await _ask(signed, url, seen)
    if answer.status == 409:
        seen = _size(answer)
        if seen > signed.size:
            told = {"seen": seen, "size": signed.size}
            raise AnchorFailed(
                _("The witness has seen %(seen)s entries, but this log has only %(size)s: it is an older copy.") % told
            )
        answer = await _ask(signed, url, seen)
    if answer.status != 200:
        raise AnchorFailed(_refused(answer.status))
    return _verified(signed, by, answer.content)


async def _ask(signed: audit.notes.Checkpoint, url: str, seen: int) -> outbound.Response:
    proof = await audit.tiles.consistency_proof(seen, signed.size) if 0 < seen < signed.size else []
    lines = [f"old {seen}", *(audit.notes.encode64(hashed) for hashed in proof), "", ""]
    return await outbound.request(
        "POST",
        f"{url.rstrip('/')}/add-checkpoint",
        content="\n".join(lines).encode() + signed.note.encode(),
        allow=outbound.networks(get().outbound_allow),
    )


def _size(answer: outbound.Response) -> int:
    try:
        return audit.notes.decimal(answer.content.decode("ascii").removesuffix("\n"))
    except (audit.notes.NoteError, UnicodeDecodeError) as problem:
        raise AnchorFailed(_("The witness did not say which state of the log it has seen.")) from problem


def _refused(status: int) -> str:
    sentences = {
        403: _("The witness does not accept our signature. Does it have the right key? See: portal audit key"),
        404: _("The witness does not know this log. Its operator needs our key: portal audit key"),
        409: _("The witness has seen another state of the log meanwhile."),
        422: _("The witness says that the log is not a continuation of what it has seen. Check it: portal audit verify"),
    }
    return sentences.get(status, _("The witness answered with the status %s.") % status)


def _verified(signed: audit.notes.Checkpoint, by: audit.notes.VerifierKey, content: bytes) -> Cosigned:
    try:
        lines = [line for line in content.decode().splitlines(keepends=True) if _is_by(by, line)]
        note = signed.note + "".join(lines)
        if not lines or by.name not in audit.notes.open_note(note, [by]):
            raise AnchorFailed(_("The witness answered without its signature."))
    except (audit.notes.NoteError, UnicodeDecodeError) as problem:
        raise AnchorFailed(_("The signature of the witness is not acceptable: %s") % problem) from problem
    signature = audit.notes.decode64(lines[0].split()[2])
    seconds = int.from_bytes(signature[4:12], "big")
    if not 0 < seconds < 1 << 40:
        raise AnchorFailed(_("The signature of the witness names no time."))
    return Cosigned(note, datetime.fromtimestamp(seconds, UTC))


def _is_by(by: audit.notes.VerifierKey, line: str) -> bool:
    parts = line.removesuffix("\n").split(" ")
    if not line.endswith("\n") or len(parts) != 3 or parts[:2] != ["—", by.name]:
        return False
    return audit.notes.decode64(parts[2])[:4] == by.key_id
