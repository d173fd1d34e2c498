"""Reading JSON that a stranger wrote: each value is what was agreed, or the answer is refused whole.

Names go into tables and file names, texts onto pages and papers: none of them can carry markup's power, a path or a
character that no database keeps. Sentences say where in the answer it is wrong, never what stands there.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NoReturn, TypeVar

from portal.connectors.contract import ConnectorError, Key, Value
from portal.paper import _

T = TypeVar("T")
LONGEST_NAME, LONGEST_LABEL, LONGEST_KEY = 60, 200, 500
_NAME = re.compile(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WHOLE = 2**63


class _NotAgreed(ValueError):
    """JSON that our own side would not write: a name twice, NaN."""


def parsed(content: bytes) -> Any:
    """Raises ConnectorError: not JSON may be half an answer, or a page of something in between, so it is tried again."""
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_number)
    except _NotAgreed as problem:
        raise ConnectorError(_("Its answer is not as agreed: the JSON holds a name twice, or no number."), True) from problem
    except (ValueError, RecursionError) as problem:
        raise ConnectorError(_("It did not answer with JSON, or only with half of it."), permanent=False) from problem


def wrong(place: str, what: str) -> NoReturn:
    raise ConnectorError(
        _("Its answer is not as agreed, at %(place)s: %(what)s") % {"place": place, "what": what}, permanent=True
    )


def members(value: Any, place: str, needs: tuple[str, ...], may: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        wrong(place, _("this must be an object."))
    for name in needs:
        if name not in value:
            wrong(place, _("%s is missing.") % name)
    if value.keys() - {*needs, *may}:
        wrong(place, _("there is more than was agreed."))
    return value


def items(value: Any, place: str, read: Callable[[Any, str], T]) -> list[T]:
    if not isinstance(value, list):
        wrong(place, _("this must be a list."))
    return [read(each, f"{place}[{number}]") for number, each in enumerate(value)]


def name(value: Any, place: str) -> str:
    """Letters, digits, `_`, and `.` or `-` between them."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME or not _NAME.fullmatch(value):
        wrong(place, _("this must be a name of letters, digits, - and _."))
    return value


def label(value: Any, place: str, *, empty: bool = False) -> str:
    """One line for people."""
    if not isinstance(value, str) or len(value) > LONGEST_LABEL or _CONTROL.search(value) or not (empty or value.strip()):
        wrong(place, _("this must be a short line of text."))
    return _storable(value, place)


def truth(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        wrong(place, _("this must be true or false."))
    return value


def count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _WHOLE:
        wrong(place, _("this must be a whole number."))
    return value


def day(value: Any, place: str) -> str | None:
    """An ISO date, or None for open."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        wrong(place, _("this must be a date like 2031-12-31."))


def scalar(value: Any, place: str) -> Value:
    """A value about the person: text of any length that a database can keep, a number, true, false or null."""
    if isinstance(value, str):
        return _storable(value, place)
    if isinstance(value, float) and not math.isfinite(value):
        wrong(place, _("this number is too large."))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _WHOLE:
        wrong(place, _("this number is too large."))
    if value is None or isinstance(value, bool | int | float):
        return value
    wrong(place, _("this must be a text, a number, true, false or null."))


def key(value: Any, place: str) -> Key:
    """What the row is known by: one to eight names, each with a short text or a whole number."""
    if not isinstance(value, dict) or not 1 <= len(value) <= 8:
        wrong(place, _("this must be an object of one to eight names."))
    found = {name(each, place): scalar(part, f"{place}.{each}") for each, part in value.items()}
    for part in found.values():
        if not isinstance(part, str | int) or isinstance(part, bool) or len(str(part)) > LONGEST_KEY:
            wrong(place, _("a key is made of short texts and whole numbers."))
    return found


def _storable(text: str, place: str) -> str:
    if "\x00" in text or any("\ud800" <= each <= "\udfff" for each in text):
        wrong(place, _("this text holds a character that cannot be kept."))
    return text


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotAgreed
    return found


def _no_number(_text: str) -> NoReturn:
    raise _NotAgreed
