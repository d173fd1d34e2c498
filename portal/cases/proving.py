"""Who is asking, where no mail reaches the person: a letter, a document that is seen, facts that only they know.

GDPR Art. 11(2), 12(2), 12(6); EDPB 01/2022 §65-79. Nothing of a document is kept; name, date of birth, address and customer
number are no facts, because others know them; and what is being corrected never proves anything.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal import audit, db, identity, subjects, vault
from portal.cases import events, grades, letters, models, moves, postal, states, together, verification
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.paper import _
from portal.settings import get
from portal.vault import Place

# Nobody mistakes one of these for another: no I, O, 0, 1. Twelve of them are 60 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 12
DOCUMENTS = ("identity card", "passport", "driving licence", "residence permit", "other")
FACTS = ("last order", "last payment", "what we wrote last", "a visit or call", "what is in the account")
BY_OFFICERS = ("letter", "in person", "facts")
BY_ONE_OFFICER = "proven through an officer"  # who alone could take everything: the answer takes two


@dataclass(frozen=True)
class Match:
    """Facts that one officer compared, or a document that one saw; `state`: waiting · shown · not shown."""

    id: str
    way: str
    state: str
    said: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Proving:
    """For an officer's page: what can still be done, and what was done. `more`: why one ordinary proof is not enough."""

    ways: tuple[str, ...]
    more: str
    proven: bool
    reach: str
    letters: tuple[letters.Letter, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True)
class ForPerson:
    """For the page behind a reference, which names nobody: what is enough, whether a try failed, how far the newest letter
    with a code is ("" for none · written · posted · over), the day it ends, and whether a code can go by mail: who
    telephoned gave no such address."""

    ways: tuple[str, ...]
    more: str
    failed: bool
    letter: str
    letter_ends: date | None
    by_mail: bool


async def write_letter(case_id: str, place: str, system: str, *, officer: str) -> str:
    """A letter with a code to the postal address as `system` holds it beside the address that was asked with.

    The portal looks there itself: an address that does not stand there gets no letter. Answers the letter's id.
    """
    row = await _open_to(case_id, "letter")
    address = await verification.case_address(row)
    if not await postal.stands_on_file(row, address, place, system):
        fields = {"place": _("Write it exactly as it stands there, without the country.")}
        raise Invalid(_("This postal address does not stand with this person in that system."), fields)
    for whose in (row.id, vault.blind("letters", subjects.canonical(row.address_kind, address)).hex()):
        await db.throttle(
            f"letter:{whose}",
            limit=policy().letters_a_month,
            per=timedelta(days=30),
            sentence=_("Several letters went to this person this month. Please wait until one is answered."),
        )
    code = "".join(secrets.choice(ALPHABET) for _each in range(LENGTH))
    shown = "-".join(code[start : start + 4] for start in range(0, LENGTH, 4))
    async with db.writing():
        row = await moves.lock(case_id)
        letter = await letters.write(
            row,
            "letter/code",
            {"code": shown, "days": policy().letter_lives.days, "link": f"{get().base_url}/letter"},
            kind=letters.CODE,
            place=place.strip(),
            code=_hashed(code),
            by=f"officer:{officer}",
        )
        await _record(events.PROOF_TRIED, row, officer, "letter", letter)
    return letter


async def take_letter_code(code: str) -> str:
    """The code came back: answers the request's reference. A wrong one, an old one and none at all are answered alike."""
    plain = re.sub(r"[^0-9A-Z]", "", code.upper())
    async with db.writing():
        letter = await models.Letter.get_or_none(code=_hashed(plain)) if len(plain) == LENGTH else None
        now = clock.micros(clock.now())
        used = letter and await db.run(
            "UPDATE case_letter SET used_at = ? WHERE id = ? AND used_at IS NULL AND ends_at > ?", now, letter.id, now
        )
        if not letter or not used:
            raise NotAllowed(_("This is not a code that works. Please look again; each code works once, and for some weeks."))
        row = await moves.lock(letter.case_id)
        await _accept(row, "letter", actor="system")
        key = await vault.key_for("record", row.id)
        return key.open(Place("case_file", "reference", row.id), row.reference)


async def saw_document(case_id: str, kind: str, *, officer: str) -> None:
    """The person stood before an officer. Which kind of document was seen is noted; no number, and no copy."""
    if kind not in DOCUMENTS:
        raise Invalid(_("Please say which document you saw."), {"document": _("Choose one of these.")})
    await _open_to(case_id, "in person")
    async with db.writing():
        row = await moves.lock(case_id)
        await _note(row, "in person", "shown", kind, officer)
        await _record(events.PROOF_TRIED, row, officer, "in person")
        await _accept(row, "in person", actor=f"officer:{officer}")


async def compare_facts(case_id: str, kinds: list[str], reasons: str, *, officer: str) -> str:
    """What the person knew about these things fits; another officer has to confirm it. Answers the id."""
    chosen = sorted(set(kinds) & set(FACTS))
    if len(chosen) < policy().facts_at_least or len(reasons.strip()) < 20:
        few = _("At least %d different things.") % policy().facts_at_least
        fields = {"facts": few, "facts-why": _("What fitted, and how you asked.")}
        raise Invalid(_("Please say what was compared, and how."), fields)
    await _open_to(case_id, "facts")
    async with db.writing():
        row = await moves.lock(case_id)
        if await models.ShownProof.filter(case_id=case_id, way="facts", state="waiting").exists():
            raise Conflict(_("A comparison waits for a second officer already."))
        proof = await _note(row, "facts", "waiting", f"{', '.join(chosen)}: {reasons.strip()}", officer)
        await _record(events.PROOF_TRIED, row, officer, "facts", proof)
    return proof


async def confirm_facts(proof_id: str, *, officer: str) -> None:
    """A second person read the reasons and agrees. From then on a second person also agrees to the answer."""
    await _decide(proof_id, "shown", officer)


async def decline_facts(proof_id: str, *, officer: str) -> None:
    await _decide(proof_id, "not shown", officer)


async def not_shown(case_id: str, way: str, *, officer: str) -> None:
    """A try failed. The person's page says so, what else would do, and how to stop messages anyway."""
    if way not in BY_OFFICERS:
        raise Invalid(_("Please say what was tried."), {"way": _("Choose one of these.")})
    async with db.writing():
        row = await moves.lock(case_id)
        if row.state != states.VERIFYING:
            raise Conflict(_("This request needs no confirmation now."))
        await _note(row, way, "not shown", "", officer)
        await _record(events.PROOF_FAILED, row, officer, way)


async def of(case_id: str) -> Proving:
    row = await moves.load(case_id)
    key = await vault.find_key("case", case_id)
    found = await models.ShownProof.filter(case_id=case_id).order_by("at", "id")
    return Proving(
        ways=await _possible(row) if key else (),
        more=row.more_proof,
        proven=await grades.is_enough(row),
        reach=row.reach,
        letters=tuple(await letters.of_case(case_id)),
        matches=tuple(
            Match(
                each.id,
                each.way,
                each.state,
                key.open(Place("case_proof", "said", each.id), each.said) if key else "",
                each.by,
                each.at,
            )
            for each in found
        ),
    )


async def for_person(case_id: str) -> ForPerson | None:
    """None once the request is proven, or closed."""
    row = await moves.load(case_id)
    if row.state != states.VERIFYING:
        return None
    failed = await models.ShownProof.filter(case_id=case_id, state="not shown").exists()
    return ForPerson(await _possible(row), row.more_proof, failed, *await _letter(case_id), row.address_kind == "email")


async def _letter(case_id: str) -> tuple[str, date | None]:
    found = await letters.code_of(case_id)
    if found is None:
        return "", None
    if found.posted_at is None:
        return ("over", None) if found.is_over else ("written", letters.ends_unposted(found))
    return "posted", found.ends_at and found.ends_at.astimezone(ZoneInfo(get().time_zone)).date()


async def _decide(proof_id: str, state: str, officer: str) -> None:
    async with db.writing():
        proof = await models.ShownProof.get_or_none(id=proof_id)
        if proof is None:
            raise NotFound(_("There is nothing to confirm here."))
        row = await moves.lock(proof.case_id)
        person = await identity.person_of(officer)
        if person == proof.by_person:
            raise NotAllowed(_("You compared this yourself, so another person has to confirm it."))
        changed = await db.run(
            "UPDATE case_proof SET state = ?, decided_by = ?, decided_person = ?, decided_at = ?"
            " WHERE id = ? AND state = 'waiting'",
            *(state, f"officer:{officer}", person, clock.micros(clock.now()), proof_id),
        )
        if not changed:
            raise Conflict(_("Somebody else has decided already."))
        if state != "shown":
            await _record(events.PROOF_FAILED, row, officer, proof.way, proof_id)
            return
        await _accept(row, proof.way, actor=f"officer:{officer}")


async def _accept(row: models.CaseRow, way: str, *, actor: str) -> None:
    """For this request and those that were sent with it: the address it was made with is the person's."""
    address = await verification.case_address(row)
    identifier = await subjects.ensure(row.address_kind, address, by=actor)
    waiting = [await moves.lock(each) for each in await together.unproven_beside(row)]
    for each in [row, *waiting]:
        each.flags = sorted({*each.flags, BY_ONE_OFFICER})
        await each.save(update_fields=["flags"])
        if way in grades.proofs_for(each.right).ways and not await _is_corrected(each, way):
            await verification.accept(each, identifier.id, how=way, actor=actor)


async def _open_to(case_id: str, way: str) -> models.CaseRow:
    row = await moves.load(case_id)
    if way not in await _possible(row):
        raise Conflict(_("This way proves nothing here: the request is closed, or asks to correct just this."))
    return row


async def _possible(row: models.CaseRow) -> tuple[str, ...]:
    ways = [each for each in BY_OFFICERS if each in grades.proofs_for(row.right).ways]
    if (
        not row.is_open
        or row.requester == states.BY_COMPANY
        or row.right in states.AT_ONCE
        or row.state in (states.RECEIVED, states.DELIVERING)
    ):
        return ()
    return tuple([each for each in ways if not await _is_corrected(row, each)])


async def _is_corrected(row: models.CaseRow, way: str) -> bool:
    """Whether the request wants to change the very thing that would prove it."""
    if way != "letter" or row.right != "rectification":
        return False
    fields = await models.CorrectionRow.filter(case_id=row.id).values_list("field", flat=True)
    return not postal.FIELDS.isdisjoint(map(str, fields))


async def _note(row: models.CaseRow, way: str, state: str, said: str, officer: str) -> str:
    proof_id, key = ids.new(), await verification.case_key(row)
    await models.ShownProof.create(
        id=proof_id,
        case_id=row.id,
        way=way,
        state=state,
        said=key.seal(Place("case_proof", "said", proof_id), said),
        by=f"officer:{officer}",
        by_person=await identity.person_of(officer),
        at=clock.now(),
    )
    return proof_id


async def _record(event: audit.Event, row: models.CaseRow, officer: str, way: str, what: str = "") -> None:
    await audit.record(
        event, actor=f"officer:{officer}", subject=row.subject, case=row.id, object=what, payload={"how": way, "right": row.right}
    )


def _hashed(code: str) -> bytes:
    return vault.one_time_code_hash("letter", code)
