"""Where people say it: the collection points. A closed list, to which an operator adds in policies/collection-points.toml.

There each point may also pin the texts that are shown at it, so that a word from there proves what was read even when the
program that hands it in names no text (GDPR Art. 7(1), EDPB 05/2020 §108). Read once per process; the site does not start
with a mistake in the file.
"""

from collections.abc import Mapping, Sequence

from portal import documents, settings
from portal.consent import collection_points_file
from portal.consent.collection_points_file import Pin, Point
from portal.consent.purposes import in_force, in_language_of_page
from portal.consent.words import SOURCES, Word
from portal.lib.errors import NotFound
from portal.paper import _

FILE = "collection-points.toml"


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
        _read = mine, collection_points_file.read(mine.policies / FILE, mine.language_list)
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


_read: tuple[settings.Settings, dict[str, Point]] | None = None


async def _pinned(word: Word, point: Point | None, language: str) -> Word:
    """Shown in several languages and none named: nobody knows which was read, so none is taken."""
    mine = point.pins if point is not None else ()
    pins = [pin for pin in mine if pin.purpose == word.purpose and language in ("", pin.language)]
    name = await _name(pins[0], word) if len(pins) == 1 else ""
    return word._replace(edition=name, language=pins[0].language) if name else word


async def _name(pin: Pin, word: Word) -> str:
    """The full name of the text, "" when there is (or was) none: then the word is judged as one without a text."""
    if pin.number is None:
        about = (await in_force([pin.purpose], word.said_at)).get(pin.purpose)
        return f"{pin.purpose}@{about.number}/{pin.language}" if about is not None and pin.language in about.hashes else ""
    try:
        return (await documents.named(f"{pin.purpose}@{pin.number}/{pin.language}")).name
    except NotFound:
        return ""
