"""Where a field that shall be corrected stands, and which of these entries change (GDPR Art. 16, 5(1)(d)).

Settled when every system has answered: a system's only entry changes; of several, those that say what the person said
it says now; where neither decides, an officer chooses. Entries that cannot be corrected are kept too, to be named.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any

from portal import connectors, db, vault
from portal.cases import findings, models, moves, states, verification
from portal.lib.errors import Conflict, Invalid
from portal.paper import _
from portal.vault import Place

NONE_OF = "none-"  # an officer's choice: no entry of this system is meant
_NOT_THEIRS = ("third party", "wrong person")


@dataclass(frozen=True)
class Target:
    """One entry that holds the field. `settled` is None where an officer has to choose; `chosen` entries are corrected.

    `title` is the system's, `label` the table's, `name` the column's, for people. `key` names the row in its system.
    """

    id: str
    system: str
    title: str
    table: str
    label: str
    key: dict[str, Any]
    column: str
    name: str
    old: str
    correctable: bool
    settled: bool | None = False
    chosen: bool = False
    read_back: bool | None = None


async def settle(row: models.CaseRow) -> None:
    """Inside `writing()`, when every system has answered: note for each field where it stands and what needs no choice."""
    wanted = await models.CorrectionRow.filter(case_id=row.id)
    if row.right != "rectification" or not wanted:
        return
    key = await verification.case_key(row)
    # Of several e-mail addresses the one that the person asked with is meant, unless they say another.
    own = {"email": await verification.case_address(row)} if row.address_kind == "email" and row.requester == "me" else {}
    said = own | json.loads(key.open(Place("case_file", "details", row.id), row.details)).get("old", {})
    searches = await models.Task.filter(case_id=row.id, round=row.round, step=moves.search_step(row.right))
    titles = {each.system: each.label for each in searches}
    found = await findings.read(row)
    for each in wanted:
        new = key.open(Place("case_correction", "new", each.id), each.new)
        await keep(key, each, settled(_standing(found, titles, each.field), new, said.get(each.field, "")))


async def settle_again(row: models.CaseRow) -> None:
    """Inside `writing()`: an entry turned out to be somebody else's, or not to be; what was agreed to is asked anew."""
    if row.right == "rectification" and row.state == states.REVIEWING:
        await forget(row)
        await settle(row)


async def forget(row: models.CaseRow) -> None:
    """Inside `writing()`: the systems are asked anew, so what was found, agreed to and read back counts no more."""
    await db.run("UPDATE case_correction SET targets = NULL, old = NULL, read_back = NULL WHERE case_id = ?", row.id)
    await db.run("UPDATE case_correction SET accepted = NULL WHERE case_id = ? AND accepted = 1", row.id)


async def keep(key: vault.Key, correction: models.CorrectionRow, targets: Sequence[Target]) -> None:
    """Inside `writing()`: store the entries, and the values that are (or may be) replaced as the correction's `old`."""
    olds = [each.old for each in targets if each.chosen] or [each.old for each in targets if each.correctable]
    text = json.dumps([asdict(each) for each in targets], ensure_ascii=False)
    correction.targets = key.seal(Place("case_correction", "targets", correction.id), text)
    correction.old = key.seal(Place("case_correction", "old", correction.id), "; ".join(dict.fromkeys(filter(None, olds))))
    await correction.save(update_fields=["targets", "old"])


def kept(key: vault.Key, correction: models.CorrectionRow) -> tuple[Target, ...]:
    if correction.targets is None:
        return ()
    stored = json.loads(key.open(Place("case_correction", "targets", correction.id), correction.targets))
    return tuple(Target(**each) for each in stored)


def settled(standing: Iterable[Target], new: str, said: str) -> tuple[Target, ...]:
    """Which entries change without a choice: the only one of a system, or those that the person described.

    An entry that is right already is written once more, which does no harm; beside it nothing is changed unasked.
    """
    every = list(standing)
    able = [each for each in every if each.correctable]
    # A field that is empty everywhere is completed; otherwise only entries that hold it are corrected.
    able = [each for each in able if each.old] or able
    described = {each.id for each in able if said and alike(each.old, said) and not alike(each.old, new)}
    done: list[Target] = []
    for _system, group in groupby(able, key=lambda each: each.system):
        of_system = list(group)
        right = {each.id for each in of_system if alike(each.old, new)}
        rest = {each.id for each in of_system} - right
        if rest & described:
            changing: set[str] | None = rest & described
        elif not rest:
            changing = set()
        else:
            changing = rest if len(rest) == 1 and not right and not described else None
        for each in of_system:
            yes = None if changing is None and each.id in rest else each.id in right or each.id in (changing or ())
            done.append(replace(each, settled=yes, chosen=bool(yes)))
    stuck = [each for each in every if not each.correctable and each.old and not alike(each.old, new)]
    return (*done, *stuck)


def choose(field: str, targets: Sequence[Target], picked: Sequence[str]) -> tuple[Target, ...]:
    """The entries as an officer decided: ids, or NONE_OF with a system's name where none of its entries is meant."""
    undecided = {each.id: each.system for each in targets if each.settled is None}
    systems = set(undecided.values())
    picks = set(picked)
    if not picks <= undecided.keys() | {NONE_OF + each for each in systems}:
        raise Invalid(_("Please choose again: the systems have been asked anew."), {"rows": _("These entries are not there.")})
    for system in sorted(systems):
        of_system = {each for each, place in undecided.items() if place == system}
        if bool(picks & of_system) == (NONE_OF + system in picks):
            raise Invalid(
                _("This stands in several entries. Please choose which ones to correct."),
                {"rows": _("Choose entries, or say that none of them is meant.")},
            )
    chosen = tuple(replace(each, chosen=each.settled is True or each.id in picks) for each in targets)
    if not any(each.chosen for each in chosen):
        raise Conflict(_("No connected system can correct this: %s. Decline it, and tell the person why.") % field)
    return chosen


async def chosen_systems(row: models.CaseRow) -> set[str]:
    """Where something is to be written."""
    key = await verification.case_key(row)
    accepted = await models.CorrectionRow.filter(case_id=row.id, accepted=1)
    return {target.system for each in accepted for target in kept(key, each) if target.chosen}


def rows_in(system: str, targets: Iterable[Target]) -> list[connectors.RowName]:
    """With what each said when it was looked at: written is what was decided about and nothing newer."""
    return [connectors.RowName(each.table, each.key, each.old) for each in targets if each.chosen and each.system == system]


def stuck(targets: Iterable[Target]) -> list[Target]:
    """Entries that still hold the old value, because their system does not let it be corrected."""
    return [each for each in targets if not each.correctable]


def alike(one: str, other: str) -> bool:
    """As people write: case and spaces say nothing."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _standing(found: Iterable[findings.Found], titles: dict[str, str], field: str) -> list[Target]:
    """Every entry about the field: the map says so, or a column is called like one that the map says so of."""
    entries = [
        (table, row.key, value)
        for table in found
        for number, row in enumerate(table.rows)
        if table.redacted.get((number, "")) not in _NOT_THEIRS
        for value in row.fields
    ]
    names = {_plain(field)}
    for _table, _key, value in entries:
        if value.means == field:
            names |= {_plain(value.column), _plain(value.label)}
    return [
        Target(
            id=_name(table.system, table.table, key, value.column),
            system=table.system,
            title=titles.get(table.system, table.system),
            table=table.table,
            label=table.label,
            key=key,
            column=value.column,
            name=value.label,
            old=connectors.as_text(value.value),
            correctable=value.means == field and value.correctable,
        )
        for table, key, value in entries
        if value.means == field or (not value.means and names & {_plain(value.column), _plain(value.label)})
    ]


def _plain(name: str) -> str:
    """`PostCode`, `post_code`, `Post code` → "postcode"."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _name(*place: Any) -> str:
    return hashlib.sha256(json.dumps(place, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
