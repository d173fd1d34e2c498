"""Which tables of a surveyed database are about people, how they hang on each other, and what an erasure could do with them.

A beginning for whoever writes the map, careful where it may be wrong: a row on which somebody else's rows may hang is not
deleted, a second way to a person is told and not taken, and how long a law keeps something is asked and never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from portal.connectors.contract import Action
from portal.connectors.sql import guesses
from portal.connectors.sql.schema import Reference
from portal.connectors.sql.survey import Survey, SurveyedTable

_STAFF = {"employee", "staff", "agent", "angajat"}
_ACTS_ON = {"rep", "support", "by", "assigned", "assignee", "approver", "editor", "handler", "manager", "operator"} | _STAFF


@dataclass
class Proposed:
    """One table of the proposal. `via`: the join to what it hangs on, `own`: its self-reference where that is followed as well;
    `others`: further ways to a person, not taken. `aside`: columns that hold an address and are not searched.
    `shared`: why its rows are not simply deleted, or ""; `pointed_at`: other rows hang on its rows, whosoever.
    `things`: columns that point at a table without a person, and that table (a product); shown, unlike other links.
    `linking`: columns that an emptied row keeps, because they link it; `outside`: those that only tables outside the map need."""

    table: SurveyedTable
    people: bool
    category: str
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    via: Reference | None = None
    own: Reference | None = None
    others: list[Reference] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    on_erase: Action = "delete"
    shared: str = ""
    pointed_at: bool = False
    things: dict[str, str] = field(default_factory=dict)
    linking: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Proposal:
    """`tables` in the order of the map, what hangs on something after it; `rest`: those that nothing joins to a person."""

    survey: Survey
    tables: tuple[Proposed, ...]
    rest: tuple[SurveyedTable, ...]


def propose(survey: Survey) -> Proposal:
    usable = {table.name: table for table in survey.tables if table.key}
    references = [each for each in survey.references if each.child in usable and each.parent in usable]
    addresses = {name: found for name, table in usable.items() if (found := _identifiers(table))}
    people = _people(usable, addresses, references)
    distance = dict.fromkeys(sorted(people), 0)
    chosen: dict[str, Reference] = {}
    ways = [each for each in references if _may_join(each, usable, people)]
    _follow(distance, chosen, ways, usable)
    for name in sorted(addresses.keys() - distance.keys()):
        distance[name] = 0  # an address and nothing to hang on: the address leads to the person
    _follow(distance, chosen, ways, usable)
    proposed = {
        name: Proposed(usable[name], name in people, guesses.category_of(name, people=name in people), via=chosen.get(name))
        for name in sorted(distance, key=lambda name: (distance[name], _root(name, chosen), name))
    }
    for each in proposed.values():
        _give_addresses(each, addresses.get(each.table.name, {}))
        _tell_other_ways(each, references, proposed)
    for each in proposed.values():
        _weigh(each, survey.references, proposed)
    rest = tuple(table for table in survey.tables if table.name not in proposed)
    return Proposal(survey, tuple(_in_families(proposed)), rest)


def _identifiers(table: SurveyedTable) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for column in table.columns:
        if kind := guesses.identifier(column):
            found[kind].append(column.name)
    return {kind: found[kind] for kind in ("email", "phone") if kind in found}


def _people(
    usable: dict[str, SurveyedTable], addresses: dict[str, dict[str, list[str]]], references: list[Reference]
) -> set[str]:
    """Tables whose rows are people; where none looks like that, every table with addresses that hangs on no other."""
    called = {name for name in addresses if guesses.names_people(name)}
    hanging = {each.child for each in references if each.parent in called and each.parent != each.child}
    described = {name for name in addresses if "email" in addresses[name] and _describes_a_person(usable[name])}
    found = called | (described - hanging)
    return found or {
        name
        for name in addresses
        if not any(each.child == name and each.parent in addresses and each.parent != name for each in references)
    }


def _describes_a_person(table: SurveyedTable) -> bool:
    return guesses.names_a_person(table.columns) or any(guesses.meaning(column) == "name" for column in table.columns)


def _may_join(reference: Reference, usable: dict[str, SurveyedTable], people: set[str]) -> bool:
    """A person does not hang on another person; but one row of a person may continue another (the key is the foreign key)."""
    if reference.child == reference.parent:
        return False
    return reference.child not in people or set(reference.columns) == set(usable[reference.child].key)


def _follow(
    distance: dict[str, int], chosen: dict[str, Reference], ways: list[Reference], usable: dict[str, SurveyedTable]
) -> None:
    """The shortest way from each table to a person; over those who merely worked on a row only where there is no other."""
    for allowed in ([each for each in ways if not _is_staff(each)], ways):
        near = sorted(distance, key=lambda name: (distance[name], name))
        while near:
            step: dict[str, list[Reference]] = defaultdict(list)
            for each in allowed:
                if each.parent in near and each.child not in distance:
                    step[each.child].append(each)
            for child, found in step.items():
                chosen[child] = min(found, key=lambda each: (_nullable(each, usable), allowed.index(each)))
                distance[child] = distance[chosen[child].parent] + 1
            near = list(step)


def _is_staff(reference: Reference) -> bool:
    words = {word for column in reference.columns for word in guesses.words_of(column)}
    return bool(words & _ACTS_ON) or bool(set(guesses.words_of(reference.parent)) & _STAFF)


def _nullable(reference: Reference, usable: dict[str, SurveyedTable]) -> bool:
    columns = {column.name: column for column in usable[reference.child].columns}
    return any(name not in columns or columns[name].nullable for name in reference.columns)


def _root(name: str, chosen: dict[str, Reference]) -> str:
    while name in chosen:
        name = chosen[name].parent
    return name


def _give_addresses(each: Proposed, found: dict[str, list[str]]) -> None:
    """A row that always hangs on a person's is theirs; an address in it may be somebody else's, so it is only told."""
    always = each.via is not None and not _nullable(each.via, {each.table.name: each.table})
    linking = set(each.via.columns) if each.via else set()
    if each.people or each.via is None:
        each.identifiers = found
    elif not always:
        each.identifiers = {kind: names for kind, names in found.items() if kind == "email"}
    searched = {name for names in each.identifiers.values() for name in names}
    each.aside = [name for names in found.values() for name in names if name not in searched | linking]


def _tell_other_ways(each: Proposed, references: list[Reference], proposed: dict[str, Proposed]) -> None:
    name = each.table.name
    for reference in references:
        if reference.child != name or reference == each.via or reference.parent not in proposed:
            continue
        followed = reference.parent == name and each.via is not None and _continues(each, proposed)
        if followed and each.own is None:
            each.own = reference
        else:
            each.others.append(reference)


def _continues(each: Proposed, proposed: dict[str, Proposed]) -> bool:
    """Rows that may hang on nothing but another row of their table, and do not name a person of their own (an answer)."""
    if each.via is None or proposed[each.via.parent].people:
        return False
    return _nullable(each.via, {each.table.name: each.table})


def _weigh(each: Proposed, references: Sequence[Reference], proposed: dict[str, Proposed]) -> None:
    """Deleted is only what belongs to the person alone."""
    name = each.table.name
    pointing = [reference for reference in references if reference.parent == name]
    each.pointed_at = bool(pointing)
    strangers = sorted({reference.child for reference in pointing if not _belongs(reference, proposed)})
    owners = [each.via, *each.others] if each.via else []
    persons = [one for one in owners if one and one.parent in proposed and proposed[one.parent].people and not _is_staff(one)]
    if strangers:
        each.shared = "rows of somebody else may point at these"
    elif len({one.columns for one in persons}) > 1:
        each.shared = "a row may belong to several people"
    each.on_erase = "anonymise" if each.shared else "delete"
    searched = {column for names in each.identifiers.values() for column in names}
    within = {column for one in pointing if one.child in proposed for column in one.targets}
    each.linking = frozenset((each.table.linking | within) - searched)
    away = [one for one in references if one.child == name and one.parent not in proposed and len(one.columns) == 1]
    each.things = {one.columns[0]: one.parent for one in away if one.columns[0] not in searched | set(each.table.key)}
    each.outside = frozenset({column for one in pointing for column in one.targets} - each.linking - set(each.table.key))


def _belongs(reference: Reference, proposed: dict[str, Proposed]) -> bool:
    child = proposed.get(reference.child)
    return child is not None and reference in (child.via, child.own)


def _in_families(proposed: dict[str, Proposed]) -> Iterable[Proposed]:
    """Each table, then what hangs on it."""
    hanging: dict[str, list[Proposed]] = defaultdict(list)
    for each in proposed.values():
        if each.via:
            hanging[each.via.parent].append(each)
    waiting = [each for each in reversed(list(proposed.values())) if each.via is None]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(reversed(hanging[each.table.name]))
