"""Reads policies/collection-points.toml: where people say it besides the usual places, and the texts that they are shown
there. Every mistake is told with file and line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal import handwritten
from portal.consent import purposes_file
from portal.consent.purposes import FILE as PURPOSES
from portal.consent.words import SOURCES
from portal.handwritten import Faulty, Toml

LABEL_LENGTH = 60

_TEXT = re.compile(r"(?P<purpose>[a-z][a-z0-9-]*)(?:@(?P<number>[1-9]\d{0,6}))?/(?P<language>[a-zA-Z-]{2,20})")


@dataclass(frozen=True, slots=True)
class Pin:
    """One text shown at a point; without a number the edition in force when it was said."""

    purpose: str
    number: int | None
    language: str


@dataclass(frozen=True, slots=True)
class Point:
    """`labels`: how an added point stands in a sentence, per language; those built in have theirs in the translations."""

    labels: Mapping[str, str]
    pins: tuple[Pin, ...]


def read(path: Path, languages: Sequence[str]) -> dict[str, Point]:
    """The points of a file, none when there is no file; raises Faulty naming every place to put right."""
    if not path.exists():
        return {}
    file, purposes = handwritten.read(path), _purposes_beside(path, list(languages))
    found = {name: _point(file, name, languages, purposes) for name in file.values}
    file.done()
    return found


def _purposes_beside(path: Path, languages: list[str]) -> frozenset[str] | None:
    """The keys in purposes.toml; None while that file cannot be used, which is told when it is published."""
    try:
        return frozenset(str(each["key"]) for each in purposes_file.read(path.with_name(PURPOSES), languages))
    except Faulty:
        return None


def _point(file: Toml, name: str, languages: Sequence[str], purposes: frozenset[str] | None) -> Point:
    if not isinstance(file.values[name], dict):
        file.wrong(f"{name!r} stands outside any [point].", name)
        return Point({}, ())
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,38}", name):
        file.wrong("A collection point has 2 to 39 small letters, digits and hyphens.", name)
    for other in file.unknown(("label", "texts"), name):
        file.wrong(f"Unknown setting {other!r}; there are label and texts.", name, other)
    return Point(_labels(file, name, languages), _pins(file, name, languages, purposes))


def _labels(file: Toml, name: str, languages: Sequence[str]) -> dict[str, str]:
    labels, at = file.at(name, "label"), (name, "label")
    if name in SOURCES:
        if labels is not None:
            file.wrong(f"{name!r} is built in and has its label; only its texts are said here.", *at)
        return {}
    if not isinstance(labels, dict) or not all(isinstance(each, str) and each.strip() for each in labels.values()):
        file.wrong('A new point needs a label per language, for example { en = "at the fair", ro = "…" }.', *at)
        return {}
    if languages[0] not in labels:
        file.wrong(f"label is missing in {languages[0]!r}, the first language.", *at)
    for language, text in labels.items():
        if len(text) > LABEL_LENGTH:
            what = f"The label in {language!r} has {len(text)} characters; at most {LABEL_LENGTH}."
            file.wrong(what, *at, language)
    return {language: text.strip() for language, text in labels.items()}


def _pins(file: Toml, name: str, languages: Sequence[str], purposes: frozenset[str] | None) -> tuple[Pin, ...]:
    texts = file.values[name].get("texts", [])
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        file.wrong('texts is a list of texts, for example ["newsletter/en", "surveys@1/ro"].', name, "texts")
        return ()
    pins: list[Pin] = []
    for each in texts:
        found, line = _TEXT.fullmatch(each), file.line_of(each, name, "texts")
        if found is None:
            file.wrong_at(line, f"{each!r} names no text: newsletter/en is the one in force, newsletter@7/en one edition.")
            continue
        pin = Pin(found["purpose"], int(found["number"]) if found["number"] else None, found["language"])
        if purposes is not None and pin.purpose not in purposes:
            file.wrong_at(line, f"There is no purpose {pin.purpose!r} in {PURPOSES}.")
        if pin.language not in languages:
            file.wrong_at(line, f"{pin.language!r} is none of the languages: {', '.join(languages)}.")
        if any((pin.purpose, pin.language) == (other.purpose, other.language) for other in pins):
            file.wrong_at(line, f"There are two texts for {pin.purpose!r} in {pin.language!r}; which one is shown?")
        pins.append(pin)
    return tuple(pins)
