"""A form of addresses after today's, as an update might bring it: at Gmail dots and what follows a plus sign do not count.

Run as a program it re-indexes the portal of its environment in that form, slowly enough to be killed on the way.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portal import db, settings, vault
from portal.settings import Settings
from portal.subjects import arrivals, places, reindexing
from portal.subjects import canonical as _before

AT_ONCE = 3


def form(kind: str, value: str) -> str:
    spelt = _before(kind, value)
    local, _at, domain = spelt.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@gmail.com" if domain == "gmail.com" else spelt


def come_into_force(replace: Callable[[Any, str, Any], None]) -> None:
    """`replace`: monkeypatch.setattr, or setattr in a program of its own."""
    number = places.NORMALISER
    replace(places, "FORMER", {number: _before})
    for module in (places, arrivals):
        replace(module, "NORMALISER", number + 1)
    for module in (places, arrivals, reindexing):
        replace(module, "canonical", form)


async def _main() -> None:
    await db.open_database()
    try:
        await vault.check_master_key()
        await reindexing.reindex(progress=lambda seen, total: print(f"{seen} of {total}", flush=True), at_once=AT_ONCE)
    finally:
        await db.close()


if __name__ == "__main__":
    settings.use(
        Settings(
            var=Path(os.environ["PORTAL_VAR"]),
            database_url=os.environ["PORTAL_DATABASE_URL"],
            master_key=os.environ["PORTAL_MASTER_KEY"],
            log_key=os.environ["PORTAL_LOG_KEY"],
        )
    )
    come_into_force(setattr)
    asyncio.run(_main())
