"""The websites that embed the script, by name and by the public key that their tag carries. Read once per process."""

import base64

from portal import settings, vault
from portal.lib.errors import NotFound
from portal.paper import _
from portal.sites import sites_file
from portal.sites.sites_file import Site

FILE = "sites.toml"


def sites() -> dict[str, Site]:
    """By name, as the file has them. Raises Faulty; the portal does not start with a mistake in the file."""
    global _read
    mine = settings.get()
    if _read is None or _read[0] is not mine:
        _read = mine, sites_file.read(mine.policies / FILE, mine.language_list)[0], {}
    return _read[1]


def named(name: str) -> Site:
    try:
        return sites()[name]
    except KeyError:
        raise NotFound(_("There is no such site.")) from None


def by_key(key: str) -> Site:
    """The site of a public key. It is no secret: it says who asks, and the origin has to fit it."""
    known, mine = sites(), _read
    assert mine is not None
    if not mine[2]:
        mine[2].update({key_of(each): each for each in known.values()})
    try:
        return mine[2][key]
    except KeyError:
        raise NotFound(_("There is no such site.")) from None


def key_of(site: Site) -> str:
    """Made of the site's name under the portal's own key, so that it stays while the name stays, and nothing is stored."""
    return "s_" + base64.b32encode(vault.blind("site", site.name)).decode()[:20].lower()


_read: tuple[settings.Settings, dict[str, Site], dict[str, Site]] | None = None
