"""What a visitor of a site answered: recorded for their device, and for the customer whom the site's server names.

A plain refusal is only counted (EDPB 05/2020 §106). A no is kept whatever edition it names; a yes only to a text that is
shown today, and never from later than it was said: a browser may deliver an answer days afterwards, and meanwhile the
person may have said no elsewhere. A no, too, is from when it was said, so that a yes said after it counts, but it ends
all that is on record when it arrives: no clock can make it lose.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from portal import consent, db
from portal.consent import Once, Recorded, Submission, Word
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import _, address
from portal.sites import counts, proofs, signals, traffic
from portal.sites.links import Known
from portal.sites.register import key_of
from portal.sites.sites_file import Site
from portal.sites.texts import Asked, Shown, in_language_of, texts_of
from portal.subjects import Arrival

# How it was answered → where the person said it, and how sure we are that it was them.
HOWS: Mapping[str, tuple[str, str]] = {
    "accept": ("widget", "self"),
    "refuse": ("widget", "self"),
    "mixed": ("widget", "self"),
    "signal": ("gpc-signal", "signal"),
    "earlier": ("widget", "signal"),
}


class Outdated(Conflict):
    """The text is not shown any more; `edition` is the one to show."""

    def __init__(self, edition: str) -> None:
        super().__init__(_("This text has changed since. Please ask again with the new one."))
        self.edition = edition


@dataclass(frozen=True, slots=True)
class Answer:
    """As the script sends it. `said_at` is the browser's claim, `pressed_at` the same moment by our own clock, later each time
    that it is brought; `device` is made by it at a first yes."""

    id: uuid.UUID
    edition: str
    answers: Mapping[str, bool]
    how: str
    source: str | None
    said_at: datetime | None
    device: str | None
    pressed_at: datetime | None = None

    @property
    def digest(self) -> bytes:
        said = [self.edition, dict(sorted(self.answers.items())), self.how, self.source, str(self.said_at), self.device]
        return hashlib.sha256(json.dumps(said).encode()).digest()


async def answered(site: Site, answer: Answer, known: Known | None = None) -> str:
    """Record or count an answer; answers the reply for the script, the same one for the same id.

    Raises Invalid for what was not asked, Outdated for a yes to an older text, Conflict for an id used before.
    """
    texts = await texts_of(site)
    shown = texts.every.get(answer.edition)
    if shown is not None:
        _refuse_bad(site, answer, shown)
        if not (shown.outdated and any(answer.answers.values())):
            return await _kept(site, answer, shown, known, "")
        if before := await _first_reply(site, answer):
            return before  # it was in time, and only its reply was lost
    latest = shown or in_language_of(texts, "")
    noes = {purpose: False for purpose, yes in answer.answers.items() if not yes and purpose in _asked(latest)}
    if noes and answer.how in HOWS:
        await _kept(site, replace(answer, answers=noes), latest, known, "no")
    raise Outdated(in_language_of(texts, latest.language).name)


async def taken_back(site: Site, token: str, language: str) -> str:
    """A no to all that the site asks about, of the browser behind a proof, without its script; answers the address of the new
    proof. Whoever has the address can only end things. Raises NotFound.
    """
    device = await proofs.device_of(token, site.name)
    latest = in_language_of(await texts_of(site), language)
    noes = dict.fromkeys(sorted(_asked(latest)), False)
    reply = await answered(site, Answer(uuid.uuid4(), latest.name, noes, "refuse", None, None, device))
    return str(json.loads(reply)["proof"])


async def _first_reply(site: Site, answer: Answer) -> str:
    key = _key(site, answer)
    kept = await db.kept_replies({key})
    return kept[key][1] if key in kept and kept[key][0] == answer.digest else ""


def _key(site: Site, answer: Answer) -> str:
    return f"w/{site.name}/{answer.id}"


def _asked(shown: Shown) -> set[str]:
    return {key for key, each in shown.asks.items() if not each.needed}


def _refuse_bad(site: Site, answer: Answer, shown: Shown) -> None:
    asked = _asked(shown)
    wrong: dict[str, str] = {}
    for purpose in answer.answers:
        if purpose not in asked:
            wrong[f"answers.{purpose}"] = _("This text does not ask about that.")
    if not answer.answers:
        wrong["answers"] = _("There is no answer.")
    if answer.how not in HOWS:
        wrong["how"] = _("This has to be one of: %s.") % ", ".join(HOWS)
    if any(answer.answers.values()):
        if answer.how in ("refuse", "signal"):
            wrong["how"] = _("There is a yes among the answers.")
        if answer.device is None and answer.how != "earlier":
            wrong["device"] = _("A yes needs the device that said it.")
    if answer.how == "earlier" and answer.source not in site.earlier:
        wrong["source"] = _("This site does not take over choices from there.")
    if wrong:
        raise Invalid(_("This was not recorded: %s") % " ".join(dict.fromkeys(wrong.values())), wrong)


async def _kept(site: Site, answer: Answer, shown: Shown, known: Known | None, part: str) -> str:
    key = _key(site, answer) + part
    words = _words(site, answer, shown)
    ballot = counts.ballot(site.name, answer.answers, answer.how)
    traffic.note(site.name, traffic.CHOICE)
    if known is not None:
        await _for_customer(site, words, known, key, answer)
    if not words or answer.device is None:
        if known is not None:
            key += "/linked"  # what was counted for nobody, and recorded for a customer
        counted = replace(ballot, key=key, request_hash=answer.digest, reply=_reply(dict.fromkeys(answer.answers, False), None))
        return await counts.count(counted)
    whose = Arrival("device", answer.device, _actor(site), own=True)
    once = Once(key, answer.digest, lambda recorded: _told(site, answer, recorded), counts.BROUGHT_WITHIN)
    done = await consent.submit(Submission(words, whose, once))
    if done.decided:
        counts.count_later(ballot)
    return done.reply


def _words(site: Site, answer: Answer, shown: Shown) -> tuple[Word, ...]:
    """One per cell. Nobody saw our text before an earlier tool's yes, so only its noes are taken over."""
    return tuple(
        _word(site, answer, shown, shown.asks[purpose], channel, yes=yes)
        for purpose, yes in answer.answers.items()
        if not (yes and answer.how == "earlier")
        for channel in shown.asks[purpose].channels
    )


def _word(site: Site, answer: Answer, shown: Shown, asked: Asked, channel: str, *, yes: bool) -> Word:
    source, grade = HOWS[answer.how]
    claimed = answer.said_at or clock.now()
    pressed = answer.pressed_at or claimed
    evidence = {"site": site.name, "shown": answer.edition, "how": answer.how, "said_at": clock.rfc3339(claimed)}
    return Word(
        *("", asked.key, channel, "", "yes" if yes else "no", pressed if yes else None),
        *(source, grade, _actor(site), asked.edition, shown.language, None),
        evidence | ({"from": answer.source} if answer.source else {}),
        heard_at=None if yes else answer.pressed_at,
    )


async def _for_customer(site: Site, words: tuple[Word, ...], known: Known, key: str, answer: Answer) -> None:
    """The present choice counts for the customer too; what the device said earlier stays the device's own.

    A customer whom nobody may add again, or who left this address, is not told apart from any other. What they allowed
    against the signal of one device is not ended by that of the next, for as long as they are known (11 CCR 7025(c)).
    """
    mine = tuple(word for word in words if known.kind in consent.CHANNELS[word.channel])
    if not mine:
        if words:
            traffic.note(site.name, traffic.REFUSED, f"a token named a customer by {known.kind}, which no purpose here goes by")
        return
    if answer.how == "signal":
        counts_now = [await consent.ask(known.kind, known.value, word.cell) for word in mine]
        mine = tuple([word for word, says in zip(mine, counts_now, strict=True) if not await signals.is_against(says)])
        if not mine:
            return
    once = Once(f"{key}/customer", answer.digest, lambda _recorded: "{}", counts.BROUGHT_WITHIN)
    try:
        await consent.submit(Submission(mine, Arrival(known.kind, known.value, _actor(site), own=True), once))
    except (Conflict, Invalid):
        traffic.note(site.name, traffic.REFUSED, "a token named somebody whom it could not be recorded for")


def _told(site: Site, answer: Answer, recorded: Recorded) -> str:
    now = dict.fromkeys(answer.answers, True)
    for each, says in zip(recorded.decided, recorded.answers, strict=True):
        now[each.word.purpose] = now[each.word.purpose] and says is not None and says.allowed
    taken = {each.word.purpose for each in recorded.decided}
    proof = address(f"/w/v1/{key_of(site)}/proof/{proofs.token_of(each.entry for each in recorded.decided)}")
    return _reply({purpose: yes and purpose in taken for purpose, yes in now.items()}, proof)


def _reply(answers: Mapping[str, bool], proof: str | None) -> str:
    return json.dumps({"kept": proof is not None, "answers": answers, "proof": proof})


def _actor(site: Site) -> str:
    return f"site:{site.name}"
