"""A proposal as the text of a map that the map's own reader takes, with what is not certain beside it as comments.

The comments are for whoever connects the system and are part of the file, in the language of its keys. Lines that begin
with `# QUESTION` want an answer before the map is used.
"""

from collections.abc import Iterable, Iterator, Mapping

from portal.connectors.contract import Value
from portal.connectors.sql import guesses, joins
from portal.connectors.sql.proposing import Proposal, Proposed
from portal.connectors.sql.schema import Reference, in_words
from portal.connectors.sql.survey import ROWS_LOOKED_AT, SurveyedColumn, SurveyedTable
from portal.handwritten import header, key, quoted, setting

_MOST_LINES = 5000  # about columns, in a whole map
_MOST_NAMED = 300  # tables without a person
_DATES = frozenset(["date", "at", "on", "created", "updated", "birth", "born", "birthday", "time", "data"])
_EMPTIED: Mapping[str, Value] = {
    **{"whole": 0, "number": 0, "truth": False},
    **{"day": "1900-01-01", "moment": "1900-01-01 00:00:00", "instant": "1900-01-01 00:00:00+00:00", "time": "00:00:00"},
}
_WIDE = 40  # letters that an address with a key in it may take


def text_of(proposal: Proposal) -> str:
    """The whole map, as TOML."""
    told = [*_top(proposal), *_tables(proposal), *_rest(proposal)]
    return "\n".join(told) + "\n"


def _top(proposal: Proposal) -> Iterator[str]:
    yield "# Proposed from the live schema: a beginning, to be read line by line. docs/integrate.md explains each key."
    yield f"# Shares are of the first {ROWS_LOOKED_AT} rows of each table. A column that stands only in a comment has no known"
    yield "# purpose: say one (columns), or that it concerns nobody (ignore). Until then people are shown it under its own name."
    numbers = [column for each in proposal.tables for column in each.table.columns if guesses.identifier(column) == "phone"]
    if any(column.looks != "international" for column in numbers):
        yield "# QUESTION region: which country's are telephone numbers that stand here without its code?"
        yield '# region = "…"'
    if proposal.survey.schema:
        yield setting("schema", proposal.survey.schema)
    if not proposal.tables:
        yield "# QUESTION people: no column looks like an address of a person. In which table do people stand?"


def _tables(proposal: Proposal) -> Iterator[str]:
    room = _MOST_LINES
    for each in proposal.tables:
        columns = list(_columns(each))
        yield from ("", *_table(each))
        yield from columns[: max(room, 0)]
        if len(columns) > room:
            yield f"# {len(columns) - max(room, 0)} more columns are not listed here."
        room -= len(columns)


def _table(each: Proposed) -> Iterator[str]:
    table = each.table
    yield header("tables", table.name)
    if table.rows is None:
        yield "# It could not be read in time: what follows rests on names alone."
    elif not table.rows:
        yield "# It is empty: what follows rests on names alone."
    yield setting("label", in_words(table.name).strip() or table.name)
    yield setting("category", each.category)
    if each.identifiers:
        several = {kind: names[0] if len(names) == 1 else names for kind, names in each.identifiers.items()}
        yield f"identifiers = {{ {', '.join(setting(kind, names) for kind, names in several.items())} }}"
    if each.identifiers and not each.people and not each.via:
        yield "# QUESTION people: an address stands here, though the table is not called after people. Is each row one person's?"
    for name in each.aside:
        yield f"# QUESTION whose: {key(name)} looks like an address. The person's own? Then it belongs in identifiers."
    if each.via:
        yield setting("via", [_join(one) for one in (each.via, each.own) if one])
    if each.own:
        yield "# QUESTION answers: rows that hang on another row of this table are taken for the same person's. Are they?"
    for one in each.others:
        asked = "another person, so it is not followed:" if each.people else "a person as well. The same one?"
        yield f"# {'' if each.people else 'QUESTION '}second way: this leads to {asked} {quoted(_join(one))}"
    if not table.declared:
        yield setting("key", list(table.key))
    yield from _erasure(each)
    for column in table.columns:
        if guesses.special(column.name):
            yield f"# QUESTION special: does {key(column.name)} say something about health, belief, origin … (GDPR Art. 9)?"


def _erasure(each: Proposed) -> Iterator[str]:
    if guesses.may_be_held(each.category):
        yield "# QUESTION retention: does a law keep these rows (accounting, tax, work)? Say which, how long and from when:"
        yield '# hold = { law = "…", keep = "… years", from = "…" }'
    if each.shared:
        yield f"# Not deleted, because {each.shared}."
    yield setting("on_erase", each.on_erase)
    hidden = [column.name for column in each.table.columns if guesses.secret(column) and not _stays(each, column)]
    if each.shared or each.pointed_at:
        yield from _emptying(each, hidden)
    if hidden:
        yield "# Proves who somebody is: it is shown to nobody."
        yield setting("ignore", hidden)


def _emptying(each: Proposed, hidden: list[str]) -> Iterator[str]:
    """For rows that stay: values for what may not be empty, and for secrets, which `ignore` would spare."""
    values: dict[str, Value] = {}
    kept = sorted(each.outside)
    for column in each.table.columns:
        if _stays(each, column) or column.name in kept or (column.nullable and column.name not in hidden):
            continue
        value = _emptied(column)
        if value is not None:
            values[column.name] = value
        elif not column.nullable:
            kept.append(column.name)
    if values:
        why = "Emptied" if each.shared else "If a row has to stay because kept rows point at it, it is emptied"
        yield f"# {why}; these columns may not be empty:" if not hidden else f"# {why}; these columns get a value:"
        yield f"anonymise = {{ {', '.join(_assigned(name, value) for name, value in values.items())} }}"
    if kept:
        yield "# QUESTION values: these stay, since nobody knows what could stand there instead. Do they single anybody out?"
        yield setting("keep", kept)
    for name in each.table.key:
        if each.shared and guesses.identifier(each.table.column(name)):
            yield f"# QUESTION key: {key(name)} is the key and an address: it stays when a row is emptied. Can rows be deleted?"


def _stays(each: Proposed, column: SurveyedColumn) -> bool:
    """Keys and links stay as they are, and nobody writes what the database computes."""
    return column.computed or column.name in each.table.key or column.name in each.linking


def _emptied(column: SurveyedColumn) -> Value:
    """What can stand there instead, None where that is not known. What is different in each row is made of the row's key."""
    if column.kind == "text":
        return _emptied_text(column)
    return None if column.unique else _EMPTIED.get(column.kind)


def _emptied_text(column: SurveyedColumn) -> str:
    room = column.length or _WIDE
    if guesses.identifier(column) == "email" and room >= _WIDE:
        return "erased-{key}@example.invalid"
    if column.unique:
        return "erased-{key}" if room >= _WIDE else "{key}"
    if guesses.secret(column):
        return ""
    if _DATES & set(guesses.words_of(column.name)) and room >= len("1900-01-01"):
        return "1900-01-01"
    return "Erased" if room >= len("Erased") else ""


def _columns(each: Proposed) -> Iterator[str]:
    """A line for each column that is shown; those whose purpose is not known only as a comment."""
    natural = {name for name in each.table.key if each.table.column(name).kind in ("text", "day", "moment")}
    hidden = {*each.linking, *(set(each.table.key) - natural)} - {name for names in each.identifiers.values() for name in names}
    correctable: dict[str, str] = {}
    for column in each.table.columns:
        if column.name in hidden or guesses.secret(column):
            continue
        field = guesses.meaning(column)
        if each.people and field and not column.computed and column.name not in each.table.key:
            correctable.setdefault(field, column.name)
        yield _column(column)
    for name, parent in each.things.items():
        yield f"columns.{key(name)} = {quoted(in_words(name).strip() or name)}  # points at {key(parent)}"
    if correctable:
        yield f"correctable = {{ {', '.join(setting(name, column) for name, column in correctable.items())} }}"


def _column(column: SurveyedColumn) -> str:
    label = in_words(column.name).strip() or column.name
    told = f"{round(column.filled * 100)} % filled" if column.filled is not None else "not looked into"
    name = f"columns.{key(column.name)}"
    if guesses.inferred(column):
        return f'{name} = {{ {setting("label", label)}, category = "inferred" }}  # {told}'
    if not guesses.known(column):
        return f"# {name} = {quoted(label)}  # {told}; NO PURPOSE KNOWN"
    return f"{name} = {quoted(label)}  # {told}"


def _assigned(name: str, value: Value) -> str:
    return setting(name, value) if isinstance(value, str) else f"{key(name)} = {str(value).lower()}"


def _join(reference: Reference) -> str:
    return joins.written(reference.child, reference.parent, zip(reference.columns, reference.targets, strict=True))


def _rest(proposal: Proposal) -> Iterator[str]:
    """What is not in the map, as comments; with a join where a column is called like a key of a table in the map."""
    survey = proposal.survey
    if proposal.rest:
        yield "\n# Tables that no foreign key joins to a person:"
    for table in proposal.rest[:_MOST_NAMED]:
        about = "" if table.key else "; nothing tells its rows apart, so it needs a key"
        about += "; it could not be read" if table.rows is None else ""
        about += "; its columns read like a person's" if guesses.names_a_person(table.columns) else ""
        yield f"# {key(table.name)}: {len(table.columns)} columns{about}"
        yield from (f"#   QUESTION by name: via = {quoted(each)}" for each in _by_name(table, proposal.tables))
    if len(proposal.rest) > _MOST_NAMED:
        yield f"# and {len(proposal.rest) - _MOST_NAMED} more"
    if survey.more_tables:
        yield f"# {survey.more_tables} more tables were not looked at."
    if survey.views:
        yield "# Views, whose rows stand in tables: " + ", ".join(map(key, survey.views[:_MOST_NAMED]))


def _by_name(table: SurveyedTable, mapped: Iterable[Proposed]) -> Iterator[str]:
    for column in table.columns:
        words = guesses.words_of(column.name)
        for each in mapped:
            if len(each.table.key) == 1 and words[-1:] == ["id"] and words[:-1] == guesses.words_of(each.table.name):
                yield joins.written(table.name, each.table.name, [(column.name, each.table.key[0])])
