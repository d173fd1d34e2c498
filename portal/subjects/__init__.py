"""The people the data is about: their identifiers, linking and splitting, the whole of a person, forgetting."""

from portal.subjects import duplicates, evidence, hashes, notes, safekeeping
from portal.subjects.arrivals import Arrival, closed_to_others, ensure, ensure_many, hold, known_ids
from portal.subjects.canonical import KINDS, canonical, mask
from portal.subjects.disowning import FORMER, disown
from portal.subjects.erasure import ASKED as ASKED
from portal.subjects.erasure import Forgotten, forget, forget_addresses
from portal.subjects.identifiers import (
    find,
    get,
    identifiers_of,
    mark_verified,
    set_audience,
    value_of,
    values_of,
)
from portal.subjects.links import Whole, link, merge, split, whole
from portal.subjects.lists import Listed, addresses_of, let_go, listed
from portal.subjects.models import Identifier
from portal.subjects.notes import is_suppressed, suppress, suppressed
from portal.subjects.people import Known, Person, people, person_at
from portal.subjects.places import as_sought

__all__ = [
    "FORMER",
    "KINDS",
    "Arrival",
    "Forgotten",
    "Identifier",
    "Known",
    "Listed",
    "Person",
    "Whole",
    "addresses_of",
    "as_sought",
    "canonical",
    "closed_to_others",
    "disown",
    "duplicates",
    "ensure",
    "ensure_many",
    "evidence",
    "find",
    "forget",
    "forget_addresses",
    "get",
    "hashes",
    "hold",
    "identifiers_of",
    "is_suppressed",
    "known_ids",
    "let_go",
    "link",
    "listed",
    "mark_verified",
    "mask",
    "merge",
    "notes",
    "people",
    "person_at",
    "safekeeping",
    "set_audience",
    "split",
    "suppress",
    "suppressed",
    "value_of",
    "values_of",
    "whole",
]
