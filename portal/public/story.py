"""A request as its person reads it: its steps, what happens next, why it waits, who looked, and what was said.

What is not here is not shown to them; all of it only to who proved the request with the address they are signed in with.
"""

from typing import Any

from portal import cases, identity
from portal.paper import _, date_text, ngettext
from portal.public.asking import correctable

ALONE: dict[str, Any] = {"side": None, "package": None, "sentence": "", "given": {}, "wrong": {}}
ALONE |= {"wanted": "", "beside": [], "may_appeal": False}  # portal/public/asker.py
ALONE |= {"second": [], "said": [], "waits": [], "timeline": [], "looks": [], "sent": None, "corrections": []}


async def of_request(case_id: str) -> dict[str, Any]:
    """What the page of a request shows to its person beside what its reference shows to anybody."""
    side, steps = await cases.persons_side.of(case_id), await cases.timeline(case_id)
    hours = cases.plain_words.hours_alone(steps)
    return ALONE | {
        "said": [(each, _writer(each)) for each in await cases.conversation.thread(case_id)],
        "side": side,
        "second": await cases.second_proof.addresses(case_id),
        "waits": [why_it_waits(each) for each in side.waits],
        "timeline": [(each, told(each.event, hours)) for each in steps if told(each.event)],
        "looks": [look_words(each) for each in await cases.looks.of_case(case_id)],
        "sent": await cases.by_post.sent(case_id),
        "package": await cases.package_of(case_id),
        "corrections": [(each, correctable().get(each["field"], each["field"])) for each in await cases.disputes.of(case_id)],
    }


def next_step(state: str) -> str:
    """What happens now, and who has to do it."""
    return {
        "triage": _("Next, one of us starts the search in our systems. You need not do anything."),
        "collecting": _("Our systems are being asked now. You need not do anything."),
        "reviewing": _("Next, one of us checks what was found and prepares the answer. You need not do anything."),
        "approving": _("The answer is looked at once more before it goes out. You need not do anything."),
        "fulfilling": _("It is being carried out in our systems. We write to you when it is done."),
        "delivering": _("It is your turn: our answer waits for you on this page."),
    }.get(state, "")


def why_it_waits(wait: cases.persons_side.Wait) -> tuple[str, str]:
    """Why, since when, what it does to the date, and what the person can do."""
    why, can = {
        "clarification": (_("We asked you something and wait for your answer."), _("Please answer below, under Messages.")),
        "identity": (
            _("We are not sure yet that it is you who asks."),
            _("You can show it in another way, or write to us below, under Messages."),
        ),
        "fee": (
            _("We asked you for a fee and wait for it."),
            _("How much and why stands below, under Messages. If you do not agree, write to us there, or complain."),
        ),
        "freeze": (
            _("Somebody who reads another address of yours told us that they did not ask for this."),
            _("One of us decides about it within 2 working days. The rest goes on meanwhile."),
        ),
        "legal": (
            _("A law or a legal claim does not let us delete your data now."),
            _("Nothing is sent to you for advertising meanwhile. If you do not agree, write to us below, or complain."),
        ),
    }.get(wait.kind, (_("Your request is on hold."), _("If you want to know more, write to us below, under Messages.")))
    since = _("Since %(day)s.") % {"day": date_text(wait.since)} if wait.since else ""
    still = _("The date of our answer moves on by as many days as this takes.") if wait.still else ""
    return why, " ".join(each for each in (since, still, can) if each)


def look_words(look: cases.looks.Look) -> tuple[cases.looks.Look, str, str]:
    """What was looked at and why; and who, by their role alone."""
    what = {
        "case.opened_by_officer": _("Opened your request: your address and what you asked for"),
        "case.findings_read": _("Read what our systems hold about you, to answer your request"),
        "case.messages_read": _("Read your messages, to answer your request"),
        "person.looked": _("Looked at your addresses and at what you said yes and no to"),
        "person.sought": _("Asked whether we know an address of yours"),
    }.get(look.event, _("Looked at your data"))
    if look.object == "duplicate":
        what = _("Checked whether two records are both yours")
    return look, what, identity.role_name(look.role) if look.role else _("A colleague of the privacy office")


def _writer(said: cases.conversation.Said) -> str:
    if said.side == "person":
        return _("Came by mail") if said.source == "mail" else _("You")
    return identity.role_name(said.role) if said.role else _("A colleague of the privacy office")


def told(event: str, hours: int | None = None) -> str | None:
    """What happened, for the person; None for steps that are nobody's business but the officers'.

    `hours`: after how many the officer who had proposed the answer agreed to it, where no second person did.
    """
    return {
        "case.opened": _("Your request came in."),
        "case.proof_asked": _("We asked you to confirm your address."),
        "case.proven": _("You confirmed your address."),
        "case.new_address_proven": _("You confirmed your new e-mail address."),
        "case.proof_failed": _("We could not confirm that it is you; this page says what else would do."),
        "case.letter_posted": _("We posted a letter to you."),
        "case.letter_lapsed": _("We did not post a letter in time, and its code ended."),
        "case.collecting": _("We asked our systems what they hold."),
        "case.system_answered": _("A system answered."),
        "case.system_stopped": _("A system could not do it as planned; a person looks at it."),
        "case.collected": _("Every system has answered."),
        "case.look_again": _("We asked our systems once more."),
        "case.proposed": _("An officer wrote an answer."),
        "case.autopilot_answered": _("The portal answered by itself. No person looked at what it found."),
        "case.approved": _("A second person agreed to it."),
        "case.refusal_approved": _("A second person agreed to a refusal."),
        "case.approved_alone": _alone(hours),
        "case.refusal_approved_alone": _alone(hours),
        "case.sent_back": _("The answer was sent back for changes."),
        "case.executing": _("We began to carry it out."),
        "case.erased": _("A system deleted your data, and we asked it again."),
        "case.corrected": _("A system corrected your data, and we read it again."),
        "case.packaged": _("Your copy was made."),
        "case.delivering": _("Our answer was ready for you."),
        "case.handed_over": _("A download was opened for you."),
        "case.downloaded": _("Your copy was downloaded."),
        "case.not_me": _("Somebody said that they did not ask for this."),
        "case.held": _("Your request was put on hold."),
        "case.hold_lifted": _("The hold ended."),
        "case.post_chosen": _("We made your copy ready for the post."),
        "case.copy_given": _("We handed your copy to the post, or gave it to you."),
        "case.fetch_reminded": _("We reminded you to fetch your copy."),
        "case.fee_asked": _("We asked you for a fee and wrote to you why."),
        "case.extended": _("We needed more time and wrote to you why."),
        "case.law_changed": _("We looked again at which law applies; the date may have changed."),
        "case.mandate_seen": _("We saw what entitles you to ask for somebody else."),
        "case.acted": _("What you asked for took effect."),
        "case.answered_in_words": _("We wrote our answer to you."),
        "case.restriction_ends": _("We told you that we will use your data again, and from when."),
        "case.statement_added": _("You said in your own words that you disagree."),
        "case.closed": _("The request was closed."),
        "case.withdrawn": _("You took the request back."),
        "case.reopened": _("The request was opened again."),
        "case.certified": _("Your certificate was made."),
        "case.message_received": _("You wrote to us."),
        "case.message_sent": _("We wrote to you."),
        "case.wait_given_up": _("You asked us to delete at once."),
        "case.taken_up_again": _("You changed your mind: the request goes on."),
    }.get(event)


def _alone(hours: int | None) -> str:
    if hours is None:
        return _("The officer who wrote it agreed to it later. No second person looked at it.")
    sentence = ngettext(
        "The officer who wrote it agreed to it %(num)s hour later. No second person looked at it.",
        "The officer who wrote it agreed to it %(num)s hours later. No second person looked at it.",
        hours,
    )
    return sentence % {"num": hours}
