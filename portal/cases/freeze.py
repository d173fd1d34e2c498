"""Takes the snapshot of a case: from rows and sealed blobs to the plain values that an approval signs.

Redacted values are left out here, before anything is signed or built, so no later step can bring them back. Field
values become text once, in the person's language, and stay so.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from portal import connectors, consent, documents, subjects, vault
from portal.cases import fanout, findings, laws, models, moves, own_data, portability, review, targets, verification
from portal.cases.package_tables import safe_name
from portal.cases.policy import policy
from portal.cases.snapshot import (
    Category,
    Correction,
    Enclosure,
    Field,
    Held,
    LawText,
    Proven,
    Purpose,
    Removal,
    Row,
    Snapshot,
    System,
    Table,
    pieces,
    read,
)
from portal.cases.timeline import INTERNAL, timeline
from portal.lib import clock
from portal.lib.errors import NotFound
from portal.paper import _, in_language


async def take(row: models.CaseRow, *, answer: str = "", reasons: str = "") -> Snapshot:
    """The case as it stands. Without a database in between, the same case gives the same digest."""
    # A refusal can be given without what was found, when the person was erased meanwhile.
    unread = row.right == "erasure" or ((answer or row.proposed) == "refused" and await findings.are_gone(row))
    found = [] if unread else await findings.read(row)
    titles = dict(fanout.all_systems())
    searches = (
        []
        if unread and row.right != "erasure"
        else await models.Task.filter(case_id=row.id, round=row.round, step=moves.search_step(row.right)).order_by("id")
    )
    law = laws.laws().get(row.law)
    with in_language(row.language):
        published = await consent.purposes()
        systems = tuple(
            _system(task, titles.get(task.system, task.label), [each for each in found if each.system == task.system], published)
            for task in searches
        )
        purposes = _purposes(published)
    if row.right == "portability":
        systems = portability.provided(systems)
    return Snapshot(
        case=row.id,
        right=row.right,
        requester=row.requester,
        language=row.language,
        law=row.law,
        law_title=law.title if law else row.law,
        law_edition=row.law_edition,
        received_at=clock.rfc3339(row.received_at),
        due_on=row.due_on,
        due_because=tuple(row.due_because.get(row.language) or next(iter(row.due_because.values()))),
        taken_at=clock.rfc3339(clock.now()),
        answer=answer or row.proposed,
        reasons=reasons,
        proven=await _proven(row),
        systems=systems,
        purposes=purposes,
        corrections=await corrections(row),
        removals=await _removals(row),
        texts=(LawText(row.law, law.title if law else row.law, row.law_edition), *await _texts(row.language)),
        steps=tuple(step for step in reversed(await timeline(row.id)) if step.event not in INTERNAL),
        enclosures=await _enclosures(row, systems),
    )


async def place(row: models.CaseRow, answer: str) -> tuple[vault.Key, datetime | None]:
    """Under which key a frozen snapshot lies, and until when. An erasure's holds nothing of the person's data; any other is kept
    as long as what was found, which it repeats."""
    if row.right == "erasure" or (answer == "refused" and await verification.is_erased(row)):
        return await verification.case_key(row), None
    return await verification.person_key(row), clock.now() + policy().findings_kept


async def content(snapshot: Snapshot) -> AsyncIterator[bytes]:
    """As it is stored, a portion at a time."""
    for piece in pieces(snapshot):
        yield piece


async def kept(blob_id: str) -> Snapshot:
    return read(b"".join([piece async for piece in vault.read_blob(blob_id)]).decode())


def _system(task: models.Task, label: str, found: list[findings.Found], published: list[consent.Purpose]) -> System:
    """What one system answered, and who receives data for the purposes it serves (Art. 15(1)(c))."""
    names = list(dict.fromkeys(each.category for each in found))
    served = {name: purposes_of(name, task.system, published) for name in names}
    categories = tuple(
        Category(
            name,
            name,
            tuple(_table(each) for each in found if each.category == name),
            purposes=tuple(each.title for each in served[name]),
            retention=_kept(name, served[name]),
        )
        for name in names
    )
    return System(
        name=task.system,
        label=label,
        answered_at=clock.rfc3339(task.answered_at) if task.answered_at else "",
        categories=categories,
        recipients=tuple(recipients_of([(name, task.system) for name in names], published)),
    )


def recipients_of(held: Sequence[tuple[str, str]], published: list[consent.Purpose]) -> list[str]:
    """Who gets data of these categories in these systems, by name."""
    served = [purpose for category, system in held for purpose in purposes_of(category, system, published)]
    return list(dict.fromkeys(name_of(each) for purpose in served for each in purpose.recipients))


async def _enclosures(row: models.CaseRow, systems: tuple[System, ...]) -> tuple[Enclosure, ...]:
    """The files that people handed in, each unless anything was taken out of the row that names it."""
    found = []
    for system in systems:
        tables = [table for category in system.categories for table in category.tables]
        rows = [each for table in tables for each in table.rows if table.name == connectors.person.FILES]
        question = await connectors.person.file_of(row.id, row.round, system.name) if rows else None
        if question is None or question.blob is None or rows[0].redacted or any(each.redacted for each in rows[0].fields):
            continue
        about = question.answer["file"]
        stem = safe_name(f"{system.name}-{about['name'].rpartition('.')[0]}")
        found.append(Enclosure(f"files/{stem}.{about['ending']}", question.blob, about["sha256"]))
    return tuple(found)


def purposes_of(category: str, system: str, published: list[consent.Purpose]) -> list[consent.Purpose]:
    """The purposes that a map's category stands for: of the same name, or bound by the retention rule of that name.

    What the portal itself holds is there to prove choices and answers, whatever they were about.
    """
    if system == own_data.NAME:
        return []
    rule = documents.retention().get(category)
    wanted = {category, *(rule.purposes if rule else ())}
    return [each for each in published if each.key in wanted]


def _kept(category: str, purposes: list[consent.Purpose]) -> str:
    """The rule of that name, else what the purposes say; empty when nothing is published about it (Art. 15(1)(d))."""
    rule = documents.retention().get(category)
    if rule is None:
        return " ".join(dict.fromkeys(each.retention for each in purposes))
    return _("%(period)s from %(starts)s, %(why)s") % {"period": rule.period, "starts": rule.starts, "why": rule.why}


def name_of(recipient: str) -> str:
    """Without the words in brackets that say what they do, which stand with the purpose."""
    return recipient.partition(" (")[0].strip()


def _table(found: findings.Found) -> Table:
    rows = []
    for number, row in enumerate(found.rows):
        # What names an entry may be the very value that was taken out.
        named = {name: value for name, value in row.key.items() if (number, name) not in found.redacted}
        key = ", ".join(f"{name}={value}" for name, value in named.items()) or str(number + 1)
        whole = found.redacted.get((number, ""), "")
        if whole:
            rows.append(Row(key=str(number + 1), fields=(), redacted=whole))
            continue
        fields = tuple(_field(each, found.redacted.get((number, each.column), "")) for each in row.fields)
        rows.append(Row(key, fields))
    return Table(found.table, found.label, tuple(rows))


def _field(stored: connectors.Field, redacted: str) -> Field:
    text = "" if redacted else as_text(stored.value)
    inferred = stored.category.startswith("inferred")
    return Field(stored.column, stored.label, text, inferred=inferred, redacted=redacted)


def as_text(value: Any) -> str:
    """A value as it stands in a snapshot, in the language of the moment."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


async def _proven(row: models.CaseRow) -> tuple[Proven, ...]:
    proven = []
    for each in await models.CaseIdentifier.filter(case_id=row.id).order_by("proven_at", "id"):
        identifier = await subjects.get(each.identifier)
        value = await subjects.value_of(identifier)
        if value is None:
            # After the erasure only the case remembers which address asked, and that only for a while.
            value = await verification.address_or_nothing(row)
        masked = subjects.mask(identifier.kind, value)
        shown = "" if row.right == "erasure" else value
        proven.append(Proven(identifier.kind, masked, shown, each.how, clock.rfc3339(each.proven_at)))
    return tuple(proven)


async def corrections(row: models.CaseRow) -> tuple[Correction, ...]:
    """Field by field what was asked, where it stands and what became of it."""
    return tuple(
        Correction(
            field=each["field"],
            label=each["field"].replace("_", " "),
            old=each["old"],
            new=each["new"],
            accepted=each["accepted"],
            why=each["why"],
            statement=each["statement"],
            read_back=each["read_back"],
            held=tuple(_held(target) for target in each["targets"]),
        )
        for each in await review.corrections(row.id)
    )


def _held(target: targets.Target) -> Held:
    key = ", ".join(f"{name}={value}" for name, value in target.key.items())
    return Held(
        system=target.title,
        label=target.label,
        table=target.table,
        key=key,
        column=target.column,
        old=target.old,
        correctable=target.correctable,
        chosen=target.chosen,
        read_back=target.read_back,
    )


async def _removals(row: models.CaseRow) -> tuple[Removal, ...]:
    if row.right != "erasure":
        return ()
    tasks = await models.Task.filter(case_id=row.id, round=row.round, step="erase")
    done = {task.system: task for task in tasks if task.state == "answered"}
    removals = []
    for each in await models.FindingRow.filter(case_id=row.id, round=row.round).order_by("id"):
        task = done.get(each.system)
        acted = task is not None and each.about["action"] != "keep"
        removals.append(
            Removal(
                system=each.system,
                table=each.table_name,
                label=each.label,
                action={"null": "clear"}.get(each.about["action"], each.about["action"]),
                rows=each.row_count,
                law=each.about["law"],
                until=each.about["until"],
                done=each.row_count if acted else None,
                left=0 if acted else None,
                why=connectors.SINGLED_OUT if each.about.get("why") == connectors.SINGLED_OUT else "",
            )
        )
    return tuple(removals)


def _purposes(published: list[consent.Purpose]) -> tuple[Purpose, ...]:
    return tuple(
        Purpose(
            name=each.key,
            title=each.title,
            basis=consent.basis_sentence(each.basis),
            recipients=each.recipients,
            retention=each.retention,
            edition=each.edition,
        )
        for each in published
    )


async def _texts(language: str) -> tuple[LawText, ...]:
    """The statement and the notices that are in force, by edition."""
    texts = []
    for kind in ("statement", "notice"):
        for key in await documents.keys(kind):
            try:
                edition = await documents.in_force(key, language)
            except NotFound:
                continue  # published, but in force only later
            texts.append(LawText(key, edition.title, edition.name))
    return tuple(texts)
