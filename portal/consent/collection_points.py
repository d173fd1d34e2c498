"""Where people say it: the collection points. A closed list, to which an operator adds in policies/collection-points.toml.

There each point may also pin the texts that are shown at it, so that a word from there proves what was read even when the
program that hands it in names no text (GDPR Art. 7(1), EDPB 05/2020 §108). Read once per process; every mistake in the file
is told with file and line, and the site does not start with one.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portal import documents, settings
from portal.consent import purposes_file
from portal.consent.purposes import FILE as PURPOSES
from portal.consent.purposes import in_force, in_language_of_page
from portal.consent.words import SOURCES, Word
from portal.documents import Fault, Faulty
from portal.lib.errors import NotFound
from portal.paper import _

FILE = "collection-points.toml"
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


def names() -> tuple[str, ...]:
    """Every collection point, by its name in requests and files."""
    return tuple(sorted(SOURCES | points().keys()))


def exists(name: str) -> bool:
    return name in SOURCES or name in points()


def points() -> Mapping[str, Point]:
    """What the operator's file says, by name; read once. Raises Faulty."""
    global _read
    mine = settings.get()
    if _read is None or _read[0] is not mine:
        _read = mine, read(mine.policies / FILE, mine.language_list)
    return _read[1]


async def with_pinned_texts(words: Sequence[Word], language: str) -> tuple[Word, ...]:
    """The same words; one that names no text takes its point's. `language`: the one that the request names, "" for none."""
    known = points()
    if not any(word.source in known and not word.edition for word in words):
        return tuple(words)
    return tuple([word if word.edition else await _pinned(word, known.get(word.source), language) for word in words])


def called(name: str) -> str:
    """Where somebody said it, as it stands in a sentence: "You said yes … at the checkout"."""
    built_in = {
        "preference-centre": _("here"),
        "checkout": _("at the checkout"),
        "order": _("with an order"),
        "questionnaire": _("in a questionnaire"),
        "subscription": _("when you subscribed"),
        "competition": _("in a competition"),
        "complaint": _("with a complaint"),
        "loyalty-programme": _("in the loyalty programme"),
        "warranty-card": _("on a warranty card"),
        "review": _("with a review"),
        "web-analytics": _("on our website"),
        "call-centre": _("on the telephone"),
        "letter": _("in a letter"),
        "import": _("in our earlier records"),
        "widget": _("on our website"),
        "form": _("in a form"),
        "gpc-signal": _("through a signal of your browser"),
        "agent": _("through somebody you authorised"),
        "unsubscribe-link": _("through the link in a message"),
    }
    if name in built_in or name not in points():
        return built_in.get(name, name)  # one that left the file since keeps its name
    return str(in_language_of_page(dict(points()[name].labels)))


def read(path: Path, languages: Sequence[str]) -> dict[str, Point]:
    """The points of a file, none when there is no file; raises Faulty naming every place to put right."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise Faulty([Fault(path.name, line, "This is not UTF-8 text.")]) from problem
    except OSError as problem:
        raise Faulty([Fault(path.name, 1, f"This cannot be read: {problem.strerror}.")]) from problem
    except tomllib.TOMLDecodeError as problem:
        place = re.search(r"\(at line (\d+)", str(problem))
        line = int(place[1]) if place else max(1, len(text.splitlines()))
        what = re.sub(r" \(at [^)]*\)$", "", str(problem))
        raise Faulty([Fault(path.name, line, f"This is not valid TOML: {what}.")]) from problem
    reader = _Reader(path.name, text, languages, _purposes_beside(path, list(languages)))
    found = {name: reader.point(name, raw) for name, raw in content.items()}
    if reader.faults:
        raise Faulty(reader.faults)
    return found


_read: tuple[settings.Settings, dict[str, Point]] | None = None


async def _pinned(word: Word, point: Point | None, language: str) -> Word:
    """Shown in several languages and none named: nobody knows which was read, so none is taken."""
    mine = point.pins if point is not None else ()
    pins = [pin for pin in mine if pin.purpose == word.purpose and language in ("", pin.language)]
    name = await _name(pins[0], word) if len(pins) == 1 else ""
    return replace(word, edition=name, language=pins[0].language) if name else word


async def _name(pin: Pin, word: Word) -> str:
    """The full name of the text, "" when there is (or was) none: then the word is judged as one without a text."""
    if pin.number is None:
        about = (await in_force([pin.purpose], word.said_at)).get(pin.purpose)
        return f"{pin.purpose}@{about.number}/{pin.language}" if about is not None and pin.language in about.hashes else ""
    try:
        return (await documents.named(f"{pin.purpose}@{pin.number}/{pin.language}")).name
    except NotFound:
        return ""


def _purposes_beside(path: Path, languages: list[str]) -> frozenset[str] | None:
    """The keys in purposes.toml; None while that file cannot be used, which is told when it is published."""
    try:
        return frozenset(str(each["key"]) for each in purposes_file.read(path.with_name(PURPOSES), languages))
    except (Faulty, OSError, UnicodeDecodeError):
        return None


class _Reader:
    """Collects faults, each with the line of its name."""

    def __init__(self, file: str, text: str, languages: Sequence[str], purposes: frozenset[str] | None) -> None:
        self.file, self.lines, self.languages, self.purposes = file, text.splitlines(), languages, purposes
        self.faults: list[Fault] = []

    def point(self, name: str, raw: Any) -> Point:
        if not isinstance(raw, dict):
            self._fault(name, "", f"{name!r} stands outside any [point].")
            return Point({}, ())
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,38}", name):
            self._fault(name, "", "A collection point has 2 to 39 small letters, digits and hyphens.")
        for other in sorted(raw.keys() - {"label", "texts"}):
            self._fault(name, other, f"Unknown setting {other!r}; there are label and texts.")
        return Point(self._labels(name, raw.get("label")), self._pins(name, raw.get("texts", [])))

    def _labels(self, name: str, labels: Any) -> dict[str, str]:
        if name in SOURCES:
            if labels is not None:
                self._fault(name, "label", f"{name!r} is built in and has its label; only its texts are said here.")
            return {}
        if not isinstance(labels, dict) or not all(isinstance(each, str) and each.strip() for each in labels.values()):
            self._fault(name, "label", 'A new point needs a label per language, for example { en = "at the fair", ro = "…" }.')
            return {}
        if self.languages[0] not in labels:
            self._fault(name, "label", f"label is missing in {self.languages[0]!r}, the first language.")
        for language, text in labels.items():
            if len(text) > LABEL_LENGTH:
                self._fault(name, "label", f"The label in {language!r} has {len(text)} characters; at most {LABEL_LENGTH}.")
        return {language: text.strip() for language, text in labels.items()}

    def _pins(self, name: str, texts: Any) -> tuple[Pin, ...]:
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            self._fault(name, "texts", 'texts is a list of texts, for example ["newsletter/en", "surveys@1/ro"].')
            return ()
        pins: list[Pin] = []
        for each in texts:
            found = _TEXT.fullmatch(each)
            if found is None:
                sentence = f"{each!r} names no text: newsletter/en is the one in force, newsletter@7/en one edition."
                self._fault(name, "texts", sentence)
                continue
            pin = Pin(found["purpose"], int(found["number"]) if found["number"] else None, found["language"])
            if self.purposes is not None and pin.purpose not in self.purposes:
                self._fault(name, "texts", f"There is no purpose {pin.purpose!r} in {PURPOSES}.")
            if pin.language not in self.languages:
                self._fault(name, "texts", f"{pin.language!r} is none of the languages: {', '.join(self.languages)}.")
            if any((pin.purpose, pin.language) == (other.purpose, other.language) for other in pins):
                self._fault(name, "texts", f"There are two texts for {pin.purpose!r} in {pin.language!r}; which one is shown?")
            pins.append(pin)
        return tuple(pins)

    def _fault(self, point: str, name: str, sentence: str) -> None:
        self.faults.append(Fault(self.file, self._line(point, name), sentence))

    def _line(self, point: str, name: str) -> int:
        """Where a setting of a point stands; without it, where the point begins."""
        head = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(point)}[\"']?(?:\s*\]|\s*[.=])")
        start = next((number for number, line in enumerate(self.lines, 1) if head.match(line)), 1)
        for number in range(start + 1, len(self.lines) + 1) if name else ():
            if re.match(r"\s*\[", self.lines[number - 1]) and not re.match(rf"\s*\[{re.escape(point)}\.", self.lines[number - 1]):
                break
            if re.match(rf"\s*(?:\[.*\.)?[\"']?{re.escape(name)}\b", self.lines[number - 1]):
                return number
        return start
