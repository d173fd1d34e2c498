"""Reads policies/sites.toml: which websites embed the script, what each asks, and what it loads for which purpose.

A file and no table, like purposes and collection points: what a site asks is reviewed with the company's other words,
published with them as an edition, and every mistake is told with file and line. Adding a site is adding a section here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal import documents, handwritten
from portal.handwritten import Toml

LAWS = ("opt-in", "opt-out")
EARLIER = ("orejime", "klaro", "vanilla-cookieconsent", "cookiebot", "onetrust")
SIGNALS = frozenset(
    [
        *("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"),
        *("functionality_storage", "personalization_storage", "security_storage"),
    ]
)
THEME = ("accent", "on_accent", "surface", "ink", "radius")
PLAIN = {"surface": "#ffffff", "ink": "#1b1b1f"}
READABLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text
MOST_MONTHS = 24
LONGEST = {"title": 60, "body": 160}  # what fits in two fifths of a small telephone's screen

_LOAD = {"cells": list, "names": list, "local": list, "session": list}
_KINDS: dict[str, type] = {
    **{"title": str, "origins": list, "asks": list, "forms": list, "policy": str, "sells": bool, "months": int},
    **{"region_header": str, "earlier": list, "refusals": str, "text": dict, "law": dict, "theme": dict, "load": dict},
    **{"aliases": dict, "guard": bool},
}
_NEEDED = ("title", "origins", "asks", "text")
_HOST = re.compile(r"(([a-z0-9-]+\.)+[a-z0-9-]+|localhost)(:\d{2,5})?")
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Load:
    """What stands behind a purpose: Google's names for it, and the names that a taken back yes clears."""

    cells: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    session: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """One website. `texts`: title and body per language; `refusals`: why refusals are recorded too, "" when they are not;
    `guard`: its pages load from no host that nobody declared."""

    name: str
    title: str
    origins: tuple[str, ...]
    asks: tuple[str, ...]
    forms: tuple[str, ...]
    texts: Mapping[str, Mapping[str, str]]
    law: Mapping[str, str]
    sells: bool
    months: int
    region_header: str
    policy: str
    theme: Mapping[str, str]
    loads: Mapping[str, Load]
    aliases: Mapping[str, str]
    earlier: tuple[str, ...]
    refusals: str
    guard: bool

    @property
    def edition_key(self) -> str:
        return f"site-{self.name}"

    @property
    def hosts(self) -> list[str]:
        """Those that are declared, among the names of what stands behind its purposes; with a port where one is given."""
        return sorted({name for load in self.loads.values() for name in load.names if _HOST.fullmatch(name)})


def read(path: Path, languages: Sequence[str]) -> tuple[dict[str, Site], Toml | None]:
    """The sites of a file and the file itself, none when there is none; raises Faulty naming every place to put right."""
    if not path.exists():
        return {}, None
    file = handwritten.read(path)
    found = {name: _site(file, name, languages) for name in file.values}
    origins = [(origin, each.name) for each in found.values() for origin in each.origins]
    for origin, name in origins:
        if next(other for other in origins if other[0] == origin)[1] != name:
            file.wrong(f"{origin} is another site's already.", name, "origins")
    file.done()
    return found, file


def _site(file: Toml, name: str, languages: Sequence[str]) -> Site:
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,29}", name):
        file.wrong("A site's name has 2 to 30 small letters, digits and hyphens.", name)
    given = file.part(_KINDS, name, optional=[each for each in _KINDS if each not in _NEEDED])
    asks = tuple(given.get("asks", ()))
    for each in sorted({each for each in asks if asks.count(each) > 1}):
        file.wrong(f"{each!r} stands twice.", name, "asks")
    if (months := given.get("months", 6)) not in range(1, MOST_MONTHS + 1):
        file.wrong(f"months is 1 to {MOST_MONTHS}: for how long a refusal is remembered.", name, "months")
    for each in given.get("earlier", ()):
        if each not in EARLIER:
            file.wrong(f"{each!r} is none of: {', '.join(EARLIER)}.", name, "earlier")
    if not re.fullmatch(r"[a-z0-9-]{0,60}", header := given.get("region_header", "")):
        file.wrong("region_header is the name of a header in small letters.", name, "region_header")
    return Site(
        name=name,
        title=given.get("title", ""),
        origins=_origins(file, name, given.get("origins", [])),
        asks=asks,
        forms=tuple(given.get("forms", ())),
        texts=_texts(file, name, given.get("text", {}), languages),
        law=_law(file, name, given.get("law", {})),
        sells=given.get("sells", False),
        months=months,
        region_header=header,
        policy=_policy(file, name, given.get("policy", "")),
        theme=_theme(file, name, given.get("theme", {})),
        loads={each: _load(file, name, each, asks) for each in given.get("load", {})},
        aliases=_aliases(file, name, given.get("aliases", {}), asks),
        earlier=tuple(given.get("earlier", ())),
        refusals=given.get("refusals", "").strip(),
        guard=given.get("guard", False),
    )


def _origins(file: Toml, name: str, origins: Sequence[str]) -> tuple[str, ...]:
    """Exactly as browsers send it: scheme, host, port when it is not the usual one, nothing else."""
    for each in origins:
        shaped = re.fullmatch(r"(https?)://([a-z0-9.-]+|\[::1\])(:\d{2,5})?", each)
        if not shaped or (shaped[1] == "http" and shaped[2] not in _LOCAL):
            file.wrong(f"{each!r} is no origin; it looks like https://shop.example.com, without a path.", name, "origins")
    if not origins:
        file.wrong("A site has at least one origin.", name, "origins")
    return tuple(origins)


def _texts(file: Toml, name: str, texts: Mapping[str, Any], languages: Sequence[str]) -> dict[str, dict[str, str]]:
    if languages[0] not in texts:
        file.wrong(f"The text in {languages[0]!r}, the first language, is missing.", name, "text")
    for each in texts:
        if each not in languages:
            file.wrong(f"{each!r} is none of the languages: {', '.join(languages)}.", name, "text", each)
    found = {each: file.part(dict.fromkeys(LONGEST, str), name, "text", each) for each in texts}
    for spoken, part, text in [(spoken, part, text) for spoken, words in found.items() for part, text in words.items()]:
        if not 1 <= len(text.strip()) <= LONGEST[part]:
            file.wrong(f"{part} has {len(text.strip())} characters; 1 to {LONGEST[part]}.", name, "text", spoken, part)
    return found


def _law(file: Toml, name: str, law: Mapping[str, Any]) -> dict[str, str]:
    for region, default in law.items():
        if region != "default" and not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", region):
            file.wrong(f"{region!r} is no region; they look like US-CA or DE.", name, "law", region)
        if default not in LAWS:
            file.wrong(f"{default!r} is none of: {', '.join(LAWS)}.", name, "law", region)
    return {"default": "opt-in", **law}


def _policy(file: Toml, name: str, policy: str) -> str:
    if policy and not re.fullmatch(r"https://[^\s\"'<>\\]+", policy):
        file.wrong("policy is the address of a page: https://…", name, "policy")
    return policy


def _theme(file: Toml, name: str, given: Mapping[str, Any]) -> dict[str, str]:
    brand = documents.company().brand
    ours = {"accent": brand.accent, "on_accent": brand.on_accent, "radius": brand.radius, **PLAIN}
    theme = ours | file.part(dict.fromkeys(THEME, str), name, "theme", optional=THEME)
    for token in THEME[:4]:
        if not re.fullmatch("#[0-9a-fA-F]{6}", theme[token]):
            file.wrong(f"{token} is a colour such as #1d4f91.", name, "theme", token)
            return ours
    if not re.fullmatch(r"\d{1,2}(px|rem)", theme["radius"]):
        file.wrong("radius is a length such as 8px.", name, "theme", "radius")
    for text, ground in (("on_accent", "accent"), ("ink", "surface"), ("accent", "surface")):
        needed = READABLE if text != "accent" else 3.0  # 1.4.11: a button against what it lies on
        if (contrast := documents.contrast(theme[ground], theme[text])) < needed:
            file.wrong(f"{text} on {ground} has contrast {contrast:.1f}; it needs {needed:.1f}.", name, "theme", text)
    return theme


def _load(file: Toml, name: str, purpose: str, asks: Sequence[str]) -> Load:
    if purpose not in asks:
        file.wrong(f"This site does not ask about {purpose!r}.", name, "load", purpose)
    given = file.part(_LOAD, name, "load", purpose, optional=_LOAD)
    for each in given.get("cells", ()):
        if each not in SIGNALS:
            file.wrong(f"{each!r} is none of: {', '.join(sorted(SIGNALS))}.", name, "load", purpose, "cells")
    for what in ("names", "local", "session"):
        for each in given.get(what, ()):
            if not re.fullmatch(r"[^\s;,=*]{1,60}\*?", each):
                file.wrong(f"{each!r} is no name, or the start of one followed by *.", name, "load", purpose, what)
    return Load(**{what: tuple(several) for what, several in given.items()})


def _aliases(file: Toml, name: str, aliases: Mapping[str, Any], asks: Sequence[str]) -> dict[str, str]:
    for alias, purpose in aliases.items():
        if purpose not in asks:
            file.wrong(f"This site does not ask about {purpose!r}.", name, "aliases", alias)
    return {str(alias): str(purpose) for alias, purpose in aliases.items()}
