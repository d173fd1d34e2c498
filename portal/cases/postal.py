"""Whether a postal address stands on file with a person, before a letter with a code goes there (GDPR Art. 12(6)).

The portal looks itself, in its own records or in a connected system that answers at once.
"""

import re
import unicodedata

from portal import connectors, subjects
from portal.cases import models
from portal.lib.errors import Invalid
from portal.paper import _

FIELDS = frozenset({"street", "city", "postcode", "address"})
OURS = "portal"
NOT_SEARCHED = ("person", "webhook")


def systems() -> list[connectors.System]:
    """Where can be looked while an officer waits: a colleague answers days later, and a receiver of messages never."""
    return [each for each in connectors.systems() if each.kind not in NOT_SEARCHED]


async def stands_on_file(row: models.CaseRow, address: str, place: str, system: str) -> bool:
    """Each line of the postal address stands in a row about the address that was asked with; ours has no name in front."""
    subjects.canonical("post", place)  # raises Invalid when it is no whole address
    lines = [_words(line) for line in place.splitlines() if line.strip()]
    if system == OURS:
        known = await subjects.find(row.address_kind, address)
        mine = await subjects.identifiers_of(known.subject) if known else []
        held = [each for each in mine if each.kind == "post" and each.erased_at is None and each.created_at < row.created_at]
        ours = [_words(value) for value in (await subjects.values_of(held)).values() if value]
        return any(words in ours for words in (set().union(*lines), set().union(*lines[1:])))
    if system not in {each.name for each in systems()}:
        raise Invalid(_("Please choose a connected system."), {"system": _("Choose one of these.")})
    known_as = {row.address_kind: [subjects.canonical(row.address_kind, address)]}
    found = await connectors.open_system(system).find(known_as)
    rows = [_words(" ".join(str(field.value) for field in each.fields if _tells_place(each, field))) for each in found]
    return any(all(line <= words for line in lines) for words in rows)


def shares_a_line(place: str, value: str) -> bool:
    """Whether a line of a postal address says what `value` does, however it is written."""
    words = _words(value)
    return bool(words) and any(words <= _words(line) or _words(line) <= words for line in place.splitlines() if _words(line))


def _tells_place(finding: connectors.Finding, field: connectors.Field) -> bool:
    """Not what somebody may have written into an order about others: a field known as one of an address, or of a row that
    carries the address that was asked with."""
    return field.means in FIELDS or any(each.identifying for each in finding.fields)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
