"""Who the company is: policies/company.toml and policies/channels.toml (GDPR Art. 13(1)(a), (b); Art. 77).

Its mission, vision and purpose are quoted by the statement; its aims are what each public commitment serves.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from portal.documents.files import Toml, folder
from portal.paper import _, language

TEXTS = ["name", "legal_name", "mission", "vision", "purpose", "address", "country", "officer", "phone", "email"]
TEXTS += ["authority", "authority_url"]
BRAND = ["accent", "on_accent", "accent_dark", "on_accent_dark", "radius"]
READABLE = 4.5  # WCAG 2.2, 1.4.3: contrast of text


@dataclass(frozen=True)
class Brand:
    """Five tokens: the accent and the text on it, both again for dark pages, and the corners."""

    accent: str
    on_accent: str
    accent_dark: str
    on_accent_dark: str
    radius: str


@dataclass(frozen=True)
class Company:
    """The controller, in the language of the moment. `aims` maps a short name to what the company is for."""

    name: str
    legal_name: str
    mission: str
    vision: str
    purpose: str
    aims: dict[str, str]
    address: str
    country: str
    officer: str
    phone: str
    email: str
    authority: str
    authority_url: str
    brand: Brand


@dataclass(frozen=True)
class Channels:
    """Where people of a country reach the company about their data."""

    country: str
    post: str
    phone: str
    email: str
    hours: str


def company() -> Company:
    """The company in the language of the moment; raises Faulty with file and line."""
    path = folder() / "company.toml"
    return _company(path, path.stat().st_mtime_ns if path.exists() else 0, language())


def channels(country: str = "") -> Channels:
    """How to reach the company from this country, else from anywhere."""
    file = Toml(folder() / "channels.toml")
    if "anywhere" not in file.values:
        file.wrong(_("[anywhere] is missing: what holds for people of every other country."))
    for code in file.values:
        file.only(["post", "phone", "email", "hours"], code)
    code = country if country in file.values else "anywhere"
    found = Channels(code, *(file.text_at(code, name) for name in ("post", "phone", "email", "hours")))
    file.done()
    return found


@lru_cache(maxsize=16)
def _company(path: Path, changed: int, language: str) -> Company:
    """Read once per language; a changed file is read again."""
    file = Toml(path)
    file.only([*TEXTS, "aims", "brand"])
    file.only(BRAND, "brand")
    brand = Brand(**{name: file.text_at("brand", name) for name in BRAND})
    _refuse_unreadable(file, brand)
    texts = {name: file.text_at(name) for name in TEXTS}
    aims = {name: file.text_at("aims", name) for name in file.table("aims")}
    file.done()
    return Company(**texts, aims=aims, brand=brand)


def _refuse_unreadable(file: Toml, brand: Brand) -> None:
    for name in BRAND[:4]:
        if not re.fullmatch("#[0-9a-fA-F]{6}", getattr(brand, name)):
            file.wrong(_("brand.%s must be a colour such as #1d4f91.") % name, "brand", name)
            return
    if not re.fullmatch(r"\d+(\.\d+)?(px|rem)", brand.radius):
        file.wrong(_("brand.radius must be a length such as 8px."), "brand", "radius")
    for ground, text in (("accent", "on_accent"), ("accent_dark", "on_accent_dark")):
        found = contrast(getattr(brand, ground), getattr(brand, text))
        if found < READABLE:
            what = _("Text in brand.%(text)s on brand.%(ground)s has contrast %(found).1f; it needs %(needed).1f.")
            file.wrong(what % {"text": text, "ground": ground, "found": found, "needed": READABLE}, "brand", text)


def contrast(one: str, other: str) -> float:
    """Of two colours such as #1d4f91, as WCAG 2.2 reckons it: 1 to 21."""
    lighter, darker = sorted([_luminance(one), _luminance(other)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
