"""The text beside a box in a site's own form, and proof of which text it was: a token that we sign and the site hands back.

The box is never ticked (GDPR recital 32); the site's server passes token and answer on to the decisions of the API.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from portal import consent, documents, vault
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, in_language
from portal.sites.sites_file import Site

_USE = "shown in a form"


@dataclass(frozen=True, slots=True)
class Box:
    """What stands beside a box: the purpose's text in force, and the token that says so."""

    purpose: str
    edition: str
    language: str
    title: str
    text: str
    html: str
    token: str


async def box(site: Site, purpose: str, language: str) -> Box:
    """Raises NotFound for a purpose that this site's forms do not ask about."""
    known = {each.key: each for each in await consent.purposes()}
    if purpose not in site.forms or purpose not in known:
        raise NotFound(_("This site's forms do not ask about that."))
    edition = await documents.in_force(purpose, language)
    with in_language(edition.language):
        about = known[purpose]
        minute = int(clock.now().timestamp()) // 60
        said = json.dumps([site.name, edition.name, minute], separators=(",", ":"))
        token = vault.seal_link(_USE, said.encode())
        return Box(purpose, edition.name, edition.language, about.title, about.what, edition.html.decode(), token)


@dataclass(frozen=True, slots=True)
class ShownInForm:
    """What a token proves: which text of which site, and the minute in which it was handed out."""

    site: str
    edition: str
    at: datetime


def shown(token: str) -> ShownInForm | None:
    """What a token of ours says; None for any other text."""
    content = vault.open_link(_USE, token) if token.isascii() else None
    if content is None:
        return None
    site, edition, minute = json.loads(content)
    return ShownInForm(site, edition, datetime.fromtimestamp(minute * 60, UTC))
