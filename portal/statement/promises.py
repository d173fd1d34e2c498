"""Checks of the commitments in a text's front matter: measurable, said in words with their number, the same in every language."""

import re
from collections.abc import Iterator

from portal import documents
from portal.documents import Fault, Source
from portal.paper import _
from portal.statement.figures import FIGURES

FIELDS = ("key", "aim", "figure", "at_most", "at_least", "text")


def wrong_promises(source: Source, language: str) -> Iterator[Fault]:
    """What is wrong with the commitments of one language, each with the line of its key."""
    aims = documents.company().aims
    promises = source.text(language).front.get("commitments", [])
    if not isinstance(promises, list):
        yield Fault(source.files[language], 1, _("Each commitment begins with [[commitments]], in double brackets."))
        return
    for each in promises:
        for sentence in _wrong_promise(each, aims):
            yield Fault(source.files[language], _line_of(source.texts[language], str(each.get("key", ""))), sentence)
    first = next(iter(source.texts))
    if _measures(source, language) != _measures(source, first):
        what = _("The commitments are not those of %s: key, aim, figure and number must agree.")
        yield Fault(source.files[language], 1, what % source.files[first])


def _wrong_promise(each: dict[str, object], aims: dict[str, str]) -> Iterator[str]:
    for name in sorted(set(each) - set(FIELDS)):
        yield _("A commitment has no %(name)s. Known: %(known)s.") % {"name": name, "known": ", ".join(FIELDS)}
    if not each.get("key") or not each.get("text"):
        yield _("A commitment needs a key and a text.")
    if each.get("aim") not in aims:
        yield _("A commitment serves one of the company's aims: %s.") % ", ".join(aims)
    if each.get("figure") not in FIGURES:
        yield _("A commitment is measured by one of these figures: %s.") % ", ".join(FIGURES)
    target = each.get("at_most", each.get("at_least"))
    if ("at_most" in each) == ("at_least" in each) or not isinstance(target, int | float):
        yield _("A commitment has either at_most or at_least, a number.")
    elif str(target) not in re.findall(r"\d+(?:\.\d+)?", str(each.get("text"))):
        yield _("The sentence of the commitment does not say its number, %s.") % target


def _measures(source: Source, language: str) -> list[tuple[object, ...]]:
    promises = source.text(language).front.get("commitments", [])
    names = [name for name in FIELDS if name != "text"]
    return [tuple(each.get(name) for name in names) for each in promises] if isinstance(promises, list) else []


def _line_of(text: str, key: str) -> int:
    pattern = rf"\s*key\s*=\s*[\"']{re.escape(key)}[\"']"
    return next((number for number, line in enumerate(text.splitlines(), 1) if key and re.match(pattern, line)), 1)
