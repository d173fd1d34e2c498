"""Erasures that a backup does not know yet are done again: visits, addresses, keys.

Kept in the safety log from here, above the rooms, because visits go with a person as well.
"""

from typing import Any

from portal import audit, identity, subjects


async def _again(what: dict[str, Any]) -> bool:
    await identity.forget([await subjects.get(each) for each in await subjects.safekeeping.living(what)])
    return await subjects.safekeeping.erase_again(what)


audit.safety.keeps(subjects.safekeeping.ERASURES, tell=subjects.safekeeping.tell_erased, again=_again)
