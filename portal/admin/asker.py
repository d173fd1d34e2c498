"""Who asks and what was asked together, as a case's page shows it: for whom, what entitles them, what an appeal is against."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal import cases
from portal.admin.words import right_name, state_pill
from portal.cases import Case
from portal.paper import _


@dataclass(frozen=True)
class Beside:
    """Another request that was sent together with this one."""

    id: str
    right: str
    state: tuple[str, str]


@dataclass(frozen=True)
class Asker:
    """`kinds`: what may be noted as seen. `at_once`: nothing waits for it. `closed`: addresses that their word closed.
    `against`: the case an appeal is against. `nobody`: the company opened it itself.
    `reopenable`: it has ended, and an officer may open it again."""

    who: str
    mandate: cases.mandates.Mandate | None
    kinds: tuple[tuple[str, str], ...]
    seen: str
    at_once: bool
    closed: tuple[cases.others_word.Closed, ...]
    together: tuple[Beside, ...]
    against: str | None
    restricted: bool
    anew: bool
    nobody: bool
    reopenable: bool


async def asker_of(case: Case) -> Asker:
    mandate = await cases.mandates.of(case.id)
    names = kind_names()
    return Asker(
        who_names().get(case.requester, case.requester),
        mandate,
        (("", _("Please choose")), *((kind, names[kind]) for kind in mandate.kinds)) if mandate else (),
        names[mandate.kind] if mandate and mandate.kind else "",
        case.right in cases.details.AT_ONCE,
        tuple(await cases.others_word.of(case.id)),
        tuple(
            Beside(each.id, right_name(each.right), state_pill(each.state, each.outcome))
            for each in await cases.together.beside(case.id)
        ),
        await cases.appeals.against(case.id),
        await cases.restricting.stands(case.id),
        await cases.appeals.granted(case.id),
        cases.by_company.is_ours(case.requester),
        "reopen" in case.can and bool(case.address) and cases.reopening.possible(case.state, case.outcome, case.requester),
    )


def who_names() -> Mapping[str, str]:
    return {
        "me": _("The person"),
        "agent": _("Somebody whom the person authorised"),
        "child": _("A parent, for their child"),
        "guardian": _("A guardian"),
        "deceased": _("Somebody, about a person who has died"),
        "company": _("Nobody: opened by the company"),
    }


def kind_names() -> Mapping[str, str]:
    """What an officer may have seen."""
    return {
        "signed permission": _("Signed permission"),
        "power of attorney": _("Power of attorney"),
        "court decision": _("A court's decision"),
        "birth certificate": _("Birth certificate"),
        "death and inheritance": _("Death certificate, and who inherits"),
        "death and will": _("Death certificate, and the will"),
    }
