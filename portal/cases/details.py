"""What somebody may write into a request, checked field by field before anything is kept (GDPR Art. 12(2), 12(6), 5(1)(c)).

No reason is demanded for any right (EDPB 01/2022 §52); a complaint and a decision to look at must say which.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal import subjects
from portal.cases import cooling, protection, states
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _

# What the form offers; an appeal begins on the page of the request it is against.
OFFERED = states.RIGHTS - {"appeal"}
REQUESTERS = ("me", "agent", "child", "guardian", "deceased")
# For doors: which rights act at once, and which are answered in words.
AT_ONCE, IN_WORDS = states.AT_ONCE, states.IN_WORDS
# May be without an address of their own: then what lies under the asker's is looked for.
IN_CARE = ("child", "guardian")
KINDS = ("email", "phone")
# Another way to get the answer than on the website (Art. 12(1), (2)): a wish, which officers read.
DELIVERY = ("post", "large print", "read aloud")
# In this order they are opened and listed: what loses data comes after the copy.
ORDER = ("access", "portability", "rectification", "restriction", "objection", "human review", "complaint", "appeal", "erasure")


def in_order(right: str, also: Sequence[str]) -> list[str]:
    """What was asked for, each once; what acts at once comes last."""
    asked = {right, *also}
    return sorted(asked, key=lambda each: (each not in ORDER, ORDER.index(each) if each in ORDER else 0, each))


def checked(
    rights: Sequence[str],
    who: str,
    details: Mapping[str, Any],
    *,
    sources: Sequence[str],
    source: str,
    received_at: datetime | None,
) -> dict[str, Any]:
    """The details as they are kept; raises Invalid naming every field that is not right."""
    wrong: dict[str, str] = {}
    if not set(rights) <= OFFERED | {"appeal"}:
        wrong["right"] = _("Please choose what you want.")
    if source not in sources:
        wrong["source"] = _("Please say how the request came in.")
    if received_at is not None and received_at > clock.now():
        wrong["received_at"] = _("The day of receipt cannot lie in the future.")
    about, faults = _concerned(rights, who, details)
    wrong |= faults | _corrections(rights, details) | _message(rights, details)
    if len(str(details.get("avoid", ""))) > 500:
        wrong["avoid"] = _("Please name the addresses in at most 500 characters.")
    if len(str(details.get("country", ""))) > 10:
        wrong["country"] = _("Please choose a country.")
    if details.get("ground", "") not in ("", *protection.GROUNDS):
        wrong["ground"] = _("Please choose one of the reasons.")
    if details.get("delivery", "") not in ("", *DELIVERY):
        wrong["delivery"] = _("Choose one of these.")
    if details.get("delete", cooling.WAITS) not in cooling.CHOICES:
        wrong["delete"] = _("Please choose when your data shall be deleted.")
    if wrong:
        raise Invalid(_("Please look at the marked fields."), wrong)
    kept = {**details, **about, "changes": {name: value.strip() for name, value in details.get("changes", {}).items()}}
    return kept | ({"together": list(rights)} if len(rights) > 1 else {})


def _concerned(rights: Sequence[str], who: str, details: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Whom a request for somebody else is about: a name and what we know them by."""
    if who == "me" or list(rights) == ["appeal"]:
        return {}, {}
    if who not in REQUESTERS:
        return {}, {"who": _("Please say for whom you ask.")}
    wrong, found = dict[str, str](), dict[str, str]()
    for kind, value in details.get("concerned", {}).items():
        try:
            if value.strip():
                subjects.canonical(kind, value)
                found[kind] = value.strip()
        except Invalid as problem:
            wrong[f"concerned-{kind}"] = problem.sentence
    name = str(details.get("concerned_name", "")).strip()
    if not 0 < len(name) <= 200:
        wrong["concerned-name"] = _("Please say for whom you ask: their name.")
    if not found and not wrong and (who not in IN_CARE or set(rights) & states.AT_ONCE):
        wrong["concerned-email"] = _("Please give an e-mail address or telephone number that they used with us.")
    if who == "agent" and set(rights) & states.AT_ONCE and not details.get("permission"):
        wrong["permission"] = _("For this we need you to have their signed permission.")
    return {"concerned": found, "concerned_name": name}, wrong


def _corrections(rights: Sequence[str], details: Mapping[str, Any]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    changes = details.get("changes", {})
    if "rectification" in rights and not changes:
        wrong["changes"] = _("Please say what shall be corrected.")
    for name, value in changes.items():
        if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
            wrong[name] = _("This cannot be corrected here. Please write it into the message.")
        elif not isinstance(value, str) or not value.strip() or len(value) > 500:
            wrong[name] = _("Please give the right value, in at most 500 characters.")
        elif name == "email" and (problem := _no_address(value)):
            wrong[name] = problem
    said = details.get("old", {})
    if any(name not in changes or not isinstance(value, str) or len(value) > 500 for name, value in said.items()):
        wrong["changes"] = _("Please say in at most 500 characters what it says now, and what is right.")
    return wrong


def _no_address(value: str) -> str:
    """What is wrong with an e-mail address; "" for a good one."""
    try:
        subjects.canonical("email", value)
    except Invalid as problem:
        return problem.sentence
    return ""


def _message(rights: Sequence[str], details: Mapping[str, Any]) -> dict[str, str]:
    message = str(details.get("message", ""))
    if len(message) > 5000:
        return {"message": _("Please keep the message under 5,000 characters.")}
    if message.strip():
        return {}
    if "complaint" in rights or "appeal" in rights:
        return {"message": _("Please say what you do not agree with.")}
    return {"message": _("Please say which decision you mean.")} if "human review" in rights else {}
