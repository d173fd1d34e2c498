"""A case frozen at one moment: what an approval signs, and all that the package and the proof are built from.

Plain immutable values without a database behind them, JSON in and out, one SHA-256 over the canonical JSON (GDPR
Art. 5(2): we can show what was decided on). `digest` leaves out `taken_at` and `steps`, which go on while people read.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, cached_property, partial
from sys import intern
from typing import Any, get_args, get_origin, get_type_hints

FORMAT = "portal/case-snapshot/1"
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Field:
    """One value in plain words; `redacted` is the reason's code, and then `value` is empty: it is truly not here."""

    name: str
    label: str
    value: str
    inferred: bool = False
    redacted: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; `key` names it in its system. A redacted row has no fields."""

    key: str
    fields: tuple[Field, ...]
    redacted: str = ""


_SMALL = {frozenset(each.name for each in fields(kind)): kind for kind in (Field, Row)}


@dataclass(frozen=True)
class Table:
    name: str
    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Category:
    """What kind of data it is, why it is there, how long, and where it came from (Art. 15(1)(a)-(g))."""

    name: str
    label: str
    tables: tuple[Table, ...]
    purposes: tuple[str, ...] = ()
    retention: str = ""
    origin: str = ""


@dataclass(frozen=True)
class System:
    """A system that was searched; without categories it holds nothing about this person."""

    name: str
    label: str
    answered_at: str
    categories: tuple[Category, ...]
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Purpose:
    """What the data is used for, in the words published in the person's language."""

    name: str
    title: str
    basis: str
    recipients: tuple[str, ...]
    retention: str
    edition: str


@dataclass(frozen=True)
class Held:
    """One entry that holds a field to correct, with what it said; `chosen` entries change, some cannot be corrected."""

    system: str
    label: str
    table: str
    key: str
    column: str
    old: str
    correctable: bool
    chosen: bool
    read_back: bool | None = None

    @property
    def place(self) -> str:
        return f"{self.system}: {self.label}"


@dataclass(frozen=True)
class Correction:
    """One field to correct. `accepted` is None until an officer has decided."""

    field: str
    label: str
    old: str
    new: str
    accepted: bool | None = None
    why: str = ""
    statement: str = ""
    read_back: bool | None = None
    held: tuple[Held, ...] = ()

    @property
    def done_in(self) -> list[str]:
        """Where it was written and read again."""
        return list(dict.fromkeys(each.place for each in self.held if each.chosen and each.read_back))

    @property
    def stuck_in(self) -> list[str]:
        """Where it stands and cannot be corrected."""
        return list(dict.fromkeys(each.place for each in self.held if not each.correctable))

    @property
    def everywhere(self) -> bool:
        """Whether no connected system holds it still as it was."""
        open_to_it = {each.system for each in self.held if each.correctable}
        done = {each.system for each in self.held if each.chosen and each.read_back}
        return bool(self.accepted and self.read_back) and not self.stuck_in and open_to_it <= done


@dataclass(frozen=True)
class Removal:
    """Rows of one table in an erasure: what the dry run counted, what survives under which law until when, what happened.

    `why`: SINGLED_OUT (connectors.contract) where what the map lets stay would name the person, and so goes too.
    """

    system: str
    table: str
    label: str
    action: str  # delete · anonymise · clear · keep
    rows: int
    law: str = ""
    until: str = ""
    done: int | None = None
    left: int | None = None
    why: str = ""


@dataclass(frozen=True)
class Proven:
    """An identifier proven in this case; `masked` may stand in the proof, `value` only in the package."""

    kind: str
    masked: str
    value: str
    how: str
    at: str


@dataclass(frozen=True)
class LawText:
    """A reference to a law or to a published text, by the edition that was in force."""

    name: str
    title: str
    edition: str


@dataclass(frozen=True)
class Step:
    """One thing that happened, as the log has it; `who` is a role, never an employee's name. `note` holds no personal data."""

    at: str
    event: str
    what: str
    who: str
    entry: str = ""
    note: str = ""


@dataclass(frozen=True)
class Enclosure:
    """A file that somebody handed in for a system; it goes into the package under `name` as it came."""

    name: str
    blob: str
    sha256: str


@dataclass(frozen=True)
class Snapshot:
    """`answer` is what is proposed to the person: fulfilled, partly, nothing held, answered or refused."""

    case: str
    right: str
    requester: str
    language: str
    law: str
    law_title: str
    law_edition: str
    received_at: str
    due_on: str
    due_because: tuple[str, ...]
    taken_at: str
    answer: str = ""
    reasons: str = ""
    proven: tuple[Proven, ...] = ()
    systems: tuple[System, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    corrections: tuple[Correction, ...] = ()
    removals: tuple[Removal, ...] = ()
    texts: tuple[LawText, ...] = ()
    steps: tuple[Step, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    format: str = FORMAT

    @cached_property
    def digest(self) -> str:
        """What an approval signs, in hexadecimal."""
        hashed = hashlib.sha256()
        for piece in pieces(replace(self, taken_at="", steps=())):
            hashed.update(piece)
        return hashed.hexdigest()

    def tables(self) -> Iterator[tuple[System, Category, Table]]:
        """Every table with the system and category it stands in."""
        for system in self.systems:
            for category in system.categories:
                for table in category.tables:
                    yield system, category, table


def write(snapshot: Snapshot) -> bytes:
    """The bytes that are kept: canonical JSON, the same of the same snapshot."""
    return b"".join(pieces(snapshot))


def pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """The same a portion at a time: of a hundred thousand entries there is never a second copy in memory."""
    return (piece.encode() for piece in _pieces(snapshot))


def read(content: str | bytes) -> Snapshot:
    """The snapshot again; raises ValueError for another format."""
    stored = json.loads(content, object_hook=_compact)
    if stored.get("format") != FORMAT:
        raise ValueError(f"A snapshot in format {stored.get('format')!r}; this portal reads {FORMAT}.")
    snapshot: Snapshot = _made(Snapshot, stored)
    return snapshot


def _pieces(thing: Any) -> Iterator[str]:
    if isinstance(thing, Snapshot | System | Category | Table):
        for number, (name, part) in enumerate(sorted(_shallow(thing).items())):
            yield f"{',' if number else '{'}{_json(name)}:"
            yield from _pieces(part)
        yield "}"
    elif isinstance(thing, tuple) and thing and isinstance(thing[0], System | Category | Table):
        for number, part in enumerate(thing):
            yield "," if number else "["
            yield from _pieces(part)
        yield "]"
    elif isinstance(thing, tuple) and len(thing) > AT_ONCE:
        for start in range(0, len(thing), AT_ONCE):
            yield ("," if start else "[") + _json(thing[start : start + AT_ONCE])[1:-1]
        yield "]"
    else:
        yield _json(thing)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_shallow)


def _shallow(thing: Any) -> dict[str, Any]:
    plain = {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    added = "enclosures" if isinstance(thing, Snapshot) else "why" if isinstance(thing, Removal) else ""
    if added and not plain[added]:  # as in what was signed before there was any
        del plain[added]
    return plain


def _compact(value: dict[str, Any]) -> Any:
    """Entries and their values while they are read: as dicts a hundred thousand would take several times the memory."""
    kind = _SMALL.get(frozenset(value))
    if kind is Field:  # many have the same name
        return Field(intern(value["name"]), intern(value["label"]), value["value"], value["inferred"], intern(value["redacted"]))
    return Row(value["key"], tuple(value["fields"]), intern(value["redacted"])) if kind is Row else value


def _made(kind: Any, value: dict[str, Any]) -> Any:
    return kind(**{name: make(value[name]) for name, make in _makers(kind).items() if name in value})


@cache
def _makers(kind: type) -> dict[str, Callable[[Any], Any]]:
    """How each field of a kind is made of its JSON value."""
    return {name: _maker(hint) for name, hint in get_type_hints(kind).items()}


def _maker(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) is not tuple:
        return _as_it_is
    of = get_args(hint)[0]
    return partial(_several, of) if isinstance(of, type) and is_dataclass(of) else tuple


def _several(kind: type, values: list[dict[str, Any]]) -> tuple[Any, ...]:
    return tuple([_made(kind, each) if isinstance(each, dict) else each for each in values])


def _as_it_is(value: Any) -> Any:
    return value
