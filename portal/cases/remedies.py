"""Why a request may be refused, whole or in part, by law; and what the person can do against it (GDPR Art. 12(4)-(5), 77, 79).

The grounds are a closed list: each names its article, and the officer's own words follow. Who hears complaints and whether
there is a court stands in policies/remedies.toml; an appeal to ourselves is what the law's own clock for it says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal import documents, handwritten
from portal.cases import laws, states
from portal.paper import _, language, ngettext
from portal.settings import get

ANYWHERE = "anywhere"
COPIES, DELETION = frozenset({"access", "portability"}), frozenset({"erasure"})
GDPR, CCPA = "gdpr", "ccpa"
# Laws whose refusals go by another's articles.
_FAMILIES = {"gdpr": (GDPR, "GDPR"), "ro-190": (GDPR, "GDPR"), "uk-gdpr": (GDPR, "UK GDPR"), "ccpa": (CCPA, "CCPA")}


@dataclass(frozen=True)
class Ground:
    """One ground of refusal: for which rights, in words, and where it stands."""

    code: str
    sentence: Callable[[], str]
    gdpr: str
    ccpa: str = ""
    rights: frozenset[str] = states.RIGHTS


GROUNDS = (
    Ground("unfounded", lambda: _("The request is manifestly unfounded."), "Art. 12(5)", "Civ. Code 1798.145(h)(3)"),
    Ground("excessive", lambda: _("The same was asked for again and again."), "Art. 12(5)", "Civ. Code 1798.145(h)(3)"),
    Ground("cannot identify", lambda: _("We cannot tell which data is yours."), "Art. 11(2), 12(2)", "11 CCR 7060"),
    Ground(
        "third party",
        lambda: _("It would take away the rights of somebody else."),
        "Art. 15(4), 20(4)",
        "Civ. Code 1798.145(k)",
        COPIES,
    ),
    Ground(
        "legal duty",
        lambda: _("A law obliges us to keep it."),
        "Art. 17(3)(b)",
        "Civ. Code 1798.105(d)(8)",
        DELETION,
    ),
    Ground("legal claims", lambda: _("It is needed for a legal claim."), "Art. 17(3)(e)", "Civ. Code 1798.145(a)", DELETION),
    Ground(
        "expression",
        lambda: _("It serves free expression and information."),
        "Art. 17(3)(a)",
        "Civ. Code 1798.105(d)(4)",
        DELETION,
    ),
    Ground(
        "research",
        lambda: _("It serves archives, research or statistics."),
        "Art. 17(3)(d)",
        "Civ. Code 1798.105(d)(6)",
        DELETION,
    ),
    Ground(
        "still needed",
        lambda: _("We still need it for what it was given for."),
        "Art. 17(1)",
        "Civ. Code 1798.105(d)(1)",
        DELETION,
    ),
    Ground(
        "accurate", lambda: _("We looked, and what we hold is right."), "Art. 16", "11 CCR 7023", frozenset({"rectification"})
    ),
    Ground(
        "overriding", lambda: _("There are compelling grounds that weigh more."), "Art. 21(1)", rights=frozenset({"objection"})
    ),
    Ground(
        "not met", lambda: _("What the law asks for this is not the case here."), "Art. 18(1)", rights=frozenset({"restriction"})
    ),
    Ground(
        "national law", lambda: _("A law of the country restricts this right; we name it below."), "Art. 23", "Civ. Code 1798.145"
    ),
)
# What can be known of a request without looking at anybody's data.
UNSEARCHED = ("unfounded", "excessive", "cannot identify")


def grounds(law: str, right: str, *, searched: bool = True) -> list[tuple[str, str]]:
    """Code and words of those that fit, in the language of the moment; `searched`: what the systems hold is known."""
    return [(each.code, sentence(each.code, law)) for each in GROUNDS if is_ground(each.code, right, searched=searched)]


def is_ground(code: str, right: str, *, searched: bool = True) -> bool:
    return any(each.code == code and right in each.rights and (searched or code in UNSEARCHED) for each in GROUNDS)


def sentence(code: str, law: str) -> str:
    """The ground, and where it stands in the case's law when that is known."""
    ground = next(each for each in GROUNDS if each.code == code)
    family, title = _FAMILIES.get(law, ("", ""))
    article = {GDPR: ground.gdpr, CCPA: ground.ccpa}.get(family, "")
    return f"{ground.sentence()} ({title} {article})" if article else ground.sentence()


def against(law: str, *, appealable: bool = True) -> list[str]:
    """What the person can do against an answer, sentence by sentence, in the language of the moment; `appealable`: to us, too."""
    told, company = _told(law), documents.company()
    authority = told.get("authority") or company.authority
    url = told.get("authority_url") or ("" if told.get("authority") else company.authority_url)
    said = [
        _("If you do not agree, you can complain to %s, without asking us first.") % " · ".join(filter(None, (authority, url)))
    ]
    if appealable and (again := _again(law)):
        said.insert(0, again)
    return said + ([told["court"]] if told.get("court") else [])


def _again(law: str) -> str:
    """Where the law knows an appeal to ourselves: that there is one, and its time."""
    known = laws.laws().get(law)
    clock = next((each for each in known.clocks.values() if "appeal" in each.rights), None) if known else None
    if clock is None:
        return ""
    if clock.amount is None or clock.unit != "day":
        return _("You can ask on the page of your request that somebody else looks at it again.")
    within = ngettext("%s day", "%s days", clock.amount) % clock.amount
    return _("You can ask on the page of your request that somebody else looks at it again; they answer within %s.") % within


def _told(law: str) -> dict[str, str]:
    path = get().policies / "remedies.toml"
    found = _read(path, path.stat().st_mtime_ns)
    return {name: _in_language(text) for name, text in (found.get(law) or found[ANYWHERE]).items()}


@lru_cache(maxsize=4)
@laws.law_errors()
def _read(path: Path, _changed: int) -> dict[str, dict[str, Any]]:
    file = handwritten.read(path)
    sections = {key: file.at(key) for key in file.values}
    for key, section in sections.items():
        file.only(("authority", "authority_url", "court"), key)
        for name, text in section.items() if isinstance(section, dict) else ():
            texts = text.values() if isinstance(text, dict) else (text,)
            if not texts or not all(isinstance(each, str) and each.strip() for each in texts):
                file.wrong(f"{name} must be a text, or one per language.", key, name)
    if ANYWHERE not in sections:
        file.wrong("[anywhere] is missing: what holds for laws that have no section.")
    file.done()
    return sections


def _in_language(text: str | dict[str, str]) -> str:
    return text if isinstance(text, str) else text.get(language()) or next(iter(text.values()))
