"""What is wrong with a word before it is recorded, field by field, in a sentence that says what would be right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from portal import documents
from portal.consent import legacy
from portal.consent.collection_points import exists
from portal.consent.purposes import Purpose, in_force
from portal.consent.words import ALL, ANSWERS, CHANNELS, GRADES, Word
from portal.lib.errors import Invalid, NotFound
from portal.paper import _
from portal.subjects import Known


@dataclass(frozen=True, slots=True)
class TermsOf:
    """The purposes in force that some words name, and the texts that exist with the SHA-256 of their bytes."""

    purposes: dict[str, Purpose]
    texts: dict[str, str]


async def terms_of(words: Iterable[Word]) -> TermsOf:
    """The texts in force come with their purposes; others are looked up, once each."""
    asked = list(words)
    purposes = await in_force({word.purpose for word in asked})
    texts = {f"{each.key}@{each.number}/{spoken}": sha for each in purposes.values() for spoken, sha in each.hashes.items()}
    for name in {word.edition for word in asked} - texts.keys() - {""}:
        try:
            texts[name] = await (legacy.sha256_of(name) if legacy.is_name(name) else _sha256_of(name))
        except NotFound:
            continue
    return TermsOf(purposes, texts)


async def _sha256_of(name: str) -> str:
    return (await documents.named(name)).sha256.hex()


def refuse_bad(words: Sequence[Word], known: Mapping[str, Known], terms: TermsOf) -> None:
    """Raises Invalid naming each bad word as `decisions.N.field`. `known`: the identifiers by id, as far as they exist."""
    problems: dict[int, tuple[str, str] | None] = {}
    for number, word in enumerate(words):
        mine = known.get(word.identifier)
        if mine is None:
            problems[number] = "identifier", _("There is no such address.")
        elif mine.erased_at is not None:
            problems[number] = "identifier", _("This address was erased.")
        else:
            problems[number] = problem_of(word, mine.kind, terms)
    raise_for(problems)


def raise_for(problems: Mapping[int, tuple[str, str] | None]) -> None:
    fields = {f"decisions.{number}.{found[0]}": found[1] for number, found in problems.items() if found is not None}
    if fields:
        raise Invalid(_("This was not recorded: %s") % " ".join(dict.fromkeys(fields.values())), fields)


def problem_of(word: Word, kind: str, terms: TermsOf) -> tuple[str, str] | None:
    """What is wrong with a word about an identifier of that kind: the field, and a sentence."""
    about = terms.purposes.get(word.purpose)
    if word.grade not in GRADES or not exists(word.source):
        return "source", _("There is no such collection point: %s.") % word.source
    if about is None:
        return "purpose", _("There is no such purpose: %s.") % word.purpose
    if word.answer not in ANSWERS:
        return "answer", _("An answer is yes, no, unset or informed.")
    if word.channel != ALL and word.channel not in about.channels:
        return "channel", _("This purpose does not use the channel %s.") % word.channel
    if word.topic not in ("", ALL) and word.topic not in about.topic_keys():
        return "topic", _("This purpose has no topic %s.") % word.topic
    if word.channel != ALL and kind not in CHANNELS[word.channel]:
        return "channel", _("Nobody can be reached by %(channel)s at this kind of address.") % {"channel": word.channel}
    if about.default == "fixed":
        return "purpose", _("We need this to do what you ordered or what the law asks; there is no choice here.")
    if word.answer != "no" and ALL in (word.channel, word.topic):
        return "channel", _("Only a no can be said for all channels or topics at once.")
    return _problem_of_text(word, about, terms.texts)


def _problem_of_text(word: Word, about: Purpose, texts: Mapping[str, str]) -> tuple[str, str] | None:
    if word.answer == "yes" and about.basis == "consent" and not word.edition:
        return "edition", _("A yes must name the text that was shown.")
    if word.edition.startswith(legacy.PREFIX):
        # Texts of an earlier system: only an import knows what was shown there.
        if word.grade != "import":
            return "edition", _("There is no text called %s.") % word.edition
        return None if word.edition in texts else ("edition", legacy.how_to_declare(word.edition))
    if word.edition and (word.edition not in texts or not word.edition.startswith(f"{word.purpose}@")):
        return "edition", _("This purpose has no text called %s.") % word.edition
    if word.answer == "informed":
        if about.basis != "existing customer":
            return "answer", _("Only customers can be informed of similar offers.")
        told = word.evidence or {}
        if not ((told.get("sale") or told.get("account")) and told.get("family") and told.get("opt_out")):
            return "evidence", _("Name the sale or account, the product family, and the free way to refuse that was shown.")
    return None
