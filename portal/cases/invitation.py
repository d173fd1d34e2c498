"""The first mail to somebody whose request came in by telephone, letter, mail, list or another program (GDPR Art. 12(6)).

They sit at no browser that asked, so a code of ten minutes would be over when they read it: the mail leads to the request's
own page, which sends one. It names no right, and goes out whether we know the address or not.
"""

from collections.abc import Sequence

from portal import messages
from portal.cases import events, models, moves, states

TEMPLATE = "mail/case-entered"


async def ask_for_proof(rows: Sequence[models.CaseRow], reference: str, address: str, *, actor: str) -> None:
    """Inside `writing()`: one mail for all that needs a proof. Without an e-mail address an officer has to ask."""
    waiting = [row for row in rows if row.right not in states.AT_ONCE]
    for row in waiting:
        await moves.move(row, "ask for proof", event=events.PROOF_ASKED, actor=actor)
    if not waiting or rows[0].address_kind != "email":
        return
    await messages.send_later(
        template=TEMPLATE,
        to=address,
        language=rows[0].language,
        context={"reference": reference, "day": rows[0].received_at},
        case=rows[0].id,
        key=f"case-entered {rows[0].id}",
    )
