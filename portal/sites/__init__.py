"""Other people's websites that embed our script: what each asks, what it is told, and what its visitors answered.

ePrivacy Art. 5(3), GDPR Art. 7; Global Privacy Control (W3C). Registered in policies/sites.toml, texts published as editions.
"""

from portal.sites import answers, counts, forms, links, manifest, proofs, releases, signals, standing, texts, told, traffic
from portal.sites.register import by_key, key_of, named, sites
from portal.sites.sites_file import Site
from portal.sites.snippet import Snippet, snippet

__all__ = [
    "Site",
    "Snippet",
    "answers",
    "by_key",
    "counts",
    "forms",
    "key_of",
    "links",
    "manifest",
    "named",
    "proofs",
    "releases",
    "signals",
    "sites",
    "snippet",
    "standing",
    "texts",
    "told",
    "traffic",
]
