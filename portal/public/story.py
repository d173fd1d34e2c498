"""The steps of a request as its person reads them; what is not here is not shown to them."""

from portal.paper import _

LOOKED = "case.findings_read"


def told(event: str) -> str | None:
    """What happened, for the person; None for steps that are nobody's business but the officers'."""
    return {
        "case.opened": _("Your request came in."),
        "case.proof_asked": _("We asked you to confirm your address."),
        "case.proven": _("You confirmed your address."),
        "case.collecting": _("We asked our systems what they hold."),
        "case.system_answered": _("A system answered."),
        "case.system_stopped": _("A system could not do it as planned; a person looks at it."),
        "case.collected": _("Every system has answered."),
        "case.look_again": _("We asked our systems once more."),
        "case.proposed": _("An officer wrote an answer."),
        "case.approved": _("A second person agreed to it."),
        "case.refusal_approved": _("A second person agreed to a refusal."),
        "case.sent_back": _("A second person asked for changes."),
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
        "case.extended": _("We needed more time and wrote to you why."),
        "case.law_changed": _("We looked again at which law applies; the date may have changed."),
        "case.closed": _("The request was closed."),
        "case.withdrawn": _("You took the request back."),
        "case.reopened": _("The request was opened again."),
        "case.certified": _("Your certificate was made."),
        LOOKED: _("A privacy officer, to answer this request"),
    }.get(event)
