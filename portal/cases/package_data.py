"""data.json of a package and its JSON Schema (2020-12): the person's data for machines (GDPR Art. 15(3), 20(1)).

The schema is read off the snapshot's own classes, so the two cannot drift apart. Rows are written one by one: a copy of
a hundred thousand entries is never in memory as a second tree.
"""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from portal.cases.snapshot import Category, Snapshot, System

FORMAT = "portal/package/1"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
# The officers' dates and the work in the systems are no part of the person's copy.
HEAD = (
    "case", "right", "requester", "language", "law", "law_title", "law_edition", "received_at", "taken_at", "answer", "reasons",
    "proven", "purposes", "corrections", "texts", "steps",
)  # fmt: skip
MEANINGS = {
    "answered_at": "When the system answered; empty when it did not.",
    "case": "The number of your request.",
    "inferred": "True when we concluded it ourselves instead of being told.",
    "key": "What names the entry in its system.",
    "label": "The name in plain words.",
    "language": "The language of the words in this file (BCP 47).",
    "received_at": "When your request came in.",
    "redacted": "Not empty when this was left out; says why. The value is then truly not in this package.",
    "taken_at": "When this copy was made.",
    "value": "The value as text.",
}
MOMENTS = {"received_at", "taken_at"}


def data_pieces(snapshot: Snapshot) -> Iterator[bytes]:
    """The file piece by piece."""
    yield f'{{"$schema":"data.schema.json","format":{_json(FORMAT)}'.encode()
    for name in HEAD:
        yield f",{_json(name)}:{_json(getattr(snapshot, name))}".encode()
    yield b',"systems":['
    for number, system in enumerate(snapshot.systems):
        yield b",\n" if number else b"\n"
        yield from _system(system)
    yield b"]}\n"


def data_schema() -> dict[str, Any]:
    """What data.json looks like."""
    definitions: dict[str, Any] = {}
    hints = get_type_hints(Snapshot)
    wanted = {name: _schema(hints[name], name, definitions) for name in (*HEAD, "systems")}
    start = {"$schema": {"type": "string"}, "format": {"const": FORMAT, "description": "The kind and version of this file."}}
    return {
        "$schema": DRAFT,
        "title": "A person's copy of their data",
        "type": "object",
        "properties": start | wanted,
        "required": ["format", *wanted],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _system(system: System) -> Iterator[bytes]:
    yield _opened(system, "categories")
    for number, category in enumerate(system.categories):
        yield b"," if number else b""
        yield from _category(category)
    yield b"]}"


def _category(category: Category) -> Iterator[bytes]:
    yield _opened(category, "tables")
    for number, table in enumerate(category.tables):
        yield b"," if number else b""
        yield _opened(table, "rows")
        for place, row in enumerate(table.rows):
            yield (",\n" if place else "\n").encode() + _json(row).encode()
        yield b"]}"
    yield b"]}"


def _opened(thing: Any, last: str) -> bytes:
    """An object up to the opening bracket of its list `last`."""
    start = {each.name: getattr(thing, each.name) for each in fields(thing) if each.name != last}
    return f"{_json(start)[:-1]},{_json(last)}:[".encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_shallow)


def _shallow(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}


def _schema(hint: Any, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0], "", definitions)}
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # its place, in the order of first use
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    kinds = {str: "string", bool: "boolean", int: "integer", type(None): "null"}
    found: dict[str, Any] = {"type": kinds[hint] if hint in kinds else [kinds[each] for each in get_args(hint)]}
    if name in MOMENTS:
        found["format"] = "date-time"
    return found | ({"description": MEANINGS[name]} if name in MEANINGS else {})


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties = {each.name: _schema(hints[each.name], each.name, definitions) for each in fields(kind)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
