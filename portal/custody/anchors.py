"""Anchors: signed states of the log in hands that are not ours, so that nothing older can be rewritten unseen.

Three kinds, each on or off by settings: a daily mail to the privacy officers, a timestamp of an authority (RFC 3161), a
cosignature of a witness (c2sp.org/tlog-witness). One that fails is tried again and shown to officers; nothing waits for it.
They serve accountability (GDPR Art. 5(2)) against ourselves: who holds database and key can rewrite what is newer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from portal import audit, db, jobs
from portal.custody import checkpoint_mail, events, timestamps, witness
from portal.custody.refusal import AnchorFailed
from portal.lib import clock, ids
from portal.lib.errors import NotFound
from portal.lib.outbound import OutboundFailed, OutboundRefused
from portal.paper import _
from portal.settings import get

KINDS = ("mail", "timestamp", "witness")
# Entries that anchors leave themselves are no reason for another anchor.
_OURS = {each.name for each in (events.MAILED, events.TIMESTAMPED, events.WITNESSED)}
_LOOKED_AT = 50


@dataclass(frozen=True)
class Standing:
    """How one kind of anchor fares, for the officers' page."""

    kind: str
    on: bool
    party: str
    made_at: datetime | None
    size: int | None
    failing_since: datetime | None
    why: str
    newest: str = ""


@dataclass(frozen=True)
class Anchor:
    """One that somebody else signed, to check it elsewhere: `note` as it was sent to them, `proof` what came back."""

    kind: str
    size: int
    note: bytes
    proof: bytes


@jobs.verb("custody.mail_checkpoint", every=timedelta(minutes=30))
async def mail_checkpoint(job: jobs.Job) -> None:
    """Once a day, however often we start: the newest checkpoint by mail."""
    await _attempt("mail", checkpoint_mail.is_on(), checkpoint_mail.is_due, _mail)


@jobs.verb("custody.timestamp_checkpoint", every=timedelta(hours=1))
async def timestamp_checkpoint(job: jobs.Job) -> None:
    await _attempt("timestamp", bool(get().timestamp_url), _has_grown, _timestamp)


@jobs.verb("custody.witness_checkpoint", every=timedelta(minutes=10))
async def witness_checkpoint(job: jobs.Job) -> None:
    await _attempt("witness", bool(get().witness_url), _has_grown, _witness)


async def standings() -> list[Standing]:
    """Each kind: whether it is on, its newest anchor, and since when it fails."""
    on = {"mail": checkpoint_mail.is_on(), "timestamp": bool(get().timestamp_url), "witness": bool(get().witness_url)}
    troubles = {each["kind"]: each for each in await db.rows("SELECT kind, since, why FROM anchor_trouble")}
    return [await _standing(kind, on[kind], troubles.get(kind)) for kind in KINDS]


async def newest(count: int) -> list[audit.notes.Checkpoint]:
    """The last signed states that somebody else holds, each once."""
    found = await db.rows("SELECT DISTINCT origin, size, note FROM anchor ORDER BY size DESC LIMIT ?", count)
    return [audit.notes.read_checkpoint(each["note"]) for each in found]


async def find(anchor_id: str) -> Anchor:
    """Mails prove nothing here: what counts are those that people kept."""
    found = await db.row("SELECT kind, size, note, proof FROM anchor WHERE id = ? AND kind <> 'mail'", anchor_id)
    if found is None:
        raise NotFound(_("There is no such anchor."))
    return Anchor(found["kind"], found["size"], found["note"].encode(), bytes(found["proof"]))


async def _standing(kind: str, on: bool, trouble: dict[str, Any] | None) -> Standing:
    newest = await db.row(
        "SELECT id, party, size, proof, made_at FROM anchor WHERE kind = ? ORDER BY made_at DESC, size DESC LIMIT 1", kind
    )
    made = None if newest is None else clock.from_micros(newest["made_at"])
    since = None if trouble is None else clock.from_micros(trouble["since"])
    why = "" if trouble is None else trouble["why"]
    if trouble is None and newest is not None and kind == "mail" and (stuck := await checkpoint_mail.stuck(newest["proof"])):
        since, why = made, stuck
    size, party, its_id = (None, "", "") if newest is None else (newest["size"], newest["party"], newest["id"])
    return Standing(kind, on, party, made, size, since if on else None, why if on else "", its_id)


async def _attempt(
    kind: str,
    on: bool,
    is_due: Callable[[str, audit.notes.Checkpoint], Awaitable[bool]],
    make: Callable[[audit.notes.Checkpoint], Awaitable[None]],
) -> None:
    """One try. What goes wrong is noted for officers and tried again by the job, with longer and longer pauses."""
    if not on:
        return
    try:
        signed = await audit.checkpoint()
        if signed is not None and await is_due(kind, signed):
            await make(signed)
    except (AnchorFailed, OutboundFailed, OutboundRefused, audit.LogBroken, audit.tiles.MissingTile) as problem:
        await _note_trouble(kind, str(problem))
        raise jobs.TryAgain(str(problem)) from problem


async def _has_grown(kind: str, signed: audit.notes.Checkpoint) -> bool:
    """Whether the log holds more than the last anchor of this kind, apart from what anchors wrote into it themselves."""
    last = await _newest_size(kind, signed.origin)
    entries = await audit.entries_after(last - 1, _LOOKED_AT)
    return len(entries) == _LOOKED_AT or any(each.event not in _OURS for each in entries)


async def _newest_size(kind: str, origin: str, party: str = "") -> int:
    found = await db.row(
        "SELECT max(size) AS size FROM anchor WHERE kind = ? AND origin = ? AND (? = '' OR party = ?)", kind, origin, party, party
    )
    return 0 if found is None or found["size"] is None else int(found["size"])


async def _mail(signed: audit.notes.Checkpoint) -> None:
    async with db.writing():
        sent = await checkpoint_mail.write(signed)
        if await _kept("mail", str(len(sent)), signed, " ".join(sent).encode()):
            await audit.record(events.MAILED, actor="system", object=str(signed.size), digest=_digest(signed))


async def _timestamp(signed: audit.notes.Checkpoint) -> None:
    stamp = await timestamps.stamp(signed.note, get().timestamp_url, get().timestamp_roots)
    async with db.writing():
        if await _kept("timestamp", get().timestamp_url, signed, stamp.token):
            told = {"authority": get().timestamp_url, "at": clock.rfc3339(stamp.at)}
            await audit.record(events.TIMESTAMPED, actor="system", object=str(signed.size), digest=_digest(signed), payload=told)


async def _witness(signed: audit.notes.Checkpoint) -> None:
    by = witness.key(get().witness_key)
    seen = await _newest_size("witness", signed.origin, by.name)
    cosigned = await witness.cosign(signed, get().witness_url, by, seen)
    async with db.writing():
        if await _kept("witness", by.name, signed, cosigned.note.encode()):
            told = {"witness": by.name, "at": clock.rfc3339(cosigned.at)}
            await audit.record(events.WITNESSED, actor="system", object=str(signed.size), digest=_digest(signed), payload=told)


async def _kept(kind: str, party: str, signed: audit.notes.Checkpoint, proof: bytes) -> bool:
    """Inside `writing()`; False when another worker was faster."""
    await db.run("DELETE FROM anchor_trouble WHERE kind = ?", kind)
    stored = await db.run(
        "INSERT INTO anchor (id, kind, party, origin, size, note, proof, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, party, origin, size) DO NOTHING",
        *(ids.new(), kind, party, signed.origin, signed.size, signed.note, proof, clock.micros(clock.now())),
    )
    return stored == 1


async def _note_trouble(kind: str, why: str) -> None:
    async with db.writing():
        await db.run(
            "INSERT INTO anchor_trouble (kind, since, why) VALUES (?, ?, ?) ON CONFLICT (kind) DO UPDATE SET why = excluded.why",
            *(kind, clock.micros(clock.now()), why),
        )


def _digest(signed: audit.notes.Checkpoint) -> bytes:
    """Of the note: it is public, and binds the entry to what was anchored."""
    return sha256(signed.note.encode()).digest()
