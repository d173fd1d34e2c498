"""What a person reads for the codes of a case, in the language of the moment: for the package, the letter and the proof."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from portal.cases import events
from portal.cases.snapshot import Category, Step
from portal.paper import _, date_text, moment_text


def asked_for(right: str) -> str:
    """What was asked for, as it stands after "you asked for"."""
    return rights().get(right, right)


def rights() -> dict[str, str]:
    """The same for all of them."""
    return {
        "access": _("a copy of your data"),
        "portability": _("your data in a form you can take along"),
        "rectification": _("a correction of your data"),
        "erasure": _("the deletion of your data"),
        "restriction": _("your data to be stored only, and not used"),
        "objection": _("a stop to the use of your data"),
        "objection to marketing": _("a stop to all advertising"),
        "withdrawal": _("an end to all that you said yes to"),
        "opt-out": _("your data not to be sold or shared"),
        "limit": _("sensitive data to be used for nothing else"),
        "complaint": _("an answer to your complaint"),
        "human review": _("a decision by a human being"),
        "appeal": _("a second look at our answer"),
    }


def category_title(category: Category) -> str:
    """The published label, or plain words for the names that maps commonly use."""
    if category.label != category.name:
        return category.label
    return {
        "account": _("Your account"),
        "choices": _("Your choices"),
        "contact": _("How to reach you"),
        "inferred": _("What we guess about you"),
        "invoices": _("Your invoices"),
        "marketing": _("Advertising"),
        "messages": _("Messages"),
        "newsletter": _("Newsletter"),
        "orders": _("Your orders"),
        "purchases": _("What you bought"),
        "requests": _("Your requests about data"),
        "reviews": _("Your reviews"),
    }.get(category.name, category.name.replace("-", " ").replace("_", " ").capitalize())


def reason(code: str) -> str:
    """Why something was left out."""
    from portal.cases.review import REASONS  # it stands on what tells people what they asked for

    return REASONS[code]() if code in REASONS else code


def proven_by(how: str) -> str:
    return {
        "code": _("a code that we sent to this address"),
        "link": _("a link that we sent to this address"),
        "signed in": _("a fresh sign-in with this address"),
        "letter": _("a code that we posted to the postal address on file"),
        "in person": _("a document that an officer saw; nothing of it was kept"),
        "facts": _("facts that only the person knows, which two officers compared"),
    }.get(how, how)


def requester(who: str) -> str:
    """Who asked, as a sentence; empty when the person asked for themselves."""
    return {
        "me": "",
        "child": _("A parent asked for their child."),
        "guardian": _("A guardian asked for the person in their care."),
        "agent": _("Somebody asked whom the person authorised."),
        "deceased": _("Somebody asked about a person who has died."),
        "company": _("Nobody asked. The company opened this deletion itself, because no basis for the data was left."),
    }.get(who, _("Somebody asked for another person: %s.") % who)


def role(who: str) -> str:
    """Who did a step: never an employee's name."""
    return {
        "person": _("The person"),
        "officer": _("A privacy officer"),
        "machine": _("A connected system"),
        "portal": _("The portal, by itself"),
    }.get(who, who)


def answer(code: str) -> str:
    return {
        "fulfilled": _("fulfilled"),
        "partly": _("fulfilled in part"),
        "nothing held": _("nothing held"),
        "answered": _("answered in words"),
        "refused": _("refused"),
        "withdrawn": _("taken back by the person"),
        "unconfirmed": _("never confirmed by the person"),
    }.get(code, code)


def removal(action: str) -> str:
    """What happened to entries in a deletion."""
    return {
        "delete": _("deleted"),
        "anonymise": _("made anonymous"),
        "clear": _("emptied"),
        "keep": _("kept"),
    }.get(action, action)


def day(text: str) -> str:
    """`21 December 2026`, from a date or moment as snapshots and systems write it; anything else stays as it is."""
    try:
        return date_text(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
    except (ValueError, OverflowError):
        return text


def moment(text: str) -> str:
    """`21 December 2026, 17:13`; anything else stays as it is."""
    try:
        return moment_text(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return text


def hours_alone(steps: Iterable[Step]) -> int | None:
    """How many hours after the proposal the same person approved it; None when a second person did, or nobody."""
    proposed, hours = "", None
    for each in sorted(steps, key=lambda step: step.entry):
        if each.event == events.PROPOSED.name:
            proposed, hours = each.at, None
        elif each.event in (events.APPROVED_ALONE.name, events.REFUSAL_ALONE.name) and proposed:
            hours = (datetime.fromisoformat(each.at) - datetime.fromisoformat(proposed)) // timedelta(hours=1)
    return hours


def happened(what: str) -> str:
    """What a step was, from the log's own sentence."""
    return _(what)
