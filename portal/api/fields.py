"""Reading what a machine sent, field by field: every fault is noted with its place, and all are told at once.

Plain functions and dictionaries, because decisions arrive by the thousand in a second.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from portal import subjects
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.problems import BadRequest

LONGEST_NAME = 120
LONGEST_ADDRESS = 500
SKEW = timedelta(minutes=5)
_RFC3339 = re.compile(r"(?:19[7-9]\d|[2-8]\d{3})-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


class Faults:
    """What is wrong, each with its place; `refuse` raises when there is anything."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, pointer: str, detail: str) -> None:
        self.found.append({"pointer": pointer, "detail": detail})

    def refuse(self) -> None:
        if self.found:
            raise BadRequest(self.found)


def an_object(said: Any, allowed: Collection[str], needed: Collection[str], faults: Faults, pointer: str = "") -> dict[str, Any]:
    """What was said, if it is an object with these fields; unknown fields are faults, as they would be lost unseen."""
    if not isinstance(said, dict):
        faults.add(pointer, _("This has to be an object."))
        return {}
    for name in said:
        if name not in allowed:
            faults.add(f"{pointer}/{escaped(name)}", _("There is no such field here."))
    for name in needed:
        if name not in said:
            faults.add(f"{pointer}/{name}", _("This field is missing."))
    return said


def text(said: dict[str, Any], name: str, faults: Faults, pointer: str = "", longest: int = LONGEST_NAME) -> str:
    """A field's text; "" when it is not there."""
    value = said.get(name, "")
    if not isinstance(value, str):
        faults.add(f"{pointer}/{name}", _("This has to be a text."))
    elif len(value) > longest or (name in said and not value):
        faults.add(f"{pointer}/{name}", _("This has to have 1 to %d characters.") % longest)
    else:
        return value
    return ""


def moment(said: dict[str, Any], name: str, faults: Faults, pointer: str = "") -> datetime | None:
    """A field's moment as RFC 3339 writes it, with its offset; None when it is not there."""
    value = said.get(name)
    if name not in said:
        return None
    try:
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    faults.add(f"{pointer}/{name}", _("This has to be a moment like 2026-11-21T17:13:05Z (RFC 3339)."))
    return None


def past_moment(said: dict[str, Any], name: str, faults: Faults) -> datetime | None:
    """A moment that is over; one up to five minutes ahead is a clock that is fast, and means now."""
    found = moment(said, name, faults)
    if found is not None and found > clock.now() + SKEW:
        faults.add(f"/{name}", _("This moment has not come yet."))
    return found


def identifier(said: dict[str, Any], faults: Faults) -> tuple[str, str]:
    """`{"email": "ana@example.com"}`: the kind and the value, as given."""
    given = said.get("identifier")
    if "identifier" not in said:
        return "", ""
    if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in subjects.KINDS:
        faults.add("/identifier", _("This has to be an object with exactly one of: %s.") % ", ".join(subjects.KINDS))
        return "", ""
    [kind] = given
    value = text(given, kind, faults, "/identifier", LONGEST_ADDRESS)
    if value:
        try:
            subjects.canonical(kind, value)
        except Invalid as problem:
            faults.add(f"/identifier/{kind}", problem.sentence)
    return kind, value


def escaped(name: str) -> str:
    """A name inside a JSON pointer (RFC 6901)."""
    return name[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")
