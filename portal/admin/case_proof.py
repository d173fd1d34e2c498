"""What a case's page says about who asks, holds and refusals: the inputs of `admin/_case-proof.html` and its words."""

from typing import Any

from portal import cases, connectors, identity
from portal.cases import Case
from portal.identity import Officer
from portal.lib.errors import Invalid
from portal.paper import _


async def context(case: Case, me: Officer) -> dict[str, Any]:
    sees = identity.may(me, "data.see")
    unsearched = cases.states.refusable_unsearched(case.state, case.right)
    refusable = unsearched and case.right != "appeal" and not cases.by_company.is_ours(case.requester)
    fee_grounds = cases.fees.grounds(case.state, case.right, case.law)
    return {
        "proving": await cases.proving.of(case.id) if sees else None,
        "doubts": await cases.doubts.waiting(case.id),
        "legal_holds": await cases.legal_holds.of_request(case.id),
        "second": [each.shown for each in await cases.second_proof.addresses(case.id)] if sees else [],
        "grounds": cases.remedies.grounds(case.law, case.right, searched=not unsearched),
        "refusable": refusable,
        "earlier": await cases.repeats.told(case.id) if sees and (refusable or fee_grounds) else "",
        "by_post": await cases.by_post.stage(case.id) if sees else "",
        "fee_grounds": fee_grounds,
        "hold_name": hold_name,
        "places": places() if sees and case.state != "closed" else [],
        "way_name": way_name,
        "document_names": document_names(),
        "fact_names": fact_names(),
        "letter_name": letter_name,
    }


def places() -> list[tuple[str, str]]:
    """Where a postal address may stand."""
    try:
        systems = cases.postal.systems()
    except connectors.Misconfigured:
        systems = []
    return [*((each.name, each.title) for each in systems), (cases.postal.OURS, _("Here, in the portal"))]


def way_name(way: str) -> str:
    return {
        "code": _("Code by mail"),
        "signed in": _("Signed in"),
        "letter": _("Code by letter"),
        "in person": _("In person"),
        "facts": _("Facts that only they know"),
    }.get(way, way)


def hold_name(kind: str) -> str:
    return {
        "clarification": _("we asked the person something"),
        "identity": _("we doubt who is asking"),
        "fee": _("a fee was asked for"),
        "freeze": _("somebody said that it was not them"),
    }.get(kind, kind)


def document_names() -> list[tuple[str, str]]:
    return [
        ("identity card", _("Identity card")),
        ("passport", _("Passport")),
        ("driving licence", _("Driving licence")),
        ("residence permit", _("Residence permit")),
        ("other", _("Another one with a photograph")),
    ]


def fact_names() -> list[tuple[str, str, str]]:
    return [
        ("last order", _("What they last ordered, and when"), ""),
        ("last payment", _("What they last paid, and how"), ""),
        ("what we wrote last", _("What we last wrote to them"), ""),
        ("a visit or call", _("When they last visited or called, and why"), ""),
        ("what is in the account", _("Something in the account that nobody else sees"), ""),
    ]


def letter_name(kind: str) -> str:
    return {
        "code": _("Letter with a code"),
        "case-refused": _("Our answer: refused"),
        "case-extended": _("We need more time"),
        "case-reopened": _("We are looking at your request again"),
        "case-restriction-ends": _("Letter that says when a restriction ends"),
        "case-ready": _("Letter that goes with the copy"),
        "copy": _("Letter that goes with the copy"),
        "case-erased": _("Our answer: deleted"),
        "case-corrected": _("Our answer: corrected"),
        "case-nothing": _("Our answer: nothing held"),
    }.get(kind, _("Our answer"))


def require_ground(fields: dict[str, str]) -> str:
    """A refusal names its ground; an answer in part may rest on what was taken out."""
    ground = fields.get("ground", "")
    if fields.get("answer") == "refused" and not ground:
        raise Invalid(_("Please choose a ground that the law knows."), {"ground": _("Choose one of these.")})
    return ground
