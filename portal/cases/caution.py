"""Why a request must be opened by an officer before it is answered, and a copy then takes two (GDPR Art. 9, 12(6), 15(4), 24).

Machines see what can be seen without judgement: marks, words of the person, other people's addresses, long or special
texts, files. Opened means that this officer read what was found, after it was found; the log knows.
"""

from collections.abc import Iterator
from datetime import datetime

from portal import audit
from portal.cases import events, findings, models, moves, signs, states, verification
from portal.cases.whole import details_of
from portal.lib.errors import Conflict
from portal.paper import _


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
    mine = {each.casefold() for each in known.identifiers.get("email", ())}
    return list(dict.fromkeys(sentence for each in await findings.signs_of(row) for sentence in _in_words(each, mine)))


def _in_words(found: signs.Signs, mine: set[str]) -> Iterator[str]:
    if found.file:
        yield _("It has a file that may be about others.")
    if found.special:
        yield _("It has especially sensitive data.")
    if found.words:
        yield _("It has free text that may be about others.")
    if found.more or not mine.issuperset(found.addresses):
        yield _("It names an address that was not proven.")
