"""Who is asking: control of an identifier that carried the data before the request (GDPR Art. 12(6), EDPB 01/2022 §65-79).

A proof counts for its own identifier: only records that carry it, or that the portal recorded with it and the person
proved before, are collected. Other proven addresses of the person are told in neutral words that name no right.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, consent, db, identity, messages, subjects, vault
from portal.cases import concerned, events, grades, models, moves, protection, states, together
from portal.cases.policy import STRONGER, policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
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
        if proof.by_account:
            await _require_its_address(row, proof)
        for each in [row, *[await moves.lock(other) for other in await together.unproven_beside(row)]]:
            if proof.new_device:
                await note_new_device(each)
            await accept(
                each,
                proof.identifier_id,
                how="signed in" if proof.by_account else "code",
                actor=f"customer:{proof.subject}",
            )
    return row.state


async def _require_its_address(row: models.CaseRow, proof: identity.Proof) -> None:
    """A code goes to the address of the request; an account may be anybody's."""
    address, identifier = await case_address(row), await subjects.get(proof.identifier_id)
    if row.address_kind != identifier.kind or await _canonical(identifier) != subjects.canonical(identifier.kind, address):
        raise NotAllowed(_("Your account has another address than this request, so it does not show that the request is yours."))


async def accept(row: models.CaseRow, identifier_id: str, *, how: str, actor: str) -> None:
    """Inside `writing()`: note the proof. With enough of them the case moves on, marketing stops for an erasure, and others
    are warned; a further one lifts a freeze.
    """
    if row.state == states.CLOSED:
        raise NotAllowed(_("This request is closed."))
    identifier = await subjects.get(identifier_id)
    if identifier.audience != "person":
        # A family's or a role's address may be written to, but never by itself proves who somebody is.
        raise NotAllowed(_("Several people use this address, so it cannot show who you are. Please use an address of your own."))
    by_mail = await models.CaseIdentifier.filter(case_id=row.id, how__in=grades.BY_MAIL).exists()
    added = await _note(row, identifier_id, how)
    if how not in grades.BY_MAIL and not by_mail and row.reach == "mail":
        row.reach = "post"  # the mailbox did not show who asks: it may be lost, or another's, and is told nothing more
        await row.save(update_fields=["reach"])
    if row.state in (states.RECEIVED, states.VERIFYING) and await grades.is_enough(row):
        await _first_proof(row, identifier, how, actor)
    elif added:
        await audit.record(
            events.PROVEN, actor=actor, subject=row.subject, case=row.id, object=identifier_id, payload={"how": how}
        )
        await _lift_freeze(row, identifier_id, actor)


async def _note(row: models.CaseRow, identifier_id: str, how: str) -> bool:
    """Whether this shows more than was shown before; of one identifier the strongest way is kept."""
    known = await models.CaseIdentifier.get_or_none(case_id=row.id, identifier=identifier_id)
    if known is None:
        await models.CaseIdentifier.create(id=ids.new(), case_id=row.id, identifier=identifier_id, how=how, proven_at=clock.now())
        return True
    if not grades.is_stronger(row.right, how, known.how):
        return False
    known.how, known.proven_at = how, clock.now()
    await known.save(update_fields=["how", "proven_at"])
    return True


async def note_new_device(row: models.CaseRow) -> None:
    """Somebody asks for everything in a browser that the account's owner never used: more has to be shown, or looked at."""
    if row.right not in policy().new_device or row.more_proof:
        return
    if policy().new_device_asks == STRONGER:
        row.more_proof = grades.NEW_DEVICE
    elif grades.NEW_DEVICE not in row.flags:
        row.flags = sorted({*row.flags, grades.NEW_DEVICE})
    await row.save(update_fields=["more_proof", "flags"])


async def not_me(secret: str) -> tuple[datetime, bool]:
    """Somebody answered the warning: it freezes the handover, and nothing else. The clock runs; an officer decides, also when
    all was done before. Answers when it was said first, and whether the request had ended by then.
    """
    async with db.writing():
        notice = await models.Notice.get_or_none(digest=ids.digest(secret))
        if notice is None:
            raise NotFound(_("This link is not known."))
        row, now = await moves.lock(notice.case_id), clock.now()
        changed = await db.run(
            "UPDATE case_notice SET answered_at = ? WHERE digest = ? AND answered_at IS NULL",
            *(clock.micros(now), notice.digest),
        )
        if changed:
            hold_id = ids.new()
            # Of a request whose words are gone nobody can read why; that it waits is seen all the same.
            key = await vault.find_key("case", row.id) or await vault.key_for("record", row.id)
            why = key.seal(Place("case_hold", "why", hold_id), "not me")
            await models.Hold.create(id=hold_id, case_id=row.id, kind="freeze", why=why, by="notice", since=now)
            await audit.record(events.NOT_ME, actor="system", subject=row.subject, case=row.id, object=notice.identifier)
        said = now if changed else (await models.Notice.get(digest=notice.digest)).answered_at or now
        return said, row.closed_at is not None and row.closed_at <= said


async def covered(row: models.CaseRow) -> Covered:
    """Inside or outside `writing()`: what this case may collect, correct or delete."""
    mine = [await subjects.get(each) for each in await concerned.identifiers(row)]
    homes = sorted({each.home for each in mine})
    people: dict[str, subjects.Identifier] = {}
    for each in mine:
        people |= {other.id: other for other in (await subjects.whole(each.subject)).identifiers}
    chosen, left_out = list(mine), list[str]()
    for other in people.values():
        if other.id in {each.id for each in mine} or other.erased_at is not None:
            continue
        # Recorded with a proven address from the start, and proven by the person before this request came in.
        if other.home in homes and other.audience == "person" and proven_before(other, row):
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
        # Whoever asks for another person has shown their own address alone: see mandates.py.
        **({"subject": identifier.subject} if row.requester == "me" else {}),
    )
    if row.reach == "mail":
        await together.tell_started(row, await case_address(row))
    if row.requester == "me":
        await protection.begin(row, identifier.subject, by=actor, ground=await ground(row))
        await warn(row, identifier.subject, but=identifier.id if how in grades.BY_MAIL else "")


async def warn(row: models.CaseRow, subject: str, *, but: str = "") -> None:
    """Once per other address: proven in the last months, a person's own, and reachable by mail; not one that mail came back
    from or that does not want any, nor one that the person said must not be used. None at all if what they named is no
    address of theirs.
    """
    avoided, known = await _avoided(row), (await subjects.whole(subject)).identifiers
    if avoided and not avoided & {await _canonical(each) for each in known}:
        return
    for other in known:
        if other.id != but and await _canonical(other) not in avoided:
            await tell_of_it(row, other)


async def tell_old(row: models.CaseRow, old: subjects.Identifier) -> None:
    """Inside `writing()`: an address in whose place another is put, unless the person said that it must not be used."""
    if await _canonical(old) not in await _avoided(row):
        await tell_of_it(row, old)


async def tell_of_it(row: models.CaseRow, other: subjects.Identifier) -> None:
    """Inside `writing()`: that something was asked for, and how to say "that wasn't me"; once, where it reaches them."""
    since = clock.now() - timedelta(days=31 * policy().warning_months)
    reachable = other.kind == "email" and other.audience == "person" and other.erased_at is None
    address = await subjects.value_of(other)
    if not reachable or other.verified_at is None or other.verified_at < since or address is None:
        return
    if await subjects.is_suppressed(other.kind, address, but=subjects.notes.BY_OTHERS):
        return  # whoever stops advertising for somebody else does not keep them from being warned
    if await consent.stops.is_closed(other):
        return  # nobody reads it there, or somebody else does
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


async def ground(row: models.CaseRow) -> str:
    """Why the data shall only be stored, where the person said so."""
    return str((await details(row)).get("ground", ""))


async def details(row: models.CaseRow) -> dict[str, Any]:
    """What the person wrote into the form besides the right and the address."""
    key = await case_key(row)
    said: dict[str, Any] = json.loads(key.open(Place("case_file", "details", row.id), row.details))
    return said


async def _avoided(row: models.CaseRow) -> set[str]:
    """The addresses that the person told us not to use, one or several in a line."""
    words = re.split(r"[\s,;]+", str((await details(row)).get("avoid", "")).strip())
    found = set[str]()
    for each in filter(None, words):
        try:
            found.add(subjects.canonical("email", each))
        except Invalid:
            found.add(each)  # no address of ours: nobody is told
    return found


async def _canonical(identifier: subjects.Identifier) -> str | None:
    value = await subjects.value_of(identifier)
    return None if value is None or identifier.kind != "email" else subjects.canonical("email", value)


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


def proven_before(identifier: subjects.Identifier, row: models.CaseRow) -> bool:
    """Whether the person had shown this address before they asked."""
    return identifier.first_verified_at is not None and identifier.first_verified_at < row.created_at
