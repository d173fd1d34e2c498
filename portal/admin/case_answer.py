"""What an officer's page says about the answer: what is proposed, who may approve it, why it takes two, what may be left out."""

from typing import Any

from portal import cases, identity
from portal.cases import Case
from portal.identity import Officer
from portal.lib import clock
from portal.paper import _


async def context(case: Case, me: Officer) -> dict[str, Any]:
    """`mine`: this officer proposed it; `alone`: and may approve it all the same, after the company's waiting time."""
    proposal = await cases.proposal(case.id)
    mine = proposal is not None and proposal.person == await identity.person_of(me.id)
    decides = identity.may(me, "cases.process") or identity.may(me, "cases.approve")
    return {
        "proposal": proposal,
        "mine": mine,
        "alone": mine and proposal is not None and proposal.alone_from is not None and proposal.alone_from <= clock.now(),
        "two": await cases.caution.told(case.id) if decides else [],
    }


def redaction_reasons() -> list[tuple[str, str]]:
    return [
        ("third party", _("About somebody else")),
        ("trade secret", _("Trade secret")),
        ("legal privilege", _("Legal advice")),
        ("security", _("Security")),
        ("wrong person", _("Another person's")),
    ]
