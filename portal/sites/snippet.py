"""What a site's owner pastes: one tag with the file's hash, and what a strict Content-Security-Policy has to allow."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from html import escape

from portal.paper import address, in_language
from portal.sites.register import key_of
from portal.sites.releases import FORM, SCRIPT, TYPES, current
from portal.sites.sites_file import Site
from portal.sites.words import buttons


@dataclass(frozen=True, slots=True)
class Snippet:
    """`tag` loads it from the portal; `own` from the site's own address, where /w/ is passed on to the portal.

    `beside` stands behind either on a page of one language: its settings are fetched while the script still loads (the other
    way round the question was there 4 to 8 ms later). `form` is for pages with a form that asks too, "" where the site has
    none; `guard` stands first of all, "" where the site wants none; `types`: the address of the script's TypeScript types.
    `link` opens the choices, and without the script says what is asked.
    """

    tag: str
    own: str
    beside: str
    form: str
    link: str
    policy: tuple[str, ...]
    guard: str
    types: str


def snippet(site: Site, language: str = "") -> Snippet:
    """Raises NotFound while the script has not been built."""
    release, key, form = current(SCRIPT), key_of(site), current(FORM) if site.forms else None
    ours = address("").rstrip("/")
    with in_language(language) if language else nullcontext():
        words = buttons()["reopen"]
    link = f'<a data-choices href="{escape(address(f"/w/v1/{key}/page"))}">{escape(words)}</a>'
    return Snippet(
        tag=_tag(ours + release.path, release.integrity, key, language),
        own=_tag(release.path, release.integrity, key, language),
        beside=_beside(f"{ours}/w/v1/{key}/settings?lang={language}") if language else "",
        form=_tag(ours + form.path, form.integrity, key, language) if form else "",
        link=link,
        policy=(" ".join([f"script-src {ours}{release.path}", *([ours + form.path] if form else [])]), f"connect-src {ours}"),
        guard=_guard([*site.origins, ours, *site.hosts]) if site.guard else "",
        types=ours + release.path.replace(SCRIPT, TYPES),
    )


def _guard(hosts: Sequence[str]) -> str:
    """A policy about hosts alone: whatever the page's own words may do, they may do. A second, stricter one stays as strict."""
    allowed = " ".join(dict.fromkeys(["'self'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:", *hosts]))
    return f'<meta http-equiv="Content-Security-Policy" content="default-src {allowed}">'


def _tag(source: str, integrity: str, key: str, language: str) -> str:
    spoken = f' data-lang="{language}"' if language else ""
    return f'<script src="{source}" integrity="{integrity}" crossorigin="anonymous" data-site="{key}"{spoken} async></script>'


def _beside(source: str) -> str:
    return f'<link rel="preload" as="fetch" crossorigin href="{source}">'
