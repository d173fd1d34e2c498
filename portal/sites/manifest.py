"""What the script of a site is told before it asks: the same for every visitor, public, without anything about anybody.

Unknown regions get the strictest law, opt-in (GDPR Art. 6(1)(a), ePrivacy 5(3)); where a region may opt out, GPC counts.
"""

import re
from typing import Any

from babel import Locale

from portal.paper import address
from portal.sites.register import key_of
from portal.sites.signals import STOPPED
from portal.sites.sites_file import Load, Site
from portal.sites.texts import Asked, Shown, Texts, in_language_of, texts_of

NOWHERE = ("XX", "T1")  # what proxies say of addresses that they cannot place


async def manifest(site: Site, language: str) -> dict[str, Any]:
    """The script's settings in a language, but for the region."""
    texts = await texts_of(site)
    shown = in_language_of(texts, language)
    return {
        **{"v": 1, "site": key_of(site), "language": shown.language, "dir": _direction(shown.language)},
        "languages": sorted(texts.latest),
        **{"edition": shown.name, "material": texts.material, "changed": texts.changed},
        **{"law": dict(site.law), "sells": site.sells, "months": site.months},
        "purposes": [_purpose(each, site.loads.get(each.key, Load())) for each in shown.asks.values()],
        "texts": dict(shown.words),
        "links": _links(site, shown),
        "theme": dict(site.theme),
        **{"earlier": list(site.earlier), "aliases": dict(site.aliases), "refusals": bool(site.refusals)},
    }


def region_of(named: str) -> str:
    """A region as the operator's proxy named it, as US-CA; "" where that says nothing."""
    known = named.upper() if re.fullmatch(r"[A-Za-z]{2}(-[A-Za-z0-9]{1,3})?", named) else ""
    return "" if known in NOWHERE else known


def latest_of(texts: Texts, language: str) -> str:
    """The name of the edition that an outdated answer should have named."""
    return in_language_of(texts, language).name


def _purpose(asked: Asked, load: Load) -> dict[str, Any]:
    return {
        **{"key": asked.key, "title": asked.title, "what": asked.what, "needed": asked.needed, "kind": asked.kind},
        "signal": asked.kind in STOPPED,
        "cells": list(load.cells),
        "clears": {"names": list(load.names), "local": list(load.local), "session": list(load.session)},
        "recipients": list(asked.recipients),
    }


def _links(site: Site, shown: Shown) -> dict[str, str]:
    page = address(f"/w/v1/{key_of(site)}/page?lang={shown.language}")
    return {"policy": site.policy or address("/promises"), "centre": address("/preferences"), "page": page}


def _direction(language: str) -> str:
    return "rtl" if Locale.parse(language, sep="-").character_order == "right-to-left" else "ltr"
