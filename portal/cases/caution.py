"""Why a request must be opened by an officer before it is answered, and a copy then takes two (GDPR Art. 9, 12(6), 15(4), 24).

Machines see what can be seen without judgement: marks, words of the person, other people's addresses, long or special
texts, files. Opened means that this officer read what was found, after it was found; the log knows.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal import audit, connectors
from portal.cases import events, findings, models, moves, own_data, states, verification
from portal.cases.whole import details_of
from portal.lib.errors import Conflict
from portal.paper import _

# Names of categories in the maps of connected systems that stand for data of GDPR Art. 9 and 10.
SPECIAL = frozenset({"special", "health", "genetic", "biometric", "ethnicity", "religion", "beliefs", "politics", "union"})
SPECIAL |= {"sexuality", "criminal", "offences"}
LONG = 200
_BETWEEN_WORDS = re.compile(r"[\s<>()\[\]{},;:\"'|]+")


async def reasons(row: models.CaseRow) -> list[str]:
    """In sentences; empty when nothing speaks against answering it with others."""
    said = await about_the_request(row)
    if moves.ACTS.get(row.right) != "package":
        said.append(_("It asks for more than a copy."))
    return said + await _about_the_findings(row)


async def about_the_request(row: models.CaseRow) -> list[str]:
    """The same without what was found."""
    facts = await moves.facts(row)
    said = await _noticed(row, facts)
    if facts.needs_four_eyes and not marks(row):
        said.append(_("A second person has to agree."))
    return said


async def takes_two(row: models.CaseRow) -> list[str]:
    """Why what was found is given away by two officers; empty where one may do it alone, or nothing of it is given away."""
    if moves.ACTS.get(row.right) != "package":
        return []
    return await _noticed(row, await moves.facts(row)) + await _about_the_findings(row)


async def told(case_id: str) -> list[str]:
    """The same for an officer's page, while an answer is being decided on."""
    row = await moves.load(case_id)
    if row.state not in (states.REVIEWING, states.APPROVING) or row.proposed == "refused":
        return []
    try:
        return await takes_two(row)
    except Conflict:  # what was found is not kept any more; whoever proposes it all the same reads so
        return []


async def _noticed(row: models.CaseRow, facts: states.Facts) -> list[str]:
    said = marks(row)
    if facts.holds:
        said.append(_("A hold stands."))
    details = await details_of(row.id)
    if details.get("message"):
        said.append(_("The person wrote something."))
    if details.get("delivery"):
        said.append(_("The answer shall come in another way than on the website."))
    if (await verification.covered(row)).joined:
        said.append(_("An address was joined to this person and not proven."))
    return said


def marks(row: models.CaseRow) -> list[str]:
    """What is known before anything was searched."""
    said = [] if row.requester == "me" else [_asker(row.requester)]
    others = [each for each in row.flags if not each.startswith("asked by: ")]
    return said + [_("It is marked: %s.") % each for each in others]


def _asker(requester: str) -> str:
    if requester == states.BY_COMPANY:
        return _("Nobody asked for this deletion. What runs with the person, like an order or a contract, is a reason to end it.")
    return _("Somebody asks for another person.")


async def is_seen(row: models.CaseRow, officer: str) -> bool:
    """Whether this officer opened its page, where it says who asks and for what."""
    return bool(await audit.search(actor=f"officer:{officer}", case=row.id, event=events.SEEN.name, limit=1))


async def is_opened(row: models.CaseRow, officer: str) -> bool:
    """Whether this officer read the findings of the present round, after the last system answered."""
    looks = await audit.search(actor=f"officer:{officer}", case=row.id, event=events.LOOKED.name, limit=1)
    last = await models.Task.filter(case_id=row.id, round=row.round, step=moves.search_step(row.right)).order_by("-answered_at")
    answered: list[datetime] = [each.answered_at for each in last if each.answered_at is not None]
    if not looks or len(answered) != len(last) or not answered:
        return False
    looked = looks[0].recorded_at
    return looked is not None and looked >= max(answered)


async def _about_the_findings(row: models.CaseRow) -> list[str]:
    """Of what the person would get; what was taken out counts no longer. Raises Conflict when it cannot be read any more."""
    known = await verification.covered(row)
    return list(dict.fromkeys(_in_findings(await findings.read(row), known.identifiers)))


def _in_findings(found: list[findings.Found], proven: dict[str, list[str]]) -> Iterator[str]:
    mine = {each.casefold() for each in proven.get("email", ())}
    for table in found:
        given = list(_given(table))
        if given and table.table == connectors.person.FILES:
            yield _("It has a file that may be about others.")
        keys = " ".join(str(value) for key, _fields in given for value in key.values())
        if any(each not in mine for each in _addresses(keys)):
            yield _("It names an address that was not proven.")
        named = {field.get("category", "") for _key, fields in given for field in fields}
        if named and _words({table.category, *named}) & SPECIAL:
            yield _("It has especially sensitive data.")
        for field in (field for _key, fields in given for field in fields):
            value = str(field["value"] or "")
            # What the portal itself wrote to the person is about them; other free text may be about anybody.
            if table.system != own_data.NAME and (len(value) > LONG or "\n" in value.strip()):
                yield _("It has free text that may be about others.")
            if "@" in value and any(each not in mine for each in _addresses(value)):
                yield _("It names an address that was not proven.")


def _addresses(text: str) -> Iterator[str]:
    """Whatever looks like an e-mail address, in small letters; in time that grows with the length of the text alone."""
    for word in _BETWEEN_WORDS.split(text):
        parts = word.split("@")
        ends = [number for number, part in enumerate(parts) if number and "." in part[1:-1]]
        if ends and any(parts[: ends[-1]]):
            yield "@".join(parts[: ends[-1] + 1]).strip(".").casefold()


def _given(table: findings.Found) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Key and fields of each row without what an officer took out, as `freeze` leaves it out."""
    touched = {number for number, _field in table.redacted}
    for number, row in enumerate(table.rows):
        if number not in touched:
            yield row["key"], row["fields"]
        elif (number, "") not in table.redacted:
            yield row["key"], [each for each in row["fields"] if (number, each["column"]) not in table.redacted]


def _words(categories: set[str]) -> set[str]:
    return {word for each in categories for word in re.split(r"[\s_/]+", each.casefold())}
