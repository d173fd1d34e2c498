"""Double opt-in: a yes by somebody unproven waits until the address itself confirms it, for 14 days at most.

The mail's link confirms what was asked for until that mail was written, and nothing that somebody adds later. What is not
confirmed never counted; an address that was recorded for nothing else is deleted with it (GDPR Art. 5(1)(c)).
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from portal import audit, db, identity, jobs, messages, subjects, vault
from portal.consent import events
from portal.consent.awaiting import CONFIRM_WITHIN, Pending, close, is_only_asked, pending, pending_of
from portal.consent.decisions import Decided, find, following, known_of, record_again
from portal.consent.purposes import Purpose, in_force
from portal.consent.unsubscribing import unsubscribe_url
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotFound, TooMany
from portal.paper import _, address, in_language

MAILS_A_DAY = 3
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the link of a confirmation mail is about; `items` is empty once all of it was confirmed, answered or is too old."""

    identifier: str
    items: tuple[Pending, ...]


async def confirm_double_opt_in(decision_id: str, by: str, evidence: Mapping[str, Any] | None = None) -> Decided:
    """Record the firm yes, said when the pending one was, so that a no said in between stands; twice changes nothing.

    The caller has proven the address just now (`subjects.mark_verified`).
    """
    async with db.writing():
        waiting = await find(decision_id)
        if waiting.state != "pending":
            raise Conflict(_("There is nothing to confirm."))
        earlier = await following(decision_id, "yes")
        if earlier is not None:
            return earlier
        now = clock.now()
        if now > waiting.recorded_at + CONFIRM_WITHIN:
            raise Conflict(_("This confirmation came after 14 days. Please sign up again."))
        person = (await subjects.people([waiting.word.identifier]))[waiting.word.identifier]
        mine = known_of(person, waiting.word.identifier)
        if mine.verified_at is None or mine.erased_at is not None or mine.audience == subjects.FORMER:
            raise Conflict(_("This address has not been confirmed."))
        grade = "self-verified" if mine.audience == "person" else "self"
        word = waiting.word._replace(grade=grade, actor=by, evidence=evidence)
        firm = Decided(ids.new(), word, waiting.said_at, now, waiting.expires_at, "firm", "", decision_id)
        await close(decision_id, "confirmed")
        return await record_again(firm, person)


async def read_confirmation(token: str) -> Waiting:
    """What the link of a mail would confirm; changes nothing. Raises NotFound for what we never made."""
    content = vault.open_link("confirm", token)
    if content is None:
        raise NotFound(_("This link is not complete. Please open it from the message once more."))
    identifier, asked_by = str(uuid.UUID(bytes=content[:16])), clock.from_micros(int.from_bytes(content[16:]))
    return Waiting(identifier, tuple(await pending_of([identifier], asked_by)))


async def confirm(token: str) -> list[Decided]:
    """The owner of the mailbox says yes; again: nothing happens. The address is proven by that.

    What was asked for an address before its person left it is void: whoever reads the mailbox now is somebody else.
    """
    async with db.writing():
        waiting = await read_confirmation(token)
        identifier = await subjects.get(waiting.identifier)
        if not waiting.items or identifier.erased_at is not None:
            return []
        by = f"customer:{identifier.subject}"
        await subjects.mark_verified(waiting.identifier, by=by)
        return [await confirm_double_opt_in(each.decision, by, {"by": "link in a mail"}) for each in waiting.items]


async def ask_again(decision_id: str, subject_id: str) -> None:
    """The signed-in person has the mail sent once more; raises TooMany after the third in a day."""
    mine = {each.decision: each for each in await pending(subject_id)}
    if decision_id not in mine:
        raise NotFound(_("There is nothing to confirm."))
    identifier = mine[decision_id].identifier
    await _count(identifier)
    async with db.writing():
        await _mail(identifier)


@jobs.verb("consent.ask_to_confirm")
async def ask_to_confirm(job: jobs.Job) -> None:
    """One mail for all that an address was asked at once. Nobody can use it to flood a mailbox: three a day."""
    identifier = job.arguments["identifier"]
    unasked = [each for each in await pending_of([identifier]) if each.mailed_at is None]
    if not unasked:
        return
    try:
        await _count(identifier)
    except TooMany:
        return  # what was asked for first stands in the earlier mails; the person may ask again
    async with db.writing():
        await job.hold()
        await _mail(identifier)


@jobs.verb("consent.end_unconfirmed", every=timedelta(hours=1), at_once=1)
async def end_unconfirmed(job: jobs.Job) -> None:
    """What was not confirmed in 14 days is over, and so is an address that we hold for nothing else."""
    while over := await db.rows(
        "SELECT decision, identifier FROM confirmation WHERE outcome = '' AND ends_at <= ? ORDER BY ends_at LIMIT ?",
        *(clock.micros(clock.now()), AT_ONCE),
    ):
        async with db.writing():
            await _lock({each["identifier"] for each in over})
            for each in over:
                if await close(each["decision"], "ended"):
                    home = (await subjects.get(each["identifier"])).home
                    await audit.record(events.UNCONFIRMED, actor="system", subject=home, object=each["decision"])
            for identifier in sorted({each["identifier"] for each in over}):
                if await _is_held_for_nothing_else(identifier):
                    await _forget(identifier)


async def _count(identifier: str) -> None:
    await db.throttle(
        f"confirm/{identifier}",
        limit=MAILS_A_DAY,
        per=timedelta(days=1),
        sentence=_("We have sent this mail three times today. Please look in your spam folder, or try again tomorrow."),
    )


async def _mail(identifier_id: str) -> None:
    identifier = await subjects.get(identifier_id)
    to = await subjects.value_of(identifier)
    waiting = await pending_of([identifier_id])
    if identifier.kind != "email" or to is None or not waiting:
        return
    now, known = clock.now(), await in_force({each.cell.purpose for each in waiting})
    told = [each for each in waiting if each.cell.purpose in known]
    if not told:
        return
    token = vault.seal_link("confirm", uuid.UUID(identifier_id).bytes + clock.micros(now).to_bytes(8))
    with in_language(told[0].language):
        titles = list(dict.fromkeys(title_of(known[each.cell.purpose], each.cell.topic) for each in told))
        await messages.send_later(
            template="mail/confirm",
            to=to,
            language=told[0].language,
            context={"titles": titles, "link": address(f"/confirm/{token}"), "until": _ends(told)},
            subject=identifier.home,
            unsubscribe=await unsubscribe_url(identifier_id, told[0].cell),
        )
    marks = ", ".join("?" * len(told))
    sql = f"UPDATE confirmation SET mails = mails + 1, mailed_at = ? WHERE decision IN ({marks})"
    await db.run(sql, clock.micros(now), *(each.decision for each in told))


def title_of(about: Purpose, topic: str) -> str:
    return next((f"{about.title}: {each.title}" for each in about.topics if each.key == topic), about.title)


def _ends(told: list[Pending]) -> datetime:
    return min(each.ends_at for each in told)


async def _lock(identifiers: Collection[str]) -> None:
    """PostgreSQL: what is being said with these addresses is seen from here on, or waits until we are done."""
    for each in sorted(identifiers):
        await db.run("UPDATE identifier SET audience = audience WHERE id = ?", each)


async def _is_held_for_nothing_else(identifier_id: str) -> bool:
    waiting = await db.row(
        "SELECT 1 AS one FROM decision LEFT JOIN confirmation ON confirmation.decision = decision.id"
        " WHERE decision.identifier = ? AND coalesce(confirmation.outcome, '') <> 'ended' LIMIT 1",
        identifier_id,
    )
    return waiting is None and await is_only_asked(await subjects.get(identifier_id))


async def _forget(identifier_id: str) -> None:
    """With the person's key where there is nothing else of them, so that the copies of our mails go too."""
    identifier = await subjects.get(identifier_id)
    await identity.forget([identifier])
    if len((await subjects.whole(identifier.subject)).identifiers) == 1:
        await subjects.forget(identifier.subject, by="system")
    else:
        await subjects.forget_addresses([identifier_id], by="system")
