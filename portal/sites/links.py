"""Who is signed in on a site, as the site's own server says: a short-lived token under a secret that the two share.

`base64url(JSON).base64url(HMAC-SHA256)`, JSON with exactly one of email, phone, account, and `exp` (RFC 7519's name and
meaning). It lets an answer count for that customer as well, never as more than "they said it, not proven by us".
"""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from portal import audit, db, vault
from portal.lib import clock, ids
from portal.sites import events
from portal.sites.sites_file import Site
from portal.vault import Place

KINDS = ("email", "phone", "account")
LONGEST_LIFE = timedelta(minutes=15)
OVERLAP = timedelta(days=1)  # for a site to take its new secret into use
LONGEST_TOKEN = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """Whom the site's server names."""

    kind: str
    value: str


async def make_secret(site: Site, *, by: str) -> str:
    """A new secret, shown this once; earlier ones count for a day more."""
    secret, secret_id, now = "ss_" + ids.secret(256), ids.new(), clock.micros(clock.now())
    async with db.writing():
        ends = now + OVERLAP // timedelta(microseconds=1)
        await db.run("UPDATE site_secret SET ends_at = ? WHERE site = ? AND ends_at IS NULL", ends, site.name)
        sealed = (await vault.key_for("portal")).seal(Place("site_secret", "sealed", secret_id), secret)
        await db.run(
            "INSERT INTO site_secret (id, site, sealed, made_at, made_by) VALUES (?, ?, ?, ?, ?)",
            *(secret_id, site.name, sealed, now, by),
        )
        await audit.record(events.SECRET_MADE, actor=by, object=f"site:{site.name}")
    return secret


async def _tell(entries: Sequence[audit.safety.Kept]) -> dict[str, dict[str, Any]]:
    return {each.id: {"site": each.object} for each in entries}


async def _end_again(what: dict[str, Any]) -> bool:
    """In a restored database: a secret that was replaced since names nobody any more. The site has to be given another."""
    now = clock.micros(clock.now())
    sql = "UPDATE site_secret SET ends_at = ? WHERE site = ? AND (ends_at IS NULL OR ends_at > ?)"
    ended = bool(await db.run(sql, now, what["site"].removeprefix("site:"), now))
    if ended:
        await audit.record(events.SECRET_ENDED, actor="system", object=what["site"])
    return ended


async def has_secret(site: Site) -> bool:
    return bool(await _secrets(site))


async def read(site: Site, token: str) -> Known | None:
    """Whom a genuine, living token names; None for any other text, so that nobody learns why."""
    body, _dot, signature = token.partition(".")
    if not signature or len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    for secret in await _secrets(site):
        mac = base64.urlsafe_b64encode(hmac.digest(secret.encode(), body.encode(), "sha256")).rstrip(b"=").decode()
        if hmac.compare_digest(mac, signature):
            return _named(body)
    return None


def _named(body: str) -> Known | None:
    try:
        said = json.loads(base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    named = [(kind, said[kind]) for kind in KINDS if kind in said]
    ends, now = said.get("exp"), clock.now().timestamp()
    lives = isinstance(ends, int | float) and now < ends <= now + LONGEST_LIFE.total_seconds()
    return Known(*named[0]) if lives and len(named) == 1 and isinstance(named[0][1], str) else None


async def _secrets(site: Site) -> list[str]:
    now = clock.micros(clock.now())
    sql = "SELECT id, sealed FROM site_secret WHERE site = ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY made_at DESC"
    stored = await db.rows(sql, site.name, now)
    if not stored:
        return []
    key = (await vault.keys_of("portal", [""]))[""]
    return [key.open(Place("site_secret", "sealed", each["id"]), bytes(each["sealed"])) for each in stored]


audit.safety.keeps([events.SECRET_MADE], tell=_tell, again=_end_again)
