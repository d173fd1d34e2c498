"""A fee before a request goes on (GDPR Art. 12(5)(a); CCPA 1798.145(h)(3)): only for what is manifestly unfounded or excessive.

The person reads how much and why on their own page, with where they can complain, and the request is on hold until an officer
lifts that. The date of the answer runs on, except where the case's law counts from the payment (UK GDPR Art. 12A).
"""

import re

from portal import audit, db
from portal.cases import closing, conversation, events, models, moves, remedies, states
from portal.lib.errors import Conflict, Invalid
from portal.paper import _, in_language

GROUNDS = ("excessive", "unfounded")
LONGEST = 2000


def grounds(state: str, right: str, law: str) -> list[tuple[str, str]]:
    """Code and words of those by which this request may cost something now; none when it may not."""
    if right not in states.COLLECTED or state in (states.RECEIVED, states.VERIFYING, states.DELIVERING, states.CLOSED):
        return []
    return [(code, remedies.sentence(code, law)) for code in GROUNDS]


async def ask(case_id: str, amount: str, ground: str, why: str, *, officer: str) -> None:
    """Write to the person and put the request on hold. `amount`: with its currency, such as "12.50 EUR".

    Raises Invalid for a field that is not right, Conflict where nothing may be asked for or nobody can be written to.
    """
    amount, why = amount.strip(), why.strip()
    wrong = {}
    if not re.fullmatch(r"[0-9]{1,6}([.,][0-9]{2})? ?([A-Za-z]{3}|[€$£])", amount) or not re.search("[1-9]", amount):
        wrong["fee-amount"] = _("Write the amount with its currency, such as 12.50 EUR.")
    if not 10 <= len(why) <= LONGEST:
        wrong["fee-why"] = _("The person will read this, with the right to complain.")
    if ground not in GROUNDS:
        wrong["fee-ground"] = _("Choose one of these.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    async with db.writing():
        row = await moves.lock(case_id)
        if not grounds(row.state, row.right, row.law):
            raise Conflict(_("No fee can be asked for this request, or not any more."))
        if await models.Hold.filter(case_id=case_id, kind="fee", lifted_at=None).exists():
            raise Conflict(_("A fee was asked for already. Lift that hold first."))
        await conversation.write(case_id, _words(row, amount, ground, why), officer=officer)
        said = {"ground": ground, "amount": amount}
        await audit.record(events.FEE_ASKED, actor=f"officer:{officer}", subject=row.subject, case=case_id, payload=said)
        await closing.hold(case_id, "fee", f"{amount}: {why}", officer=officer)


def _words(row: models.CaseRow, amount: str, ground: str, why: str) -> str:
    with in_language(row.language):
        first = _("We ask for a fee of %s before we go on with your request.") % amount
        can = _("You need not pay. You can take the request back, or write to us here if you do not agree.")
        against = " ".join(remedies.against(row.law, appealable=False))
        return "\n\n".join((f"{first} {remedies.sentence(ground, row.law)}", why, f"{can} {against}"))
