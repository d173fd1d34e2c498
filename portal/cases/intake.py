"""A request comes in: by form, by a signed-in person, or entered by an officer (GDPR Art. 12(2), 15-17; EDPB 01/2022).

A typed address gets the same neutral mail whether we know it or not; nothing about anybody is looked up here. The
clock starts with receipt, whatever time the proof takes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, subjects, vault
from portal.cases import clocks, events, models, moves, states, verification
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place

OFFERED = ("access", "rectification", "erasure")
REQUESTERS = ("me", "agent", "child", "guardian", "deceased")
SOURCES = ("form", "officer", "call", "letter", "visit", "mail")
PER_ADDRESS = 5  # a day, from one browser
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


async def open_case(
    right: str,
    address: str,
    *,
    language: str,
    who: str = "me",
    details: Mapping[str, Any] | None = None,
    source: str = "form",
    actor: str = "",
    received_at: datetime | None = None,
    browser: str | None = None,
) -> Opened:
    """Take a request of somebody who is not signed in; mails one neutral confirmation. `details`: changes, country, note …"""
    details = _checked(right, who, source, details or {}, received_at)
    asked = _asked(address)
    if source == "form":
        async with db.writing():
            joined = await _join(asked, right, address, details, language=language, who=who, browser=browser)
        if joined is not None:
            return joined
    await db.throttle(
        f"case:{asked.hex()}:{ids.digest(browser).hex() if browser else ''}",
        limit=PER_ADDRESS,
        per=timedelta(days=1),
        sentence=_("Several requests came in for this address today. Please use the one you have, or write to us."),
    )
    async with db.writing():
        row, reference = await _create(
            right, address, details, language=language, who=who, source=source, actor=actor or "system", received_at=received_at
        )
        challenge = await identity.challenge(address, use="request", bound_to=row.id, language=language, browser=browser)
        await moves.move(row, "ask for proof", event=events.PROOF_ASKED, actor=actor or "system", challenge=challenge.id)
    return Opened(row.id, reference, row.state, challenge.id)


async def forget(address: str) -> None:
    """Inside `writing()`: nothing remains of how often somebody asked for an address."""
    asked = _asked(address)
    await db.run("DELETE FROM throttle WHERE name LIKE ?", f"case:{asked.hex()}:%")
    await db.run("UPDATE case_file SET asked = NULL WHERE asked = ?", asked)


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
        row.challenge = challenge.id
        await row.save(update_fields=["challenge"])
        await audit.record(events.PROOF_ASKED, actor="system", case=row.id)
    return challenge.id


async def open_for(
    session: identity.Session, right: str, *, language: str, who: str = "me", details: Mapping[str, Any] | None = None
) -> Opened:
    """Take a request of somebody who is signed in; proven at once when their proof is fresh enough."""
    details = _checked(right, who, "form", details or {}, None)
    if session.kind != "customer" or session.subject is None or session.identifier is None:
        raise NotAllowed(_("Please sign in first."))
    address = await subjects.value_of(await subjects.get(session.identifier))
    if address is None:
        raise NotAllowed(_("This address was erased."))
    proofs = policy().proofs[right]
    async with db.writing():
        actor = f"customer:{session.subject}"
        row, reference = await _create(
            right, address, details, language=language, who=who, source="form", actor=actor, received_at=None
        )
        if who == "me" and "signed in" in proofs.ways and clock.now() - session.proven_at <= proofs.fresh:
            await verification.accept(row, session.identifier, how="signed in", actor=actor)
            return Opened(row.id, reference, row.state, None)
        challenge = await identity.challenge(address, use="request", bound_to=row.id, language=language)
        await moves.move(row, "ask for proof", event=events.PROOF_ASKED, actor=actor, challenge=challenge.id)
    return Opened(row.id, reference, row.state, challenge.id)


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


def _asked(address: str) -> bytes:
    return vault.blind("case", subjects.canonical("email", address))


async def _create(
    right: str,
    address: str,
    details: Mapping[str, Any],
    *,
    language: str,
    who: str,
    source: str,
    actor: str,
    received_at: datetime | None,
) -> tuple[models.CaseRow, str]:
    case_id, reference, now = ids.new(), ids.secret(128), clock.now()
    received = received_at or now
    country = str(details.get("country", ""))
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
        requester=who,
        language=language if language in get().language_list else get().language_list[0],
        source=source,
        address_kind="email",
        address=key.seal(Place("case_file", "address", case_id), address.strip()),
        details=key.seal(Place("case_file", "details", case_id), json.dumps(dict(details), ensure_ascii=False)),
        flags=[] if who == "me" else [f"asked by: {who}"],
        asked=_asked(address),
    )
    await _keep_corrections(case_id, key, details.get("changes", {}))
    await audit.record(
        events.OPENED,
        actor=actor,
        case=case_id,
        payload={"right": right, "law": due.law.key, "edition": due.law.edition, "due": row.due_on, "source": source, "for": who},
    )
    return row, reference


async def _keep_corrections(case_id: str, key: vault.Key, changes: Mapping[str, str]) -> None:
    for name, value in changes.items():
        correction = ids.new()
        sealed = key.seal(Place("case_correction", "new", correction), value)
        await models.CorrectionRow.create(id=correction, case_id=case_id, field=name, new=sealed)


def _checked(right: str, who: str, source: str, details: Mapping[str, Any], received_at: datetime | None) -> Mapping[str, Any]:
    wrong: dict[str, str] = {}
    if right not in OFFERED:
        wrong["right"] = _("Please choose: see, correct or delete.")
    if who not in REQUESTERS:
        wrong["who"] = _("Please say for whom you ask.")
    if source not in SOURCES:
        wrong["source"] = _("Please say how the request came in.")
    if received_at is not None and received_at > clock.now():
        wrong["received_at"] = _("The day of receipt cannot lie in the future.")
    changes = details.get("changes", {})
    if right == "rectification" and not changes:
        wrong["changes"] = _("Please say what shall be corrected.")
    for name, value in changes.items():
        if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
            wrong[name] = _("This cannot be corrected here. Please write it into the message.")
        elif not isinstance(value, str) or not value.strip() or len(value) > 500:
            wrong[name] = _("Please give the right value, in at most 500 characters.")
    said = details.get("old", {})
    if any(name not in changes or not isinstance(value, str) or len(value) > 500 for name, value in said.items()):
        wrong["changes"] = _("Please say in at most 500 characters what it says now, and what is right.")
    if len(str(details.get("message", ""))) > 5000:
        wrong["message"] = _("Please keep the message under 5,000 characters.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    return {**details, "changes": {name: value.strip() for name, value in changes.items()}}


__all__ = ["Opened", "open_case", "open_for"]
