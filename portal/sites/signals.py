"""Global Privacy Control: what a browser's signal stops, and how it reaches the person who is signed in on our own pages.

It is an objection to advertising, selling and sharing (11 CCR 7025(c), GDPR Art. 21(5)), never an answer of the person: it
ends an earlier yes, leaves a no as it was said, and a yes that was said in spite of it stands.
"""

from datetime import timedelta

from portal import consent, db, subjects, vault
from portal.consent import Answer, Choice, Purpose, Word
from portal.paper import _, language

STOPPED = ("ads", "sale-sharing")  # kinds of purposes
TURN = timedelta(hours=1)
AGAINST = "against-signal"  # where a yes came from that was said at the second step


async def mark_of(subject: str) -> str:
    """What a browser keeps once it has told us about this person and these purposes; "" where there is nothing to stop."""
    keys = [each.key for each in await consent.purposes() if is_stopped(each)]
    return vault.blind("signal", " ".join([subject, *sorted(keys)])).hex()[:16] if keys else ""


async def heard(subject: str) -> str:
    """Record the signal of a signed-in person's browser for all their addresses, of several pages at once only one; answers a
    sentence for the page.

    Raises Conflict or Invalid where an address was erased meanwhile.
    """
    async with db.writing():
        await db.count_many({f"signal:{subject}:turn": 1}, per=TURN)  # pages that come at the same moment wait here
        stopped = [each for each in await consent.choices(subject) if _concerns(each)]
        allowed = [each for each in stopped if each.answer and await is_against(each.answer)]
        await consent.decide_many([_word(subject, each) for each in stopped if each not in allowed and each.no_decision is None])
    return in_words(some_on=bool(allowed))


def in_words(*, some_on: bool) -> str:
    if some_on:
        return _("Your browser asks us not to sell or share your data. What you allowed all the same stays on until you end it.")
    return " ".join([_("Your browser asked us not to sell or share your data. We have stopped."), _("Opt-Out Request Honored")])


def is_stopped(purpose: Purpose) -> bool:
    return purpose.kind in STOPPED and purpose.default != "fixed"


async def is_against(says: Answer) -> bool:
    """Whether what counts, or will when a pause ends, is a yes of the second step: its person knew what the browser asks for."""
    because = says.overruled[0] if says.because.what == "pause" and says.overruled else says.because
    if because.what != "decision" or because.answer != "yes":
        return False
    try:
        evidence = await consent.evidence_of(because.id)
    except vault.Shredded:
        return False
    return evidence is not None and evidence.get("from") == AGAINST


def _concerns(choice: Choice) -> bool:
    """A word on the purpose stands above its topics. What a stop or a pause closes today may open again: it is said there too."""
    ours = choice.identifier is not None and choice.identifier.audience != subjects.FORMER
    return ours and choice.topic is None and is_stopped(choice.purpose)


def _word(subject: str, choice: Choice) -> Word:
    """It names no text: nobody read one."""
    assert choice.identifier is not None
    return Word(
        *(choice.identifier.id, choice.purpose.key, choice.channel, "", "no", None, "gpc-signal", "signal"),
        *(f"customer:{subject}", "", language(), None, {"how": "signal"}),
    )
