"""Sessions of customers and of officers: rows that can be listed and ended, found by the digest of a random token.

The two kinds never mix: each has its own cookie at the doors and its own lengths. A session ends 30 minutes after its
last use, and in any case after half a day (NIST SP 800-63B AAL2; ASVS 5.0 V7). The id changes at sign-in and step-up.

All of it is counted by `clock.steady()`: when the machine's clock is set back, a page that was open can still be sent,
and a session ends as long after its last use as it would have. A process that began since then cannot know how much time
has passed: to it a session that was used "later" has ended, for good, so that it does not come to life again at that hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, subjects, vault
from portal.identity import challenges, events
from portal.identity.challenges import CLOCK_SKEW, Proof
from portal.identity.models import SessionRow
from portal.lib import clock, ids
from portal.lib.errors import NotAllowed, NotFound
from portal.paper import _

IDLE = {"customer": timedelta(minutes=30), "officer": timedelta(minutes=30), "half": timedelta(minutes=10)}
LONGEST = {"customer": timedelta(hours=12), "officer": timedelta(hours=10), "half": timedelta(minutes=10)}
FRESH = timedelta(minutes=10)
KEPT = timedelta(days=30)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Session:
    """A signed-in browser. `subject` and `identifier` are a customer's, `officer` is an officer's."""

    id: str
    kind: str
    subject: str | None
    identifier: str | None
    officer: str | None
    device: str
    started_at: datetime
    seen_at: datetime
    proven_at: datetime
    ends_at: datetime


async def open_session(
    kind: str = "customer", *, subject: str, identifier: str, device: str = "", instead_of: str | None = None
) -> str:
    """Sign a customer in after a proof; answers the token for the cookie. `instead_of`: the token the browser had before.

    `device` is what the person will know the browser by in the list ("Firefox on Linux").
    """
    if kind != "customer":
        raise ValueError("An officer's session begins with second_factor().")
    async with db.writing():
        if instead_of:
            await _end("token = ?", ids.digest(instead_of))
        token, session_id = await begin("customer", subject=subject, identifier=identifier, device=device)
        await audit.record(events.SIGNED_IN, actor=f"customer:{subject}", subject=subject, object=f"session:{session_id}")
    return token


async def step_up(token: str, proof: Proof) -> str:
    """A signed-in customer proved their address once more; answers the new token, the old one is dead."""
    async with db.writing():
        running = await session(token, "customer")
        if running is None or proof.use != "step-up" or proof.bound_to != running.id:
            raise NotAllowed(_("This proof belongs to another visit. Please ask for a new mail here."))
        person = await subjects.whole(running.subject or "")
        if proof.subject not in person.subjects:
            raise NotAllowed(_("This address is not one of yours here."))
        await _end("id = ?", running.id)
        fresh_token, session_id = await begin(
            "customer", subject=running.subject, identifier=proof.identifier_id, device=running.device, ends_at=running.ends_at
        )
        await audit.record(
            events.STEPPED_UP, actor=f"customer:{running.subject}", subject=running.subject, object=f"session:{session_id}"
        )
    return fresh_token


async def session(token: str, kind: str) -> Session | None:
    """The running session of that kind behind a token, or None. Notes at most once a minute that it was used."""
    now = clock.steady()
    found = await db.row(
        "SELECT session.* FROM session LEFT JOIN officer ON officer.id = session.officer"
        " WHERE token = ? AND kind = ? AND closed_at IS NULL AND officer.left_at IS NULL AND ends_at > ? AND seen_at > ?",
        ids.digest(token),
        kind,
        clock.micros(now),
        clock.micros(now - IDLE[kind]),
    )
    if found is None:
        return None
    if clock.from_micros(found["seen_at"]) > now + CLOCK_SKEW:
        async with db.writing():
            await end_session(found["id"])
        return None
    if now - clock.from_micros(found["seen_at"]) > SEEN_EVERY:
        async with db.writing():
            await db.run("UPDATE session SET seen_at = ? WHERE id = ?", clock.micros(now), found["id"])
    return await _opened(found)


def fresh(running: Session, within: timedelta = FRESH) -> bool:
    """Whether the person proved themselves in the last 10 minutes, as a download or an approval asks for."""
    return timedelta(0) - CLOCK_SKEW <= clock.steady() - running.proven_at <= within


async def sessions_of(running: Session) -> list[Session]:
    """All running sessions of the same person, the last used first."""
    now = clock.steady()
    found = await db.rows(
        f"SELECT * FROM session WHERE kind = ? AND {_owner_column(running)} = ? AND closed_at IS NULL"
        " AND ends_at > ? AND seen_at > ? ORDER BY seen_at DESC",
        running.kind,
        _owner(running),
        clock.micros(now),
        clock.micros(now - IDLE[running.kind]),
    )
    return [await _opened(each) for each in found]


async def close_session(session_id: str, *, by: Session) -> None:
    """End this or another session of the same person at once."""
    async with db.writing():
        if not await _end(f"id = ? AND {_owner_column(by)} = ?", session_id, _owner(by)):
            raise NotFound(_("There is no such sign-in, or it ended already."))
        await _record_closed(by, f"session:{session_id}", 1)


async def sign_out_everywhere(by: Session) -> int:
    """End all sessions of the person, this one too; says how many."""
    async with db.writing():
        ended = await _end(f"{_owner_column(by)} = ?", _owner(by))
        await _record_closed(by, "sessions", ended)
    return ended


async def forget(identifiers: Iterable[subjects.Identifier]) -> None:
    """These will be erased: nothing of visits with them remains; inside `writing()`, before their values are gone.

    That is sessions, running proofs and their mails, known browsers and counted tries. Else sessions go 30 days after
    their end.
    """
    addresses = [each for each in identifiers if each.kind == "email"]
    for address in (await subjects.values_of(addresses)).values():
        if address is not None:
            await challenges.forget(address)
    for each in addresses:
        await db.run("DELETE FROM session WHERE identifier = ?", each.id)


async def begin(
    kind: str,
    *,
    subject: str | None = None,
    identifier: str | None = None,
    officer: str | None = None,
    device: str = "",
    ends_at: datetime | None = None,
) -> tuple[str, str]:
    """A new row; answers its token and its id. Inside `writing()`, and only for this room: who calls it has the proof."""
    now = clock.steady()
    await db.run("DELETE FROM session WHERE ends_at < ?", clock.micros(now - KEPT))
    await _end("seen_at > ?", clock.micros(now + CLOCK_SKEW))
    token, session_id = ids.secret(256), ids.new()
    key = await (vault.key_for("life", subject) if subject else vault.key_for("officer", officer or ""))
    await SessionRow.create(
        id=session_id,
        kind=kind,
        token=ids.digest(token),
        subject=subject,
        identifier=identifier,
        officer=officer,
        device=key.seal(_place(session_id), device[:100]),
        started_at=now,
        seen_at=now,
        proven_at=now,
        ends_at=ends_at or now + LONGEST[kind],
    )
    return token, session_id


async def end_officer_sessions(officer_id: str) -> int:
    """End all that an officer has open, half-way ones too; inside `writing()`."""
    return await _end("officer = ?", officer_id)


async def end_visits() -> int:
    """End all that anybody has open; inside `writing()`. For a restored database, in which visits run that were ended since."""
    return await _end("1 = 1")


async def end_session(session_id: str) -> int:
    return await _end("id = ?", session_id)


async def _end(which: str, *values: Any) -> int:
    return await db.run(
        f"UPDATE session SET closed_at = ? WHERE closed_at IS NULL AND {which}", clock.micros(clock.now()), *values
    )


async def _record_closed(by: Session, what: str, count: int) -> None:
    await audit.record(
        events.SESSION_CLOSED, actor=f"{by.kind}:{_owner(by)}", subject=by.subject, object=what, payload={"ended": count}
    )


async def _opened(found: dict[str, Any]) -> Session:
    kind, owner = ("life", found["subject"]) if found["subject"] else ("officer", found["officer"])
    key = await vault.find_key(kind, owner)
    return Session(
        id=found["id"],
        kind=found["kind"],
        subject=found["subject"],
        identifier=found["identifier"],
        officer=found["officer"],
        device=key.open(_place(found["id"]), bytes(found["device"])) if key and found["device"] else "",
        started_at=clock.from_micros(found["started_at"]),
        seen_at=clock.from_micros(found["seen_at"]),
        proven_at=clock.from_micros(found["proven_at"]),
        ends_at=clock.from_micros(found["ends_at"]),
    )


def _owner_column(running: Session) -> str:
    return "subject" if running.kind == "customer" else "officer"


def _owner(running: Session) -> str:
    return (running.subject if running.kind == "customer" else running.officer) or ""


def _place(session_id: str) -> vault.Place:
    return vault.Place("session", "device", session_id)
