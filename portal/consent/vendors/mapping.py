"""The operator's map (TOML): which of an earlier system's purposes, types and lists is which of our purpose × channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal import handwritten
from portal.consent import legacy
from portal.consent.collection_points import exists
from portal.consent.purposes import Purpose
from portal.consent.vendors.preset import key_of
from portal.consent.words import CHANNELS
from portal.lib.errors import Invalid
from portal.paper import _

_TEXTS = ("edition", "language", "exported", "as_of", "time_zone", "dates", "status")
_TABLES = ("columns", "answers", "sources")
_CELL = ("theirs", "purpose", "channel", "topic", "edition")
DATES = ("MM/DD/YYYY", "DD/MM/YYYY")


@dataclass(frozen=True)
class CellOf:
    """One `[[cell]]`: what they call `theirs` is this cell of ours; no `theirs`: everything in the file is."""

    theirs: str
    purpose: str
    channel: str
    topic: str
    edition: str


@dataclass(frozen=True)
class Map:
    """`exported`: the day of the export, an undated no was said then at the latest. `as_of`: the day vouched for."""

    cells: tuple[CellOf, ...]
    ignored: frozenset[str]
    columns: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    edition: str = ""
    language: str = ""
    exported: str = ""
    as_of: str = ""
    time_zone: str = ""
    dates: str = ""
    status: str = ""

    def of(self, theirs: str | None) -> list[CellOf]:
        """The cells of ours that a purpose of theirs means."""
        wanted = None if theirs is None else key_of(theirs)
        return [each for each in self.cells if wanted is None or each.theirs == "" or key_of(each.theirs) == wanted]

    def ignores(self, theirs: str) -> bool:
        return key_of(theirs) in self.ignored


def read_map(path: Path) -> dict[str, Any]:
    """The file as values that can be kept with the import; what stands in it is checked by `map_of`."""
    return map_in(handwritten.content_of(path, path.name), path.name)


def map_in(content: bytes, file: str) -> dict[str, Any]:
    read: dict[str, Any] = _plain(handwritten.Toml(file, handwritten.text_of(content, file)).values)
    map_of(read)
    return read


def map_of(values: Mapping[str, Any]) -> Map:
    """Raises Invalid naming what is not right."""
    _only(values, (*_TEXTS, *_TABLES, "ignore", "cell"), "")
    texts: dict[str, Any] = {name: _text(values.get(name, ""), name) for name in _TEXTS}
    tables: dict[str, Any] = {name: _pairs(values.get(name, {}), name) for name in _TABLES}
    ignored, cells = values.get("ignore", []), values.get("cell", [])
    if not isinstance(ignored, list) or not isinstance(cells, list) or not cells:
        raise Invalid(_("The map has no [[cell]]: say which of their purposes is which of ours."))
    found = tuple(_cell(each, texts["edition"]) for each in cells)
    read = Map(found, frozenset(key_of(_text(each, "ignore")) for each in ignored), **tables, **texts)
    _check(read)
    return read


def require_cells(read: Map, known: Mapping[str, Purpose]) -> None:
    """Every cell of the map is one of ours."""
    for each in read.cells:
        about = known.get(each.purpose)
        if about is None:
            raise Invalid(_("There is no such purpose: %s.") % each.purpose)
        if each.channel not in about.channels:
            raise Invalid(f"{each.purpose}: " + _("This purpose does not use the channel %s.") % each.channel)
        if each.topic and each.topic not in about.topic_keys():
            raise Invalid(f"{each.purpose}: " + _("This purpose has no topic %s.") % each.topic)
        if about.default == "fixed":
            raise Invalid(
                f"{each.purpose}: " + _("We need this to do what you ordered or what the law asks; there is no choice here.")
            )


def _check(read: Map) -> None:
    if wrong := set(read.answers.values()) - {"yes", "no", "unset"}:
        raise Invalid(_("In [answers] stands yes, no or unset, not %s.") % ", ".join(sorted(wrong)))
    if wrong := {each for each in read.sources.values() if not exists(each)}:
        raise Invalid(_("There is no such collection point: %s.") % ", ".join(sorted(wrong)))
    if read.dates not in ("", *DATES):
        raise Invalid(_("Dates are written one of these ways: %s.") % ", ".join(DATES))
    try:
        ZoneInfo(read.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise Invalid(_("There is no time zone %s.") % read.time_zone) from problem
    for each in read.cells:
        if each.channel not in CHANNELS:
            raise Invalid(_("There is no such channel: %s.") % each.channel)
        if each.edition.startswith(legacy.PREFIX) and not legacy.is_name(
            each.edition.replace("{version}", "1").partition("@")[0]
        ):
            raise Invalid(legacy.how_to_declare(each.edition))


def _cell(given: Any, edition: str) -> CellOf:
    if not isinstance(given, dict):
        raise Invalid(_("The map has no [[cell]]: say which of their purposes is which of ours."))
    _only(given, _CELL, "cell")
    texts = {name: _text(given.get(name, ""), name) for name in _CELL}
    for name in ("purpose", "channel"):
        if not texts[name]:
            raise Invalid(_("A [[cell]] of the map does not say its %s.") % name)
    return CellOf(**texts | {"edition": texts["edition"] or edition})


def _only(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    if wrong := sorted(set(given) - set(known)):
        told = {"name": f"{where}.{wrong[0]}".strip("."), "known": ", ".join(known)}
        raise Invalid(_("%(name)s is not known here. Known: %(known)s.") % told)


def _pairs(given: Any, name: str) -> dict[str, str]:
    if not isinstance(given, dict):
        raise Invalid(_("[%s] is a table of names and values.") % name)
    return {str(key): _text(value, name) for key, value in given.items()}


def _text(given: Any, name: str) -> str:
    if not isinstance(given, str):
        raise Invalid(_("%s is a text between quotation marks.") % name)
    return given.strip()


def _plain(values: Any) -> Any:
    """TOML knows dates; kept with the import they are texts like everything else."""
    if isinstance(values, dict):
        return {key: _plain(each) for key, each in values.items()}
    if isinstance(values, list):
        return [_plain(each) for each in values]
    return values.isoformat() if isinstance(values, date) else values
