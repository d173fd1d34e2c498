"""What a site's visitors are shown, published as editions (`site-shop@3/ro`): title, words, and its purposes as they stood.

An answer names the edition that was on the screen; its bytes can be shown for ever (GDPR Art. 7(1), EDPB 05/2020 §108).
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from html import escape
from itertools import pairwise
from typing import Any

from portal import consent, documents, settings
from portal.consent import Purpose
from portal.documents import Edition
from portal.handwritten import Toml
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, in_language
from portal.sites import sites_file
from portal.sites.register import FILE
from portal.sites.sites_file import Site
from portal.sites.words import buttons

CHANNELS = ("web", "ads")  # where a website's purposes have their cells
RECENT = timedelta(hours=2)  # a page may stay open, and its settings lie in caches
BELIEVED_FOR = 1.0  # of an edition published by another process we hear that much later


@dataclass(frozen=True, slots=True)
class Asked:
    """One purpose as an edition shows it. `edition` is the purpose's own text, which a recorded answer names."""

    key: str
    edition: str
    title: str
    what: str
    kind: str
    needed: bool
    channels: tuple[str, ...]
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One language of one edition of a site. `until`: when the next one came into force; `outdated`: nobody may say yes to it."""

    name: str
    number: int
    language: str
    words: Mapping[str, str]
    asks: Mapping[str, Asked]
    until: datetime | None
    replaced_by_material: bool

    @property
    def outdated(self) -> bool:
        return self.until is not None and (self.replaced_by_material or clock.now() > self.until + RECENT)


@dataclass(frozen=True, slots=True)
class Texts:
    """All that was ever shown on a site, by full name; the latest by language; and the last change that mattered, and why."""

    every: Mapping[str, Shown]
    latest: Mapping[str, Shown]
    material: int
    changed: str


async def publish(by: str, *, material: bool = False, why: str = "") -> list[tuple[str, int]]:
    """Publish what the file says of each site, under the purposes in force; answers what is new, as key and number.

    Raises Faulty, with file and line, for a site that asks for what cannot be asked there.
    """
    mine = settings.get()
    known, file = sites_file.read(mine.policies / FILE, mine.language_list)
    purposes = {each.key: each for each in await consent.purposes()}
    if file is not None:
        for site in known.values():
            _refuse_what_cannot_be_asked(file, site, purposes)
        file.done()
    started, new = clock.now(), []
    for site in known.values():
        sources = {spoken: _source(site, spoken, purposes) for spoken in mine.language_list if spoken in site.texts}
        edition = await documents.publish(site.edition_key, sources, kind="site", by=by, material=material, why=why)
        if edition.published_at >= started:
            new.append((edition.key, edition.number))
    _believed.clear()
    return new


async def texts_of(site: Site) -> Texts:
    """Raises NotFound before the site was published."""
    place, now = (settings.get().database, site.name), time.monotonic()
    known = _believed.get(place)
    if known is None or now - known[0] > BELIEVED_FOR:
        if known is not None:
            _believed[place] = now, known[1]  # one looks again, the others go on meanwhile
        known = _believed[place] = now, _texts(await documents.editions(site.edition_key))
    if not known[1].latest:
        raise NotFound(_("This site's texts have not been published yet."))
    return known[1]


def in_language_of(texts: Texts, language: str) -> Shown:
    """The latest in this language, in its main language (`ro` for `ro-MD`), or in the first one offered."""
    wanted = (language, language.partition("-")[0], *settings.get().language_list, *texts.latest)
    return next(texts.latest[each] for each in wanted if each in texts.latest)


_believed: dict[tuple[str, str], tuple[float, Texts]] = {}


def _refuse_what_cannot_be_asked(file: Toml, site: Site, purposes: Mapping[str, Purpose]) -> None:
    for key in (*site.asks, *site.forms):
        part, about = "asks" if key in site.asks else "forms", purposes.get(key)
        line = file.line_of(key, site.name, part)
        if about is None:
            file.wrong_at(line, f"There is no purpose {key!r} in purposes.toml.")
        elif about.default != "fixed" and about.basis != "consent":
            file.wrong_at(line, f"{key!r} does not rest on a yes (its basis is {about.basis}), so there is nothing to ask.")
        elif part == "asks" and about.default != "fixed" and not set(CHANNELS) & set(about.channels):
            file.wrong_at(line, f"{key!r} is not about a website: its channels are {', '.join(about.channels)}.")
        elif part == "asks" and about.double_opt_in:
            file.wrong_at(line, f"{key!r} has to be confirmed by mail (double_opt_in); a browser cannot do that.")


def _source(site: Site, spoken: str, purposes: Mapping[str, Purpose]) -> str:
    """Front matter for the script, and the same words as HTML: what is hashed is what is shown."""
    with in_language(spoken):
        words = {**buttons(), **{name: site.texts[spoken][name].strip() for name in ("title", "body")}}
        asks = [_asked(purposes[key]) for key in site.asks]
        html = [f"<h1>{escape(words['title'])}</h1>", *(f"<p>{escape(each)}</p>" for each in words["body"].split("\n\n"))]
        for each in asks:
            html += [f"<h2>{escape(each['title'])}</h2>", f"<p>{escape(each['what'])}</p>"]
            if each["recipients"]:
                html.append(f"<p>{escape(words['recipients'].replace('{names}', ', '.join(each['recipients'])))}</p>")
            if each["needed"]:
                html.append(f"<p>{escape(words['always'])}</p>")
        html.append(f"<p>{escape(' · '.join(words[name] for name in ('accept', 'refuse', 'more', 'save')))}</p>")
    front = {"title": words["title"], "words": words, "asks": asks}
    return "\n".join(["+++", *(f"{name} = {_toml(value)}" for name, value in front.items()), "+++", *html]) + "\n"


def _asked(about: Purpose) -> dict[str, Any]:
    needed = about.default == "fixed"
    return {
        **{"key": about.key, "edition": about.edition, "title": about.title, "what": about.what, "kind": about.kind},
        "needed": needed,
        "channels": [] if needed else [each for each in CHANNELS if each in about.channels],
        "recipients": list(about.recipients),
    }


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "")


def _texts(editions: Sequence[Edition]) -> Texts:
    """From all editions, newest first."""
    now = clock.now()
    begun = [each for each in editions if each.in_force_from <= now]
    starts = {each.number: (each.in_force_from, each.material) for each in begun}
    numbers = sorted(starts)
    after = dict(pairwise(numbers))
    every: dict[str, Shown] = {}
    for each in begun:
        later = [starts[number] for number in numbers if number > each.number]
        until = starts[after[each.number]][0] if each.number in after else None
        every[each.name] = _shown(each, until, any(material for _start, material in later))
    mattered = [each for each in begun if each.material and each.number > 1]
    return Texts(
        every,
        {each.language: each for each in every.values() if numbers and each.number == numbers[-1]},
        mattered[0].number if mattered else 1,
        mattered[0].why if mattered else "",
    )


def _shown(edition: Edition, until: datetime | None, replaced_by_material: bool) -> Shown:
    words, asks = _front(edition)
    return Shown(edition.name, edition.number, edition.language, words, asks, until, replaced_by_material)


@lru_cache(maxsize=1000)
def _front(edition: Edition) -> tuple[Mapping[str, str], Mapping[str, Asked]]:
    front = edition.front
    return front["words"], {each["key"]: _asked_then(each) for each in front["asks"]}


def _asked_then(each: Mapping[str, Any]) -> Asked:
    channels, recipients = tuple(each["channels"]), tuple(each["recipients"])
    key, edition, title, what, kind = (each[name] for name in ("key", "edition", "title", "what", "kind"))
    return Asked(key, edition, title, what, kind, each["needed"], channels, recipients)
