"""What a request's page shows to whoever asked, about the asking itself: what else they asked for, and for whom."""

from typing import Any

from portal import cases
from portal.public.asking import who_asks


async def of_request(status: cases.Status) -> dict[str, Any]:
    """`wanted`: what we ask to see of somebody who asks for another person, until an officer has seen it."""
    mandate = await cases.mandates.of(status.id)
    hints = {who: hint for who, _words, hint in who_asks()}
    return {
        "wanted": hints[mandate.who] if mandate is not None and not mandate.kind and status.state != "closed" else "",
        "beside": await cases.beside(status.id),
        "may_appeal": await cases.appeals.possible(status.id),
    }
