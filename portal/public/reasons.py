"""Why something is on or off, in a sentence that the person understands (GDPR Art. 12(1))."""

from portal.consent import Because, Choice
from portal.paper import _, date_text


def why(cell: Choice) -> str:
    """One sentence for a square of the preference page."""
    because = cell.because
    if because is None:
        return _("We have no address of yours for this.")
    if because.what == "decision":
        return _spoken(because)
    if because.what == "stop":
        return _stopped(because)
    if because.what == "pause" and because.until:
        return _("Paused until %(day)s.") % {"day": date_text(because.until)}
    if because.what == "fixed":
        return _("Needed for what you ordered, or the law asks for it.")
    return _by_default(cell)


def source_name(source: str) -> str:
    """Where somebody said it, as it stands in a sentence."""
    return {
        "preference-centre": _("here"),
        "checkout": _("at the checkout"),
        "order": _("with an order"),
        "questionnaire": _("in a questionnaire"),
        "subscription": _("when you subscribed"),
        "competition": _("in a competition"),
        "complaint": _("with a complaint"),
        "loyalty-programme": _("in the loyalty programme"),
        "warranty-card": _("on a warranty card"),
        "review": _("with a review"),
        "web-analytics": _("on our website"),
        "call-centre": _("on the telephone"),
        "letter": _("in a letter"),
        "import": _("in our earlier records"),
        "widget": _("on our website"),
        "form": _("in a form"),
        "gpc-signal": _("through a signal of your browser"),
        "agent": _("through somebody you authorised"),
        "unsubscribe-link": _("through the link in a message"),
    }.get(source, source)


def _spoken(because: Because) -> str:
    told = {"day": date_text(because.at) if because.at else "", "where": source_name(because.source)}
    if because.answer == "no":
        return _("You said no %(where)s, %(day)s.") % told
    if because.answer == "informed":
        return _("You bought from us and were told how to refuse, %(day)s.") % told
    if because.until:
        told["end"] = date_text(because.until)
        return _("You said yes %(where)s, %(day)s. It ends by itself on %(end)s.") % told
    return _("You said yes %(where)s, %(day)s.") % told


def _stopped(because: Because) -> str:
    told = {"day": date_text(because.at) if because.at else ""}
    if because.kind == "suppressed" and because.source == "not theirs":
        return _("You told us that this address is no longer yours, %(day)s.") % told
    if because.kind == "suppressed":
        return _("Messages to this address came back, or were reported as unwanted, %(day)s.") % told
    if because.kind == "restricted":
        return _("You asked us to leave your data unused, %(day)s.") % told
    return _("You stopped all advertising, %(day)s.") % told


def _by_default(cell: Choice) -> str:
    if cell.allowed:
        return _("On without asking, because it is a usual part of being our customer. You can stop it at any time.")
    return _("You have not said yes.")
