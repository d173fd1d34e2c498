"""Whether what was shown is enough proof for a request, by policies/verification.toml (GDPR Art. 12(6), EDPB 01/2022 §65-79).

One of the right's ways is enough; where more is asked for it takes one of the stronger ways, or two different addresses.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from portal import identity
from portal.cases import models, states
from portal.cases.policy import Proofs, policy

SAFE_ADDRESS, NEW_DEVICE = "safe address", "new device"
BY_MAIL = ("code", "signed in")
UNLISTED = Proofs(BY_MAIL, timedelta(minutes=10))


@dataclass(frozen=True)
class Shown:
    """An identifier, and by which way it was shown to be the person's."""

    way: str
    identifier: str


def suffices(proofs: Proofs, shown: Collection[Shown], *, more: bool) -> bool:
    """Pure: whether the request is proven."""
    good = [each for each in shown if each.way in proofs.ways]
    if not more:
        return bool(good)
    return any(each.way in proofs.stronger for each in good) or len({each.identifier for each in good}) > 1


def proofs_for(right: str) -> Proofs:
    return policy().proofs.get(right, UNLISTED)


def is_stronger(right: str, way: str, than: str) -> bool:
    """Whether one way counts where the other alone does not."""
    stronger = proofs_for(right).stronger
    return way in stronger and than not in stronger


async def is_enough(row: models.CaseRow) -> bool:
    """Nobody has to show who they are where nobody asked."""
    if row.requester == states.BY_COMPANY:
        return True
    found = await models.CaseIdentifier.filter(case_id=row.id)
    return suffices(proofs_for(row.right), [Shown(each.how, each.identifier) for each in found], more=bool(row.more_proof))


def is_fresh(session: identity.Session, right: str) -> bool:
    """Whether this visit shows by itself who asks."""
    proofs = proofs_for(right)
    return "signed in" in proofs.ways and identity.fresh(session, proofs.fresh)
