"""Prose against configuration: whatever they disagree about is named with file and line, and nothing is published.

Every period in the prose must be vouched for (`[5 years](retention:invoices)`), every recipient must be named in it, and
every purpose must say what the customer gets. Serves GDPR Art. 5(1)(a), 13: what we say is what we do.
"""

import re
from collections.abc import Iterator

from portal import documents, settings
from portal.documents import Fault, Retention, Source
from portal.paper import _, in_language
from portal.statement import tables
from portal.statement.marks import Mark, marks, unmarked
from portal.statement.promises import wrong_promises
from portal.statement.register import Register, line_of_purpose, register

COMPANY = (
    "name",
    "legal_name",
    "mission",
    "vision",
    "purpose",
    "address",
    "officer",
    "phone",
    "email",
    "authority",
    "authority_url",
)
QUOTED = ("mission", "vision", "purpose")
UNITS = {
    "en": {"year": "years?", "month": "months?", "week": "weeks?", "day": "days?"},
    "ro": {"year": "ani|an", "month": "luni|lună", "week": "săptămâni|săptămână", "day": "zile|zi"},
    "th": {"year": "ปี", "month": "เดือน", "week": "สัปดาห์", "day": "วัน"},
    "vi": {"year": "năm", "month": "tháng", "week": "tuần", "day": "ngày"},
}
WITHOUT_SPACES = {"th"}  # between words


async def faults(sources: list[Source]) -> list[Fault]:
    """Everything that keeps these texts, and the purposes they tell of, from being published.

    Each text is held against the facts in its own language; what is wrong is said in that of the moment.
    """
    found: list[Fault] = []
    offered = settings.get().language_list
    for language in dict.fromkeys([*offered, *(each for source in sources for each in source.texts)]):
        with in_language(language):
            facts, rules = await register(), documents.retention()
        if language in offered:
            found += _wrong_purposes(facts, rules, language)
        for source in sources:
            if language in source.texts:
                found += _wrong_text(source, language, facts)
    return found


def _wrong_purposes(register: Register, rules: dict[str, Retention], language: str) -> Iterator[Fault]:
    for purpose in register.purposes:
        if not purpose.value.strip():
            yield Fault(*line_of_purpose(purpose.key, "value"), _("%s does not say what the customer gets for it.") % purpose.key)
        bound = [rule for rule in rules.values() if purpose.key in rule.purposes]
        if not bound:
            yield Fault(*line_of_purpose(purpose.key, "retention"), _("No rule in retention.toml names %s.") % purpose.key)
        for rule in bound:
            if not re.search(rf"\b{_period(rule.number, rule.unit, language)}{_end(language)}", purpose.kept, re.IGNORECASE):
                what = _("%(purpose)s says “%(said)s”; retention.toml:%(line)d says %(period)s for %(rule)s.")
                names = {"purpose": purpose.key, "said": purpose.kept, "line": rule.line, "period": rule.period, "rule": rule.key}
                yield Fault(*line_of_purpose(purpose.key, "retention"), what % names)
    for rule in rules.values():
        for key in rule.purposes:
            if register.purpose(key) is None:
                yield Fault("policies/retention.toml", rule.line, _("There is no purpose %s in force.") % key)


def _wrong_text(source: Source, language: str, register: Register) -> Iterator[Fault]:
    file, text = source.files[language], source.text(language)
    present = marks(text.body, text.first_line)
    for mark in present:
        for sentence in _wrong_mark(mark, register, language, text.front.get("commitments", [])):
            yield Fault(file, mark.line, sentence)
    for line, words in unmarked(text.body, text.first_line):
        for period in re.findall(_any_period(language), words, re.IGNORECASE):
            what = _("Nothing vouches for “%(words)s”: write [%(words)s](retention:…), (lifetime:…) or (commitment:…).")
            yield Fault(file, line, what % {"words": period})
    yield from wrong_promises(source, language)
    if source.kind == "statement":
        yield from _incomplete(file, present, register, text.first_line, len(text.body.splitlines()))


def _wrong_mark(mark: Mark, register: Register, language: str, promises: list[dict[str, object]]) -> Iterator[str]:
    if mark.kind == "table":
        if mark.name not in tables.TABLES:
            yield _("There is no table %(name)s. Known: %(known)s.") % {"name": mark.name, "known": ", ".join(tables.TABLES)}
    elif mark.kind == "company":
        if mark.name not in COMPANY:
            yield _("The company has no %(name)s. Known: %(known)s.") % {"name": mark.name, "known": ", ".join(COMPANY)}
    elif mark.kind == "recipient":
        if mark.words not in register.recipients:
            yield _("The text says that %s receives data; no purpose in purposes.toml does.") % mark.words
    elif mark.kind == "retention":
        rule = documents.retention().get(mark.name)
        if rule is None:
            yield _("There is no rule %s in retention.toml.") % mark.name
        else:
            where = f"retention.toml:{rule.line}"
            yield from _wrong_period(mark, rule.number, rule.unit, f"{where}: {rule.period}", language)
    elif mark.kind in {"lifetime", "data"}:
        purpose = register.purpose(mark.name)
        if purpose is None:
            yield _("There is no purpose %s in force.") % mark.name
        elif mark.kind == "lifetime":
            where = "{}:{}".format(*line_of_purpose(mark.name, "lifetime_months"))
            yield from _wrong_period(mark, purpose.lifetime or 0, "month", f"{where}: {purpose.lifetime}", language)
    elif mark.kind == "commitment":
        promised = next((each for each in promises if each.get("key") == mark.name), None)
        if promised is None:
            yield _("There is no commitment %s in the front matter.") % mark.name
        elif re.findall(r"\d+(?:\.\d+)?", mark.words) != [str(promised.get("at_most", promised.get("at_least")))]:
            yield _("The text says “%(words)s”; the commitment %(name)s says another number.") % {
                "words": mark.words,
                "name": mark.name,
            }
    else:
        yield _("There is nothing called %s that could be filled in.") % mark.kind


def _wrong_period(mark: Mark, number: int, unit: str, said: str, language: str) -> Iterator[str]:
    if not re.fullmatch(_period(number, unit, language), mark.words, re.IGNORECASE):
        yield _("The text says “%(words)s” for %(name)s; %(said)s.") % {"words": mark.words, "name": mark.name, "said": said}


def _incomplete(file: str, present: list[Mark], register: Register, first: int, length: int) -> Iterator[Fault]:
    """What a statement must have: the three quotations, the table of purposes, and every recipient by name in its prose."""
    there = {(mark.kind, mark.name) for mark in present}
    for name in QUOTED:
        if ("company", name) not in there:
            yield Fault(file, first, _("The statement does not quote the company: {{ company: %s }} is missing.") % name)
    if ("table", "purposes") not in there:
        yield Fault(file, first, _("The statement has no table of purposes: {{ table: purposes }} is missing."))
    recipients = [mark for mark in present if mark.kind == "recipient"]
    line = recipients[0].line if recipients else first + length - 1
    for name in register.recipients:
        if name not in {mark.words for mark in recipients}:
            purpose = next(each.key for each in register.purposes if name in each.recipients)
            where = "{}:{}".format(*line_of_purpose(purpose, "recipients"))
            what = _("%(name)s receives data (%(where)s), and the text does not name them.")
            yield Fault(file, line, what % {"name": name, "where": where})


def _period(number: int, unit: str, language: str) -> str:
    """`24 months`, `24 de luni`: a pattern for a period in a language, or in English, which stands where words are missing."""
    return rf"{number}\s*(?:de\s+)?(?:{_words(unit, language)})"


def _any_period(language: str) -> str:
    units = "|".join(_words(unit, language) for unit in UNITS["en"])
    return rf"\b\d+\s*(?:de\s+)?(?:{units}){_end(language)}"


def _words(unit: str, language: str) -> str:
    return "|".join(dict.fromkeys((UNITS.get(language, UNITS["en"])[unit], UNITS["en"][unit])))


def _end(language: str) -> str:
    return "" if language in WITHOUT_SPACES else r"\b"
