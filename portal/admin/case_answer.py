"""What an officer's page says about the answer to a request: what is proposed, who may approve it, and why it takes two."""

from typing import Any

from portal import cases, identity
from portal.cases import Case
from portal.identity import Officer
from portal.lib import clock


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
