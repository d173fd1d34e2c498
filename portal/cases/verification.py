"""Who is asking: control of an identifier that carried the data before the request (GDPR Art. 12(6), EDPB 01/2022 §65-79).

A proof counts for its own identifier: only records that carry it, or that the portal recorded with it and the person
proved before, are collected. Other proven addresses of the person are told in neutral words that name no right.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from portal import audit, consent, db, identity, messages, subjects, vault
from portal.cases import events, models, moves, states
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place


@dataclass(frozen=True)
class Covered:
    """What a case may look for: canonical values by kind, and the records of the portal they belong to."""

    identifiers: dict[str, list[str]]
    homes: list[str]
    left_out: list[str]  # identifiers of the person that nobody has proven
    joined: list[str]  # those of them that came with another record, by somebody's link


async def verified(case_id: str, proof: identity.Proof) -> str:
    """The person proved an address for this request; a proof for anything else is refused. Answers the state."""
    if proof.use != "request" or proof.bound_to != case_id:
        raise NotAllowed(_("This proof belongs to another request."))
    async with db.writing():
        row = await moves.lock(case_id)
        await accept(row, proof.identifier_id, how="code", actor=f"customer:{proof.subject}")
    return row.state


async def accept(row: models.CaseRow, identifier_id: str, *, how: str, actor: str) -> None:
    """Inside `writing()`: note the proof; the first one moves the case on, stops marketing for an erasure, and warns."""
    if row.state == states.CLOSED:
        raise NotAllowed(_("This request is closed."))
    identifier = await subjects.get(identifier_id)
    if identifier.audience != "person":
        # A family's or a role's address may be written to, but never by itself proves who somebody is.
        raise NotAllowed(_("Several people use this address, so it cannot show who you are. Please use an address of your own."))
    added = await db.run(
        "INSERT INTO case_identifier (id, case_id, identifier, how, proven_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        *(ids.new(), row.id, identifier_id, how, clock.micros(clock.now())),
    )
    if row.state in (states.RECEIVED, states.VERIFYING):
        await _first_proof(row, identifier, how, actor)
    elif added:
        await audit.record(
            events.PROVEN, actor=actor, subject=row.subject, case=row.id, object=identifier_id, payload={"how": how}
        )
        await _lift_freeze(row, identifier_id, actor)


async def not_me(secret: str) -> None:
    """Somebody answered the warning: it freezes the handover, and nothing else. The clock runs; an officer decides."""
    async with db.writing():
        notice = await models.Notice.get_or_none(digest=ids.digest(secret))
        if notice is None:
            raise NotFound(_("This link is not known."))
        row = await moves.lock(notice.case_id)
        changed = await db.run(
            "UPDATE case_notice SET answered_at = ? WHERE digest = ? AND answered_at IS NULL",
            clock.micros(clock.now()),
            ids.digest(secret),
        )
        if not changed or row.state == states.CLOSED:
            return
        hold_id = ids.new()
        key = await case_key(row)
        why = key.seal(Place("case_hold", "why", hold_id), "not me")
        await models.Hold.create(id=hold_id, case_id=row.id, kind="freeze", why=why, by="notice", since=clock.now())
        await audit.record(events.NOT_ME, actor="system", subject=row.subject, case=row.id, object=notice.identifier)


async def covered(row: models.CaseRow) -> Covered:
    """Inside or outside `writing()`: what this case may collect, correct or delete."""
    proven = await models.CaseIdentifier.filter(case_id=row.id).values_list("identifier", flat=True)
    mine = [await subjects.get(str(each)) for each in proven]
    homes = sorted({each.home for each in mine})
    people: dict[str, subjects.Identifier] = {}
    for each in mine:
        people |= {other.id: other for other in (await subjects.whole(each.subject)).identifiers}
    chosen, left_out = list(mine), list[str]()
    for other in people.values():
        if other.id in {each.id for each in mine} or other.erased_at is not None:
            continue
        # Recorded with a proven address from the start, and proven by the person before this request came in.
        if other.home in homes and other.audience == "person" and _proven_before(other, row):
            chosen.append(other)
        else:
            left_out.append(other.id)
    values = await subjects.values_of(chosen)
    found: dict[str, list[str]] = {}
    for each in chosen:
        value = values[each.id]
        if value is not None:
            found.setdefault(each.kind, []).append(subjects.canonical(each.kind, value))
    joined = sorted(each for each in left_out if people[each].home not in homes)
    return Covered({kind: sorted(set(each)) for kind, each in sorted(found.items())}, homes, sorted(left_out), joined)


async def person_key(row: models.CaseRow) -> vault.Key:
    """Inside `writing()`: under which findings lie. Forgetting the person ends them; a key that is gone stays gone."""
    if row.subject is None:
        return await case_key(row)
    key = await vault.find_key("life", row.subject)
    if key is None:
        raise Conflict(_("The person's data was deleted meanwhile; nothing more about them is stored."))
    return key


async def is_erased(row: models.CaseRow) -> bool:
    """Whether the person of this case was forgotten since, by another request of theirs."""
    return row.subject is not None and await vault.find_key("life", row.subject) is None


async def case_key(row: models.CaseRow) -> vault.Key:
    """Under which lies what was said in the case. It falls some time after the end, and a key that is gone stays gone."""
    key = await vault.find_key("case", row.id)
    if key is None:
        raise Conflict(_("The address and the letters of this request were deleted when their time was over."))
    return key


async def case_address(row: models.CaseRow) -> str:
    """The address typed or signed in with, in clear: for messages of this case alone."""
    key = await case_key(row)
    return key.open(Place("case_file", "address", row.id), row.address)


async def address_or_nothing(row: models.CaseRow) -> str:
    """The same, or nothing once it fell."""
    key = await vault.find_key("case", row.id)
    return "" if key is None else key.open(Place("case_file", "address", row.id), row.address)


async def _first_proof(row: models.CaseRow, identifier: subjects.Identifier, how: str, actor: str) -> None:
    await moves.move(
        row,
        "prove",
        event=events.PROVEN,
        actor=actor,
        payload={"how": how, "identifier": identifier.id},
        subject=identifier.subject,
    )
    if row.right == "erasure":
        # Marketing and profiling stop now; the deletion itself waits for the dry run and a second person.
        await consent.stops.object_to_marketing(identifier.subject, by=actor, why="erasure asked")
    await messages.send_later(
        template="mail/case-started",
        to=await case_address(row),
        language=row.language,
        context={"right": row.right, "due": date.fromisoformat(row.due_on)},
        case=row.id,
        key=f"case-started {row.id}",
    )
    await _warn_others(row, identifier)


async def _warn_others(row: models.CaseRow, proven: subjects.Identifier) -> None:
    """Once per other address: proven in the last months, a person's own, and reachable by mail."""
    since = clock.now() - timedelta(days=31 * policy().warning_months)
    person = await subjects.whole(proven.subject)
    for other in person.identifiers:
        reachable = other.kind == "email" and other.audience == "person" and other.erased_at is None
        if other.id == proven.id or not reachable or other.verified_at is None or other.verified_at < since:
            continue
        address = await subjects.value_of(other)
        if address is None or await subjects.is_suppressed(other.kind, address):
            continue
        secret = ids.secret(128)
        await models.Notice.create(digest=ids.digest(secret), case_id=row.id, identifier=other.id, sent_at=clock.now())
        await messages.send_later(
            template="mail/case-notice",
            to=address,
            language=row.language,
            context={"link": f"{get().base_url}/requests/notices/{secret}"},
            case=row.id,
            key=f"case-notice {row.id} {other.id}",
        )
        await audit.record(events.NOTICE_SENT, actor="system", subject=row.subject, case=row.id, object=other.id)


async def _lift_freeze(row: models.CaseRow, identifier_id: str, actor: str) -> None:
    lifted = await db.run(
        "UPDATE case_hold SET lifted_at = ?, lifted_by = ? WHERE case_id = ? AND kind = 'freeze' AND lifted_at IS NULL",
        *(clock.micros(clock.now()), actor, row.id),
    )
    if lifted:
        await audit.record(
            events.HOLD_LIFTED,
            actor=actor,
            subject=row.subject,
            case=row.id,
            object=identifier_id,
            payload={"kind": "freeze", "by": "a second proof"},
        )
        from portal.cases import closing  # it stands on this module

        await closing.go_on(row, actor=actor)


def _proven_before(identifier: subjects.Identifier, row: models.CaseRow) -> bool:
    return identifier.verified_at is not None and identifier.verified_at < row.created_at
