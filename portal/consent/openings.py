"""Two people and a legal claim open what is kept of an erased person, for a week, to read (GDPR Art. 17(3)(e), 5(1)(f)).

One officer states the claim, another person agrees to exactly those words or refuses; then these two may read, and each look
is recorded before anything is opened. A claim that changes takes the agreement with it. The claim lies under the person's
evidence key and falls with it; its digest and every step stay in the audit log under the portal's key, for an entry about the
person would itself be evidence.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, jobs, subjects, vault
from portal.consent import events
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.paper import _
from portal.vault import Place

KINDS = ("against us", "of ours", "authority")
OPEN_FOR = timedelta(days=7)
LONGEST_REFERENCE, SHORTEST_REASON = 120, 20
WAITING, OPEN, OVER, REFUSED, WITHDRAWN = "waiting", "open", "over", "refused", "withdrawn"
AT_ONCE = 500
_TELLING = "(claim IS NOT NULL OR why IS NOT NULL)"
_LETTING_GO = (
    "UPDATE evidence_opening SET claim = NULL, why = NULL, open_until = NULL,"
    f" decision = CASE decision WHEN '' THEN 'withdrawn' ELSE decision END WHERE subject = ? AND {_TELLING}"
)


@dataclass(frozen=True)
class Claim:
    """What the law lets us look for: its kind, where it is filed, and why this person's evidence is needed for it."""

    kind: str
    reference: str
    reason: str


@dataclass(frozen=True)
class Opening:
    """One claim and what became of it. `claim` and `why` are None and "" once the evidence has gone."""

    id: str
    subject: str
    claim: Claim | None
    digest: str
    asked_by: str
    asked_person: str
    asked_at: datetime
    decision: str
    decided_by: str | None
    decided_person: str | None
    decided_at: datetime | None
    why: str
    open_until: datetime | None

    @property
    def state(self) -> str:
        if self.decision != "approved":
            return self.decision or WAITING
        return OPEN if self.open_until is not None and clock.now() < self.open_until else OVER


async def ask(subject_id: str, claim: Claim, *, officer: str) -> str:
    """State a claim about one erased person. Answers the id under which it waits for somebody else."""
    _refuse_vague(claim)
    async with db.writing():
        await _refuse_ended(subject_id)
        opening_id, by = ids.new(), f"officer:{officer}"
        person = (await subjects.whole(subject_id)).subjects[0]
        digest = _digest(opening_id, person, by, claim)
        await db.run(
            "INSERT INTO evidence_opening (id, subject, claim, digest, asked_by, asked_person, asked_at, decision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, '')",
            *(opening_id, person, await _sealed(opening_id, person, claim), digest, by, await identity.person_of(officer)),
            clock.micros(clock.now()),
        )
        await _record(events.OPENING_ASKED, opening_id, by, {"kind": claim.kind, "claim": digest})
    return opening_id


async def change(opening_id: str, claim: Claim, *, officer: str) -> None:
    """Only by who stated it. Whoever had agreed agreed to something else, so nobody reads until somebody agrees again."""
    _refuse_vague(claim)
    async with db.writing():
        mine = await _own(opening_id, officer)
        await _refuse_ended(mine.subject)
        digest = _digest(opening_id, mine.subject, mine.asked_by, claim)
        await _move(
            mine,
            "claim = ?, digest = ?, decision = '', decided_by = NULL, decided_person = NULL, decided_at = NULL,"
            " open_until = NULL",
            *(await _sealed(opening_id, mine.subject, claim), digest),
        )
        said = {"kind": claim.kind, "claim": digest, "was": mine.state}
        await _record(events.CLAIM_CHANGED, opening_id, f"officer:{officer}", said)


async def withdraw(opening_id: str, *, officer: str) -> None:
    """By who stated it, or who agreed: it is settled, or should not have been stated. Ends the reading of both at once."""
    async with db.writing():
        found = await _own(opening_id, officer, or_agreed=True)
        await _move(found, "decision = 'withdrawn', open_until = NULL")
        await _record(events.OPENING_WITHDRAWN, opening_id, f"officer:{officer}", {"was": found.state})


async def approve(opening_id: str, digest: str, *, officer: str) -> datetime:
    """Another person agrees to the claim on their screen, named by its digest. Answers until when the two may read."""
    async with db.writing():
        waiting = await _for_another(opening_id, officer)
        await _refuse_ended(waiting.subject)
        if digest != waiting.digest or not _is_as_signed(waiting):
            raise Conflict(_("The claim is not the one you looked at. Please read it again."))
        now = clock.now()
        until, by, person = now + OPEN_FOR, f"officer:{officer}", await identity.person_of(officer)
        await _move(
            waiting,
            "decision = 'approved', decided_by = ?, decided_person = ?, decided_at = ?, open_until = ?",
            *(by, person, clock.micros(now), clock.micros(until)),
        )
        await _record(events.OPENED, opening_id, by, {"claim": digest, "until": clock.rfc3339(until)})
    return until


async def refuse(opening_id: str, why: str, *, officer: str) -> None:
    if not why.strip():
        raise Invalid(_("Please say why not."), {"why": _("Your colleague will read this.")})
    async with db.writing():
        waiting = await _for_another(opening_id, officer)
        await _refuse_ended(waiting.subject)
        key, by = await vault.key_for("evidence", waiting.subject), f"officer:{officer}"
        await _move(
            waiting,
            "decision = 'refused', decided_by = ?, decided_person = ?, decided_at = ?, why = ?",
            *(by, await identity.person_of(officer), clock.micros(clock.now())),
            key.seal(Place("evidence_opening", "why", opening_id), why.strip()),
        )
        await _record(events.OPENING_REFUSED, opening_id, by, {"claim": waiting.digest})


async def look(opening_id: str, what: dict[str, Any], *, officer: str) -> Opening:
    """Record that one of the two reads now; raises NotAllowed for everybody else and when the time is over.

    What is read is opened after this commit: a crash in between leaves a look recorded that showed nothing, never the other
    way round.
    """
    async with db.writing():
        opening = await _locked(opening_id)
        if opening.state != OPEN or not _is_as_signed(opening):
            raise NotAllowed(_("This is not open. It takes a legal claim and a second person, and it closes by itself."))
        if await identity.person_of(officer) not in (opening.asked_person, opening.decided_person):
            raise NotAllowed(_("Only the two people who opened this may read it."))
        await _refuse_ended(opening.subject)
        await _record(events.READ, opening_id, f"officer:{officer}", what)
    return opening


async def close_all() -> int:
    """Inside `writing()`, after a restore: a backup may hold as open what was closed since. Answers how many."""
    return await db.run(
        "UPDATE evidence_opening SET decision = 'withdrawn', open_until = NULL WHERE decision IN ('', 'approved')"
    )


async def opening(opening_id: str) -> Opening:
    found = await openings(only=opening_id)
    if not found:
        raise NotFound(_("There is no such claim."))
    return found[0]


async def waits_for(officer: str) -> bool:
    """Whether a claim waits that somebody else has stated."""
    sql = "SELECT 1 AS one FROM evidence_opening WHERE decision = '' AND asked_person <> ? LIMIT 1"
    return await db.row(sql, await identity.person_of(officer)) is not None


async def openings(*, before: str | None = None, limit: int = 50, only: str = "") -> list[Opening]:
    """Newest first; the next page begins `before` the last id of this one."""
    condition, values = ("id = ?", [only]) if only else ("id < ?", [before]) if before else ("1 = 1", [])
    stored = await db.rows(f"SELECT * FROM evidence_opening WHERE {condition} ORDER BY id DESC LIMIT ?", *values, limit)
    keys = await vault.keys_of("evidence", sorted({each["subject"] for each in stored}))
    return [_opening(each, keys.get(each["subject"])) for each in stored]


@jobs.verb("consent.claims_end", every=timedelta(days=1))
async def let_go(job: jobs.Job) -> None:
    """When the evidence has gone there is nothing left to open, and nobody waits for a second person any more."""
    found = await db.rows(f"SELECT DISTINCT subject FROM evidence_opening WHERE {_TELLING} ORDER BY subject")
    for start in range(0, len(found), AT_ONCE):
        people = [each["subject"] for each in found[start : start + AT_ONCE]]
        kept = await vault.keys_of("evidence", people)
        if over := [(each,) for each in people if each not in kept]:
            async with db.writing():
                await db.many(_LETTING_GO, over)


def _refuse_vague(claim: Claim) -> None:
    wrong = {}
    if claim.kind not in KINDS:
        wrong["kind"] = _("Choose one of these.")
    if not claim.reference.strip() or len(claim.reference) > LONGEST_REFERENCE:
        wrong["reference"] = _("Give the number or name under which the claim is filed, in at most 120 letters.")
    if len(claim.reason.strip()) < SHORTEST_REASON:
        wrong["reason"] = _("Say what has to be proven and why these records are needed for it.")
    if wrong:
        raise Invalid(_("A claim has to be stated in full."), wrong)


async def _refuse_ended(subject_id: str) -> None:
    closed = await subjects.evidence.closed(subject_id)
    if closed is None:
        raise Conflict(_("This person's data was not deleted, so there is nothing to open: look under People."))
    if closed.last_day is None:
        raise Conflict(_("The time for which this was kept is over. It was destroyed and nobody can open it."))


async def _own(opening_id: str, officer: str, *, or_agreed: bool = False) -> Opening:
    found = await _locked(opening_id)
    theirs = {found.asked_person, found.decided_person} if or_agreed else {found.asked_person}
    if await identity.person_of(officer) not in theirs:
        raise NotAllowed(
            _("Only the person who stated the claim can change it. To end it, one has to be who stated or agreed to it.")
        )
    if found.state not in (WAITING, OPEN):
        raise Conflict(_("This claim is closed. State a new one if there is one."))
    return found


async def _for_another(opening_id: str, officer: str) -> Opening:
    found = await _locked(opening_id)
    if found.state != WAITING:
        raise Conflict(_("Somebody else has decided already."))
    if found.asked_person == await identity.person_of(officer):
        raise NotAllowed(_("You stated this claim yourself, so another person has to decide."))
    return found


async def _locked(opening_id: str) -> Opening:
    """Inside `writing()`: with everybody else who wants to change it waiting until we are done."""
    await db.run("UPDATE evidence_opening SET digest = digest WHERE id = ?", opening_id)
    return await opening(opening_id)


async def _move(was: Opening, assignments: str, *values: Any) -> None:
    """Together with its entry in the log, in the caller's transaction: a crash leaves the claim as it stood."""
    sql = f"UPDATE evidence_opening SET {assignments} WHERE id = ? AND digest = ? AND decision = ?"
    if await db.run(sql, *values, was.id, was.digest, was.decision) != 1:
        raise Conflict(_("Somebody else has decided already."))


async def _record(event: audit.Event, opening_id: str, by: str, payload: dict[str, Any]) -> None:
    await audit.record(event, actor=by, object=opening_id, payload=payload)


def _is_as_signed(opening: Opening) -> bool:
    """Whether the words are still those that the digest was made of."""
    return opening.claim is not None and opening.digest == _digest(opening.id, opening.subject, opening.asked_by, opening.claim)


def _digest(opening_id: str, subject_id: str, asked_by: str, claim: Claim) -> str:
    return hashlib.sha256(json.dumps([opening_id, subject_id, asked_by, *_words(claim)]).encode()).hexdigest()


def _words(claim: Claim) -> list[str]:
    return [claim.kind, claim.reference.strip(), claim.reason.strip()]


async def _sealed(opening_id: str, person: str, claim: Claim) -> bytes:
    """After `_refuse_ended`: it makes nobody a new key."""
    key = await vault.key_for("evidence", person)
    return key.seal(Place("evidence_opening", "claim", opening_id), json.dumps(_words(claim), ensure_ascii=False))


def _opening(row: dict[str, Any], key: vault.Key | None) -> Opening:
    claim, why = None, ""
    if key and row["claim"] is not None:
        claim = Claim(*json.loads(key.open(Place("evidence_opening", "claim", row["id"]), bytes(row["claim"]))))
    if key and row["why"] is not None:
        why = key.open(Place("evidence_opening", "why", row["id"]), bytes(row["why"]))
    decided, until = (None if row[name] is None else clock.from_micros(row[name]) for name in ("decided_at", "open_until"))
    return Opening(
        id=row["id"],
        subject=row["subject"],
        claim=claim,
        digest=row["digest"],
        asked_by=row["asked_by"],
        asked_person=row["asked_person"],
        asked_at=clock.from_micros(row["asked_at"]),
        decision=row["decision"],
        decided_by=row["decided_by"],
        decided_person=row["decided_person"],
        decided_at=decided,
        why=why,
        open_until=until,
    )
