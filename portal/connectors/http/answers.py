"""What a service may answer to each question, in the shapes of the contract; anything else is refused (docs/integrate.md).

It knows its own rows, so it says which there are; what was agreed beforehand it cannot change: the tables of its entry,
the plan that was approved, the rows and values of a correction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from portal.connectors.contract import (
    POINTED_AT,
    Action,
    Change,
    ConnectorError,
    Field,
    Finding,
    Key,
    Leftover,
    Outcome,
    Plan,
    PlanRow,
    RowName,
    as_text,
)
from portal.connectors.http.reading import count, day, items, key, label, members, name, scalar, truth, wrong
from portal.paper import _

_ACTIONS: tuple[Action, ...] = get_args(Action)


def finding(value: Any, place: str) -> Finding:
    given = members(value, place, ("table", "key", "category", "label", "fields"))
    category = name(given["category"], f"{place}.category")
    fields = items(given["fields"], f"{place}.fields", lambda each, where: _field(each, where, category))
    if len({each.column for each in fields}) != len(fields):
        wrong(f"{place}.fields", _("a column stands here twice."))
    return Finding(
        name(given["table"], f"{place}.table"),
        key(given["key"], f"{place}.key"),
        category,
        label(given["label"], f"{place}.label"),
        tuple(fields),
    )


def plan_row(value: Any, place: str) -> PlanRow:
    """A kept row names its law; a deleted one has nothing to overwrite."""
    given = members(value, place, ("table", "label", "key", "action"), ("set", "law", "until", "why"))
    action = next((each for each in _ACTIONS if each == given["action"]), None)
    if action is None:
        wrong(f"{place}.action", _("this must be one of %s.") % ", ".join(_ACTIONS))
    new = given.get("set", {})
    if not isinstance(new, dict) or (action == "delete" and new):
        wrong(f"{place}.set", _("this must be an object, and empty where a row is deleted."))
    law = label(given.get("law", ""), f"{place}.law", empty=action != "keep")
    if given.get("why", "") not in ("", POINTED_AT):
        wrong(f"{place}.why", _("this must be one of %s.") % POINTED_AT)
    return PlanRow(
        name(given["table"], f"{place}.table"),
        label(given["label"], f"{place}.label"),
        key(given["key"], f"{place}.key"),
        action,
        {name(each, f"{place}.set"): scalar(part, f"{place}.set") for each, part in new.items()},
        law,
        day(given.get("until"), f"{place}.until"),
        given.get("why", ""),
    )


def leftover(value: Any, place: str) -> Leftover:
    given = members(value, place, ("table", "label", "key", "expected"), ("law", "until"))
    return Leftover(
        name(given["table"], f"{place}.table"),
        label(given["label"], f"{place}.label"),
        key(given["key"], f"{place}.key"),
        truth(given["expected"], f"{place}.expected"),
    )


def as_planned(left: Iterable[Leftover], plan: Plan) -> list[Leftover]:
    """Only a row that the plan keeps may stay, for the law and the time that the plan says."""
    kept = {row_id(row.table, row.key): row for row in plan.rows if row.action == "keep"}
    found = []
    for each in left:
        row = kept.get(row_id(each.table, each.key))
        if row is not None and each.expected:
            found.append(Leftover(row.table, row.label, row.key, True, row.law, row.until))
        else:
            found.append(Leftover(each.table, each.label, each.key, False))
    return found


def require_done(value: Any, plan: Plan) -> None:
    """The counts of what was done are those of the plan, table by table and action by action."""
    done: Counter[tuple[str, str]] = Counter()
    for table, action, rows in items(members(value, "answer", ("counts",))["counts"], "counts", _count):
        done[table, action] += rows
    planned: Counter[tuple[str, str]] = Counter((row.table, row.action) for row in plan.rows)
    differing = sorted({table for table, action in done.keys() | planned.keys() if done[table, action] != planned[table, action]})
    if differing:
        what = _("It says that it did something else than the dry run in %s. Please look there, then ask again.")
        raise ConnectorError(what % ", ".join(differing), permanent=True)


def corrected(value: Any, changes: Mapping[str, str | None], rows: Mapping[str, Sequence[RowName]] | None) -> Outcome:
    """Every row that was chosen is answered for, no other, and each value was re-read as the one that was asked for."""
    given = members(value, "answer", ("changed", "missing"))
    missing = items(given["missing"], "missing", name)
    changed = items(given["changed"], "changed", _change)
    if not set(missing) <= changes.keys() or len(set(missing)) != len(missing):
        wrong("missing", _("a field stands here that was not asked about."))
    for number, each in enumerate(changed):
        if each.field not in changes or each.field in missing:
            wrong(f"changed[{number}].field", _("a field stands here that was not asked about."))
        if as_text(each.new) != as_text(changes[each.field]):
            raise ConnectorError(_("%s: re-reading shows another value than the corrected one.") % each.table, permanent=True)
    if rows is not None:
        asked = {(name, row_id(row.table, row.key)) for name, of_field in rows.items() for row in of_field if name not in missing}
        if asked != {(each.field, row_id(each.table, each.key)) for each in changed}:
            wrong("changed", _("these are not the rows that were chosen."))
    refuse_twice((each.field, row_id(each.table, each.key), each.column) for each in changed)
    return Outcome(done=not missing, changed=tuple(changed), missing=tuple(missing))


def tables_and_problems(value: Any) -> tuple[list[str], list[str]]:
    given = members(value, "answer", ("tables",), ("problems",))
    return items(given["tables"], "tables", name), items(given.get("problems", []), "problems", label)


def nothing_more(value: Any) -> None:
    members(value, "answer", ())


def require_listed(found: Iterable[str], tables: Collection[str]) -> None:
    """A table that the owner of the list has not named is no part of what was agreed."""
    if unknown := sorted(set(found) - set(tables)):
        what = _("It answers about tables that are not in the list of systems: %s. Add them there, or have it repaired.")
        raise ConnectorError(what % ", ".join(unknown[:5]), permanent=True)


def refuse_twice(names: Iterable[Any], *, permanent: bool = True) -> None:
    if any(times > 1 for times in Counter(names).values()):
        raise ConnectorError(_("It names the same row twice in one answer."), permanent)


def row_id(table: str, key: Key) -> tuple[str, tuple[tuple[str, str | int], ...]]:
    return table, tuple(sorted(key.items()))


def _field(value: Any, place: str, category: str) -> Field:
    given = members(value, place, ("column", "label", "value"), ("category", "identifying", "means", "correctable"))
    return Field(
        name(given["column"], f"{place}.column"),
        label(given["label"], f"{place}.label"),
        scalar(given["value"], f"{place}.value"),
        name(given.get("category", category), f"{place}.category"),
        truth(given.get("identifying", False), f"{place}.identifying"),
        name(given["means"], f"{place}.means") if given.get("means", "") != "" else "",
        truth(given.get("correctable", False), f"{place}.correctable"),
    )


def _count(value: Any, place: str) -> tuple[str, str, int]:
    given = members(value, place, ("table", "action", "rows"))
    return (
        name(given["table"], f"{place}.table"),
        name(given["action"], f"{place}.action"),
        count(given["rows"], f"{place}.rows"),
    )


def _change(value: Any, place: str) -> Change:
    given = members(value, place, ("table", "key", "column", "field", "old", "new"))
    return Change(
        name(given["table"], f"{place}.table"),
        key(given["key"], f"{place}.key"),
        name(given["column"], f"{place}.column"),
        name(given["field"], f"{place}.field"),
        scalar(given["old"], f"{place}.old"),
        scalar(given["new"], f"{place}.new"),
    )
