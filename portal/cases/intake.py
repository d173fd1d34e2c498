"""A request comes in: by form, by a signed-in person, or entered by an officer (GDPR Art. 12(2), 15-17; EDPB 01/2022).

A typed address gets the same neutral mail whether we know it or not; nothing about anybody is looked up here. The
clock starts with receipt, whatever time the proof takes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, subjects, vault
from portal.cases import (
    again,
    clocks,
    events,
    grades,
    invitation,
    letterbox,
    models,
    moves,
    states,
    stopping,
    together,
    verification,
)
from portal.cases.details import checked, in_order
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place

SOURCES = ("form", "officer", "call", "letter", "visit", "mail", "api", "list")
STRANGERS = frozenset({"form", "mail", "api"})  # anybody may send these, again and again
PER_ADDRESS = 5  # a day, from one browser
PER_PERSON = 20  # a day, signed in
JOINED_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Opened:
    """`reference` is for the person alone (128 random bits); `challenge` is what the browser proves the address with.

    Whoever asks for what somebody is asking for already gets the same challenge, and the reference only with the proof.
    """

    id: str
    reference: str
    state: str
    challenge: str | None


@dataclass(frozen=True)
class Asker:
    """Who asks, from where, and how it came in."""

    address: str
    language: str
    who: str
    source: str
    actor: str
    received_at: datetime | None
    kind: str = "email"


async def open_case(
    right: str,
    address: str,
    *,
    language: str,
    who: str = "me",
    details: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    source: str = "form",
    actor: str = "",
    received_at: datetime | None = None,
    browser: str | None = None,
    kind: str = "email",
) -> Opened:
    """Take a request of somebody who is not signed in; mails one neutral confirmation. `details`: changes, country, note …

    `also`: further rights that are asked for at the same time; what needs no proof takes effect at once. `kind`: of the
    address, where somebody without e-mail called or wrote; nothing is mailed then.
    """
    rights = in_order(right, also)
    details = checked(rights, who, details or {}, sources=SOURCES, source=source, received_at=received_at)
    asked = _asked(address, kind)
    asker = Asker(address, language, who, source, actor or "system", received_at, kind)
    async with db.writing():
        if source == "form":
            # A form that is sent several times at once is one request: the second waits here until the first has committed.
            await db.count_many({f"case:{asked.hex()}:turn": 1}, per=JOINED_FOR)
            joined = await _join(asked, rights[0], address, details, language=language, who=who, browser=browser)
            if joined is not None:
                return joined
        if source in STRANGERS:
            await db.throttle(
                f"case:{asked.hex()}:{ids.digest(browser).hex() if browser else ''}",
                limit=PER_ADDRESS,
                per=timedelta(days=1),
                sentence=_several(),
            )
        rows, reference = await _create_all(rights, details, asker)
        if source == "form":
            challenge = await _ask_for_proof(rows, asker, browser)
            return Opened(rows[0].id, reference, rows[0].state, challenge)
        await invitation.ask_for_proof(rows, reference, asker.address, actor=asker.actor)
        return Opened(rows[0].id, reference, rows[0].state, None)


async def forget(address: str) -> None:
    """Inside `writing()`: nothing remains of how often somebody asked for an address."""
    asked = _asked(address)
    await db.run("DELETE FROM throttle WHERE name LIKE ?", f"case:{asked.hex()}:%")
    await db.run("UPDATE case_file SET asked = NULL WHERE asked = ?", asked)
    await letterbox.forget(asked)


async def ask_for_proof_again(reference: str, *, browser: str | None = None) -> str:
    """A new link and code to the address the request was made with; answers the challenge's id. Conflict once it is proven."""
    async with db.writing():
        found = await models.CaseRow.get_or_none(reference_digest=ids.digest(reference))
        if found is None:
            raise NotFound(_("There is no request with this number."))
        row = await moves.lock(found.id)
        if row.state != states.VERIFYING:
            raise Conflict(_("This request needs no confirmation now."))
        address = await verification.case_address(row)
        challenge = await identity.challenge(address, use="request", bound_to=row.id, language=row.language, browser=browser)
        for each in [row.id, *await together.unproven_beside(row)]:
            await models.CaseRow.filter(id=each).update(challenge=challenge.id)
            await audit.record(events.PROOF_ASKED, actor="system", case=each)
    return challenge.id


async def open_for(
    session: identity.Session,
    right: str,
    *,
    language: str,
    who: str = "me",
    details: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    browser: str | None = None,
    appeal_of: models.CaseRow | None = None,
) -> Opened:
    """Take a request of somebody who is signed in; proven at once when their proof is fresh enough. Sent twice, it is one."""
    rights = in_order(right, also)
    details = checked(rights, who, details or {}, sources=SOURCES, source="form", received_at=None)
    if session.kind != "customer" or session.subject is None or session.identifier is None:
        raise NotAllowed(_("Please sign in first."))
    address = await subjects.value_of(await subjects.get(session.identifier))
    if address is None:
        raise NotAllowed(_("This address was erased."))
    asker = Asker(address, language, who, "form", f"customer:{session.subject}", None)
    new_device = await identity.is_new_device(address, browser)
    form = again.mark(session.identifier, rights, who, language, details, "" if appeal_of is None else appeal_of.id)
    async with db.writing():
        joined = await again.before(session.identifier, form, asker.actor)
        if joined is None:
            await db.throttle(f"case:{session.subject}", limit=PER_PERSON, per=timedelta(days=1), sentence=_several())
            rows, reference = await _create_all(rights, details, asker, session=session, appeal_of=appeal_of)
            await again.keep(form, rows[0].id)
        else:
            rows, reference = joined
        waiting = [each for each in rows if each.state in (states.RECEIVED, states.VERIFYING)]
        if all(grades.is_fresh(session, each.right) for each in waiting):
            for each in waiting:
                if new_device:
                    await verification.note_new_device(each)
                await verification.accept(each, session.identifier, how="signed in", actor=asker.actor)
                if each.state == states.RECEIVED:  # more than the visit has to be shown
                    await moves.move(each, "ask for proof", event=events.PROOF_ASKED, actor=asker.actor)
            return Opened(rows[0].id, reference, rows[0].state, None)
        challenge = await _ask_for_proof(rows, asker, None) if joined is None else waiting[0].challenge
        return Opened(rows[0].id, reference, rows[0].state, challenge)


async def _join(
    asked: bytes, right: str, address: str, details: Mapping[str, Any], *, language: str, who: str, browser: str | None
) -> Opened | None:
    """The unproven request of the last hour that says the very same, from wherever it came, instead of another one.

    So strangers cannot use up what an address may ask for. One that says anything else is not joined: proving it would
    confirm a stranger's words.
    """
    since = clock.now() - JOINED_FOR
    running = models.CaseRow.filter(
        asked=asked, right=right, state=states.VERIFYING, source="form", requester=who, language=language, created_at__gt=since
    )
    for row in await running.order_by("created_at"):
        key = await verification.case_key(row)
        if json.loads(key.open(Place("case_file", "details", row.id), row.details)) != dict(details):
            continue
        challenge = await identity.challenge(address, use="request", bound_to=row.id, language=language, browser=browser)
        if row.challenge != challenge.id:
            row.challenge = challenge.id
            await row.save(update_fields=["challenge"])
            await audit.record(events.PROOF_ASKED, actor="system", case=row.id)
        return Opened(row.id, "", row.state, challenge.id)
    return None


def _asked(address: str, kind: str = "email") -> bytes:
    return vault.blind("case", subjects.canonical(kind, address))


async def _create_all(
    rights: Sequence[str],
    details: Mapping[str, Any],
    asker: Asker,
    *,
    session: identity.Session | None = None,
    appeal_of: models.CaseRow | None = None,
) -> tuple[list[models.CaseRow], str]:
    """Inside `writing()`: one case for each right, and the first one's reference; what acts at once has acted."""
    made = [await create(right, details, asker, appeal_of) for right in rights]
    rows = [row for row, _reference in made]
    for row in rows:
        if len(rows) > 1:
            row.together = rows[0].id
            await row.save(update_fields=["together"])
        if row.right in states.AT_ONCE:
            named = [(asker.kind, asker.address)] if asker.who == "me" else list(details["concerned"].items())
            await stopping.act(row, named, session)
    return rows, made[0][1]


async def _ask_for_proof(rows: Sequence[models.CaseRow], asker: Asker, browser: str | None) -> str | None:
    """Inside `writing()`: one link and code for all that needs a proof; answers the challenge's id, None where nothing does."""
    waiting = [row for row in rows if row.right not in states.AT_ONCE]
    if not waiting:
        return None
    challenge = await identity.challenge(
        asker.address, use="request", bound_to=waiting[0].id, language=asker.language, browser=browser
    )
    for row in waiting:
        await moves.move(row, "ask for proof", event=events.PROOF_ASKED, actor=asker.actor, challenge=challenge.id)
    return challenge.id


async def create(
    right: str,
    details: Mapping[str, Any],
    asker: Asker,
    appeal_of: models.CaseRow | None = None,
    event: audit.Event = events.OPENED,
) -> tuple[models.CaseRow, str]:
    """Inside `writing()`: a request as it came in, with its law and clock, and its reference for the person."""
    case_id, reference, now = ids.new(), ids.secret(128), clock.now()
    received = asker.received_at or now
    country = str(details.get("country", "")) if appeal_of is None else appeal_of.country
    due, fitting = clocks.law_for(country, right, received)
    key, record = await vault.key_for("case", case_id), await vault.key_for("record", case_id)
    row = await models.CaseRow.create(
        id=case_id,
        reference_digest=ids.digest(reference),
        reference=record.seal(Place("case_file", "reference", case_id), reference),
        right=right,
        state=states.RECEIVED,
        law=due.law.key,
        law_edition=due.law.edition,
        clock=due.clock.key,
        country=country,
        received_at=received,
        created_at=now,
        due_on=due.safe.isoformat(),
        due_because=clocks.explained(due, fitting),
        requester=asker.who,
        language=asker.language if asker.language in get().language_list else get().language_list[0],
        source=asker.source,
        address_kind=asker.kind,
        address=key.seal(Place("case_file", "address", case_id), asker.address.strip()),
        details=key.seal(Place("case_file", "details", case_id), json.dumps(dict(details), ensure_ascii=False)),
        flags=[] if asker.who in ("me", states.BY_COMPANY) else [f"asked by: {asker.who}"],
        asked=_asked(asker.address, asker.kind),
        more_proof=grades.SAFE_ADDRESS if details.get("avoid") else "",
        reach="mail" if asker.kind == "email" else "post",
        appeal_of=None if appeal_of is None else appeal_of.id,
    )
    if right == "rectification":
        await _keep_corrections(case_id, key, details["changes"])
    said = {"right": right, "law": due.law.key, "edition": due.law.edition, "due": row.due_on, "source": asker.source}
    await audit.record(event, actor=asker.actor, case=case_id, payload=said | {"for": asker.who})
    return row, reference


async def _keep_corrections(case_id: str, key: vault.Key, changes: Mapping[str, str]) -> None:
    for name, value in changes.items():
        correction = ids.new()
        sealed = key.seal(Place("case_correction", "new", correction), value)
        await models.CorrectionRow.create(id=correction, case_id=case_id, field=name, new=sealed)


def _several() -> str:
    return _("Several requests came in for this address today. Please use the one you have, or write to us.")


__all__ = ["Opened", "open_case", "open_for"]
