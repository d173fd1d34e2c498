"""What a site's script is told, noted in the log before it is told first: nobody hears something else unnoticed.

All visitors get the same bytes, so whoever keeps them can show later what a site asked, for what and by which law. They need no
signature: their SHA-256 stands in the signed log, and its proof is served beside them.
"""

import hashlib

from portal import audit, db
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _
from portal.sites import events


async def note(site: str, edition: str, content: bytes) -> str:
    """Record these settings unless they are known; answers their SHA-256 in hexadecimal."""
    digest = hashlib.sha256(content)
    place = site, digest.digest()
    if await _entry(*place) is None:
        async with db.writing():
            # Nobody sees the row before the commit; another visitor who is faster by a moment makes this one wait for it.
            first = await db.run(
                "INSERT INTO site_told (site, digest, told_at, entry) VALUES (?, ?, ?, '') ON CONFLICT DO NOTHING",
                *place,
                clock.micros(clock.now()),
            )
            if first:
                payload = {"site": site, "edition": edition, "sha256": digest.hexdigest()}
                entry = await audit.record(
                    events.TOLD, actor="system", object=f"site:{site}", payload=payload, digest=digest.digest()
                )
                await db.run("UPDATE site_told SET entry = ? WHERE site = ? AND digest = ?", entry, *place)
    return digest.hexdigest()


async def receipt_of(site: str, digest: str) -> str:
    """The C2SP tlog-proof of settings with this SHA-256. Raises NotFound for what this site's script was never told."""
    try:
        entry = await _entry(site, bytes.fromhex(digest))
    except ValueError:
        entry = None
    if entry is None:
        raise NotFound(_("There is no such proof."))
    return await audit.prove(entry)


async def _entry(site: str, digest: bytes) -> str | None:
    found = await db.row("SELECT entry FROM site_told WHERE site = ? AND digest = ?", site, digest)
    return None if found is None else str(found["entry"])
