"""Reading what somebody filled in or handed in: each answer is one that fits the question, or is refused with its field."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.connectors.person.files import LONGEST_CELL, LONGEST_LINE, HandedIn, has_controls, read_file
from portal.connectors.person.questions import Question
from portal.lib.errors import Invalid
from portal.paper import _

HOWS = {
    "find": ("nothing", "here", "cannot"),
    "plan": ("nothing", "here", "cannot"),
    "erase": ("done", "unlike", "keep", "cannot"),
    "correct": ("done", "unlike", "keep", "cannot"),
}
ENTRIES = ("done", "already", "missing")
LINES, MOST = 12, 1_000


@dataclass(frozen=True)
class Answer:
    """`content` is kept with the request, `handed_in` (rows as JSON, or a file as it is) under the person's key."""

    how: str
    content: dict[str, Any]
    handed_in: bytes | None = None


def read_answer(question: Question, form: Mapping[str, str], file: HandedIn | None) -> Answer:
    """Raises Invalid. Takes its time with a large file: call it beside the event loop."""
    for name, said in form.items():
        if has_controls(said):
            raise Invalid(_("A field holds a character that cannot be kept."), {name: _("Please type this in anew.")})
    how = form.get("how", "here" if file and question.verb == "find" else "")
    if how not in HOWS[question.verb]:
        raise Invalid(_("Please choose one of the answers."), {"how": ", ".join(HOWS[question.verb])})
    if how == "nothing":
        return Answer(how, {})
    if how == "cannot":
        return Answer(how, {"why": _line(form, "why", LONGEST_CELL)})
    if how == "unlike":
        return Answer(how, {"why": form.get("unlike", "")[:LONGEST_CELL]})
    if how == "keep":
        return Answer(how, {"law": _line(form, "law"), "until": _day(form, "until")})
    return {"find": _here, "plan": _lines, "erase": _counts, "correct": _entries}[question.verb](question, form, file)


def _here(question: Question, form: Mapping[str, str], file: HandedIn | None) -> Answer:
    typed = {form[f"name-{n}"]: form.get(f"value-{n}", "") for n in range(1, LINES + 1) if form.get(f"name-{n}")}
    typed = {_short(name, "name-1"): value for name, value in typed.items() if value}
    if file is None and not typed:
        raise Invalid(_("Please choose a file, or type in what you hold."), {"file": _("There is no file yet.")})
    if file is None:
        return Answer("here", {"tables": 1}, _json({"": [typed]}))
    read = read_file(file)
    if read.tables is not None:
        tables = read.tables | ({"": [*read.tables.get("", []), typed]} if typed else {})
        for name in tables:
            _require_kind(question, name, "file")
        if not any(tables.values()):
            raise Invalid(_("There are no rows in this file."), {"file": _("There are no rows in this file.")})
        return Answer("here", {"tables": len(tables)}, _json(tables))
    about = {"name": f"{read.stem}.{read.ending}", "ending": read.ending, "media": read.media, "size": len(file.content)}
    about["sha256"] = hashlib.sha256(file.content).hexdigest()
    return Answer("here", {"file": about, "typed": typed}, file.content)


def _lines(question: Question, form: Mapping[str, str], file: HandedIn | None) -> Answer:
    lines = []
    for n in range(1, LINES + 1):
        if not form.get(f"what-{n}"):
            continue
        keeps = form.get(f"action-{n}") == "keep"
        law, until = (_line(form, f"law-{n}"), _day(form, f"until-{n}")) if keeps else ("", None)
        lines.append(
            {
                "what": _require_kind(question, _short(form[f"what-{n}"], f"what-{n}"), f"what-{n}"),
                "rows": _number(form, f"rows-{n}"),
                "action": "keep" if keeps else "delete",
                "law": law,
                "until": until,
            }
        )
    if not lines or not all(each["rows"] for each in lines):
        raise Invalid(_("Please say what you hold and how many."), {"what-1": _("What is it? For example: letters.")})
    return Answer("here", {"lines": lines})


def _counts(question: Question, form: Mapping[str, str], file: HandedIn | None) -> Answer:
    """For each line of the list how many were done; what stays is not counted again."""
    counts = [
        each["rows"] if each["action"] == "keep" else _number(form, f"count-{n}")
        for n, each in enumerate(question.asked["counts"], 1)
    ]
    return Answer("done", {"counts": counts})


def _entries(question: Question, form: Mapping[str, str], file: HandedIn | None) -> Answer:
    done, was = [], []
    for n, each in enumerate(question.asked["entries"], 1):
        said = form.get(f"entry-{n}", "")
        if said not in ENTRIES:
            raise Invalid(_("Please say of each entry what you did."), {f"entry-{n}": _("Please choose one.")})
        if each["held"] is None and said == "done":
            _line(form, f"was-{n}")
        done.append(said)
        was.append(form.get(f"was-{n}", "")[:LONGEST_CELL])
    return Answer("done", {"entries": done, "was": was})


def _require_kind(question: Question, name: str, field: str) -> str:
    """What things are called stays readable when the person is long forgotten, so it may not name them."""
    theirs = [each.casefold() for values in question.asked["identifiers"].values() for each in values]
    if len(name) > LONGEST_LINE or any(each in name.casefold() for each in theirs):
        raise Invalid(_("Please name the kind of things, not the person."), {field: _("For example: letters.")})
    return name


def _line(form: Mapping[str, str], name: str, longest: int = LONGEST_LINE) -> str:
    said = " ".join(form.get(name, "").split())
    if not said or len(said) > longest:
        raise Invalid(_("Something is missing."), {name: _("Please fill this in, shortly.")})
    return said


def _short(text: str, name: str) -> str:
    if len(text) > LONGEST_LINE:
        raise Invalid(_("A field holds more than we can take."), {name: _("Please shorten this text.")})
    return " ".join(text.split())


def _day(form: Mapping[str, str], name: str) -> str | None:
    said = form.get(name, "")
    try:
        return date.fromisoformat(said).isoformat() if said else None
    except ValueError as problem:
        raise Invalid(_("A date is wrong."), {name: _("Please give the day like 2026-12-24.")}) from problem


def _number(form: Mapping[str, str], name: str) -> int:
    said = form.get(name, "")
    if not said.isascii() or not said.isdigit() or len(said) > 4 or int(said) > MOST:
        raise Invalid(_("A number is missing."), {name: _("Please give a whole number, at most %d.") % MOST})
    return int(said)


def _json(tables: Mapping[str, Any]) -> bytes:
    return json.dumps(tables, ensure_ascii=False).encode()
