"""Stops stand above all words (rule 1): objection, suppression, restriction, erasure (GDPR Art. 17, 18, 21).

One act writes a row for every record of the person, so that neither a later split nor a later merge loses it: what was
recorded under one home stays together. Nothing deletes a stop; a restriction is lifted by an officer, the others only
by the person's own later yes.
"""

from typing import Any

from portal import audit, db, subjects
from portal.consent import events, order
from portal.consent.models import StopRow
from portal.consent.propagation import wake
from portal.consent.purposes import in_force
from portal.consent.words import CHANNELS
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.paper import _

RESTRICTED_BECAUSE = ("accuracy contested", "unlawful use", "needed for legal claims", "objection being weighed")
SUPPRESSED_BECAUSE = ("hard bounce", "spam complaint", "not theirs", "number unassigned")


async def object_to_marketing(
    subject_id: str, *, by: str, why: str = "asked", purpose: str = "marketing", case: str | None = None
) -> str:
    """No marketing, profiling, advertising or selling on any address of this person; or no single purpose, by its key.

    Unconditional and at once (GDPR Art. 21(3)). Answers the act's id. Joins an open `writing()` or makes its own.
    """
    if purpose != "marketing":
        await _require_purpose(purpose)
    return await _stop_person(events.OBJECTED, subject_id, kind="objected", scope=purpose, by=by, why=why, case=case)


async def stop_erased(subject_id: str, *, by: str, case: str | None = None) -> str:
    """All marketing to a person ends because they are being erased; before `subjects.forget`."""
    return await _stop_person(events.STOPPED, subject_id, kind="erased", scope="marketing", by=by, why="erasure", case=case)


async def restrict(subject_id: str, *, by: str, why: str, purpose: str = "", case: str | None = None) -> str:
    """Use nothing of this person, or not for one purpose, but for what Art. 18(2) leaves open."""
    if why not in RESTRICTED_BECAUSE:
        raise Invalid(_("Choose one of the reasons."), {"why": ", ".join(RESTRICTED_BECAUSE)})
    if purpose:
        await _require_purpose(purpose)
    return await _stop_person(events.RESTRICTED, subject_id, kind="restricted", scope=purpose, by=by, why=why, case=case)


async def lift_restriction(subject_id: str, *, by: str, why: str, person_told: bool, case: str | None = None) -> int:
    """An officer ends all restrictions of a person, after telling them (Art. 18(3)); answers how many there were."""
    if not by.startswith("officer:"):
        raise NotAllowed(_("Only a privacy officer can lift a restriction."))
    if not person_told:
        raise Conflict(_("Tell the person first that the restriction ends."))
    async with db.writing():
        holders = (await subjects.whole(subject_id)).subjects
        marks = ", ".join("?" * len(holders))
        open_ones = f"kind = 'restricted' AND lifted_at IS NULL AND holder IN ({marks})"
        acts = {row["act"] for row in await db.rows(f"SELECT act FROM stop WHERE {open_ones}", *holders)}
        now = clock.micros(clock.now())
        await db.run(f"UPDATE stop SET lifted_at = ?, lifted_by = ?, lifted_why = ? WHERE {open_ones}", now, by, why, *holders)
        for act in sorted(acts):
            await audit.record(events.LIFTED, actor=by, subject=holders[0], case=case, object=act, payload={"why": why})
        if acts:
            await wake()
    return len(acts)


async def end_restriction(act: str, *, by: str, why: str, case: str | None = None) -> bool:
    """One restriction ends, told to the person before (Art. 18(3)) or taken back by them; answers whether it still stood."""
    async with db.writing():
        stood = await db.row("SELECT holder FROM stop WHERE act = ? AND kind = 'restricted' AND lifted_at IS NULL", act)
        if stood is None:
            return False
        now = clock.micros(clock.now())
        await db.run("UPDATE stop SET lifted_at = ?, lifted_by = ?, lifted_why = ? WHERE act = ?", now, by, why, act)
        await audit.record(events.LIFTED, actor=by, subject=stood["holder"], case=case, object=act, payload={"why": why})
        await wake()
    return True


async def suppress_address(identifier_id: str, channel: str, *, by: str, why: str) -> str:
    """This address may not be used on this channel. A spam complaint is an objection of the whole person as well."""
    if channel not in CHANNELS:
        raise Invalid(_("There is no such channel: %s.") % channel, {"channel": channel})
    if why not in SUPPRESSED_BECAUSE:
        raise Invalid(_("Choose one of the reasons."), {"why": ", ".join(SUPPRESSED_BECAUSE)})
    async with db.writing():
        identifier = await subjects.get(identifier_id)
        act = ids.new()
        await _insert([identifier_id], act, kind="suppressed", scope=channel, by=by, why=why)
        payload = {"channel": channel, "why": why}
        await audit.record(events.SUPPRESSED, actor=by, subject=identifier.home, object=act, payload=payload)
        await wake()
        if why == "spam complaint":
            await object_to_marketing(identifier.subject, by=by, why=why)
    return act


async def is_closed(identifier: subjects.Identifier) -> bool:
    """Whether mail to this address came back for good, was called spam, or reaches somebody else, and it was not proven since."""
    stood = await db.row(
        "SELECT max(since) AS since FROM stop WHERE holder = ? AND kind = 'suppressed' AND scope = 'email' AND lifted_at IS NULL",
        identifier.id,
    )
    if stood is None or stood["since"] is None:
        return False
    return identifier.verified_at is None or clock.micros(identifier.verified_at) <= int(stood["since"])


async def _stop_person(event: audit.Event, subject_id: str, *, by: str, case: str | None, **what: Any) -> str:
    async with db.writing():
        holders, act = (await subjects.whole(subject_id)).subjects, ids.new()
        await _insert(holders, act, by=by, **what)
        payload = {"scope": what["scope"], "why": what["why"]}
        await audit.record(event, actor=by, subject=holders[0], case=case, object=act, payload=payload)
        await wake()
    return act


async def _insert(holders: list[str], act: str, **what: Any) -> None:
    since = await order.moment_of_stop(holders)
    await StopRow.bulk_create([StopRow(id=ids.new(), act=act, holder=holder, since=since, **what) for holder in holders])


async def _require_purpose(key: str) -> None:
    if key not in await in_force([key]):
        raise NotFound(_("There is no such purpose: %s.") % key)
