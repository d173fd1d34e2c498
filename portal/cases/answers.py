"""policies/answers/<key>/<language>.md: what officers often write to people, to start from; each is changed before it goes.

A text says its title in its front matter and may name what stands in WORDS, as `{{ due }}`; any other name is told with file
and line when the portal starts. Plain paragraphs: people read them as they are typed (GDPR Art. 12(1): plain language).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal import documents
from portal.handwritten import Fault, Faulty
from portal.paper import _
from portal.settings import get

WORDS = ("right", "received", "due", "company", "officer", "phone", "authority")
_NAME = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True)
class Answer:
    """One text to start from, in the language it will be read in."""

    key: str
    title: str
    text: str


def require_answers() -> None:
    """Raises Faulty naming every mistake in the files."""
    faults = [fault for source in _sources() for fault in _mistakes(source)]
    if faults:
        raise Faulty(faults)


def answers(language: str, values: Mapping[str, str]) -> list[Answer]:
    """All of them, filled in; where one was not written in the person's language, the portal's first one stands in."""
    return [_filled(source, language, values) for source in _sources()]


def _sources() -> list[documents.Source]:
    folders = sorted(each for each in (get().policies / "answers").glob("*") if each.is_dir())
    return [documents.read_source(each, each.name, "answer") for each in folders]


def _filled(source: documents.Source, language: str, values: Mapping[str, str]) -> Answer:
    known = [language, *get().language_list, *source.texts]
    text = source.text(next(each for each in known if each in source.texts))
    body = _NAME.sub(lambda found: values[found[1].strip()], text.body)
    return Answer(source.key, str(text.front.get("title") or source.key), body.strip())


def _mistakes(source: documents.Source) -> list[Fault]:
    faults = []
    for language, text in source.texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for name in map(str.strip, _NAME.findall(line)):
                if name not in WORDS:
                    told = _("%(name)s is not known here. Known: %(known)s.") % {"name": name, "known": ", ".join(WORDS)}
                    faults.append(Fault(source.files[language], number, told))
    return faults
