"""What an answer means in the words of the contract: findings, a dry run, something done; or why it cannot go on like this."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from portal import vault
from portal.connectors.contract import Change, ConnectorError, Field, Finding, Outcome, Plan, PlanRow, RowName, Value
from portal.connectors.person.colleague import Colleague
from portal.connectors.person.files import slug
from portal.connectors.person.questions import Question
from portal.connectors.systems import System
from portal.paper import _

GENERIC = ("name", "email", "phone", "street", "city", "postcode", "language")
FILES = "handed-in"


async def findings(question: Question, who: Colleague) -> list[Finding]:
    """A file is one finding; tables and typed fields are rows."""
    if question.how == "nothing":
        return []
    file = question.answer.get("file")
    if file is not None:
        named = _file_fields(question, file, who)
        typed = question.answer["typed"]
        rows = _rows({"": [typed]} if typed else {}, question, who)
        return [Finding(FILES, _key(question, 1), who.category, _("Files"), named), *rows]
    try:
        content = b"".join([piece async for piece in vault.read_blob(question.blob or "")])
    except (vault.Shredded, vault.Tampered) as gone:
        raise ConnectorError(_("What they sent is not kept any more. Please ask anew."), permanent=True) from gone
    return _rows(json.loads(content), question, who)


def plan_rows(question: Question) -> tuple[PlanRow, ...]:
    if question.how == "nothing":
        return ()
    rows: list[PlanRow] = []
    number: dict[str, int] = {}
    for line in question.answer["lines"]:
        table = slug(line["what"])
        for _row in range(line["rows"]):
            number[table] = number.get(table, 0) + 1
            rows.append(
                PlanRow(table, line["what"], _key(question, number[table]), line["action"], {}, line["law"], line["until"])
            )
    return tuple(rows)


def require_deleted(question: Question, plan: Plan) -> None:
    """Their counts are those of the dry run; anything else stops for an officer, who asks anew."""
    _require_as_asked(question, _("What is there now is not what the dry run saw. Nothing was changed; make a new dry run."))
    if question.asked["plan"] != plan.hash:
        raise ConnectorError(_("They were asked something else before. Please ask anew."), permanent=True)
    planned = [each.rows for each in plan.counts]
    differing = [
        each.label for each, said, asked in zip(plan.counts, question.answer["counts"], planned, strict=True) if said != asked
    ]
    if differing:
        what = _("It says that it did something else than the dry run in %s. Please look there, then ask again.")
        raise ConnectorError(what % ", ".join(dict.fromkeys(differing)), permanent=True)


def entries(
    system: System, changes: Mapping[str, str | None], rows: Mapping[str, Sequence[RowName]] | None
) -> list[dict[str, Any]]:
    """Where to write what, one by one; `held` is None where they have to say what it said."""
    if rows is None:
        place = RowName(slug(system.title), {})
        chosen: Mapping[str, Sequence[RowName]] = {field: [place] for field in changes}
    else:
        chosen = rows
    return [{"field": field, "new": changes[field], **asdict(each)} for field, places in chosen.items() for each in places]


def corrected(question: Question, *, chosen: bool) -> Outcome:
    _require_as_asked(question, _("A value was changed there after this correction was decided. Nothing was written."))
    changed, missing = [], []
    said = zip(question.asked["entries"], question.answer["entries"], question.answer["was"], strict=True)
    for entry, did, was in said:
        if did == "missing" and chosen:
            raise ConnectorError(_("What was to be corrected is no longer there under this person."), permanent=True)
        if did == "missing":
            missing.append(entry["field"])
            continue
        held = was if entry["held"] is None else entry["held"]
        old = entry["new"] if did == "already" else held
        changed.append(Change(entry["table"], entry["key"], entry["field"], entry["field"], old, entry["new"]))
    return Outcome(done=not missing, changed=tuple(changed), missing=tuple(missing))


def _require_as_asked(question: Question, unlike: str) -> None:
    if question.how == "keep":
        until = question.answer["until"] or _("no end")
        what = _("They say that it must be kept: %(law)s (%(until)s). Please ask anew, or decide.")
        raise ConnectorError(what % {"law": question.answer["law"], "until": until}, permanent=True)
    if question.how == "unlike":
        raise ConnectorError(unlike, permanent=True)


def _file_fields(question: Question, file: Mapping[str, Any], who: Colleague) -> tuple[Field, ...]:
    told = (("file", _("Name"), file["name"]), ("kind", _("Kind"), file["media"]), ("bytes", _("Size in bytes"), file["size"]))
    return tuple(
        Field(column, label, value, who.category, identifying=False)
        for column, label, value in (*told, ("sha256", "SHA-256", file["sha256"]))
    )


def _rows(tables: Mapping[str, list[dict[str, Value]]], question: Question, who: Colleague) -> list[Finding]:
    theirs = {_bare(value) for values in question.asked["identifiers"].values() for value in values}
    wanted = {_bare(each): each for each in (*GENERIC, *question.asked["fields"])}
    found, number = [], dict[str, int]()
    for name, rows in tables.items():
        table = slug(name or who.title)
        for row in rows:
            number[table] = number.get(table, 0) + 1
            fields = tuple(_field(*each, who.category, theirs, wanted) for each in _columns(row))
            found.append(Finding(table, _key(question, number[table]), who.category, name or who.title, fields))
    return found


def _key(question: Question, number: int) -> dict[str, Any]:
    """Folders have no keys: the person's first, second, third thing, the person being a keyed hash of their addresses."""
    of = vault.blind("by-hand", json.dumps(question.asked["identifiers"], sort_keys=True)).hex()[:8]
    return {"entry": f"{of}-{number}"}


def _field(column: str, label: str, value: Value, category: str, theirs: set[str], wanted: Mapping[str, str]) -> Field:
    """A person can correct by hand whatever they wrote down by hand."""
    means = wanted.get(_bare(label), "")
    return Field(column, label, value, category, _bare(str(value)) in theirs, means, correctable=means != "")


def _columns(row: Mapping[str, Value]) -> list[tuple[str, str, Value]]:
    """Each with a name of its own, also where two labels differ by their spelling alone."""
    found: dict[str, tuple[str, str, Value]] = {}
    for label, value in row.items():
        column = slug(label)
        while column in found:
            column += "-2"
        found[column] = (column, label, value)
    return list(found.values())


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
