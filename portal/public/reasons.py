"""Why something is on or off, in a sentence that the person understands (GDPR Art. 12(1))."""

from portal import consent
from portal.consent import Because, Choice
from portal.paper import _, date_text


def why(cell: Choice) -> str:
    """One sentence for a square of the preference page; two where a yes stands that our precedence sets aside."""
    lost = cell.answer.overruled[0] if cell.answer is not None and cell.answer.tuned else None
    if cell.answer is None or lost is None or lost.what != "decision":
        return _why(cell)
    parts = [] if cell.answer.because.what == "default" else [_why(cell)]
    return " ".join([*parts, _set_aside(lost, cell.answer.tuned)])


def _why(cell: Choice) -> str:
    because = cell.because
    if because is None:
        return _("We have no address of yours for this.")
    if cell.answer is not None and cell.answer.rule == 5:
        return _("Somebody said no at an address that may be yours as well. It counts here until one of them is confirmed.")
    if because.what == "decision":
        return _spoken(because)
    if because.what == "stop":
        return _stopped_by_another(because) if cell.by_another else _stopped(because)
    if because.what == "pause" and because.until:
        return _("Paused until %(day)s.") % {"day": date_text(because.until)}
    if because.what == "fixed":
        return _("Needed for what you ordered, or the law asks for it.")
    return _by_default(cell)


def _spoken(because: Because) -> str:
    told = {"day": date_text(because.at) if because.at else "", "where": consent.collection_points.called(because.source)}
    if because.answer == "no":
        return _("You said no %(where)s, %(day)s.") % told
    if because.answer == "informed":
        return _("You bought from us and were told how to refuse, %(day)s.") % told
    if because.until:
        told["end"] = date_text(because.until)
        return _("You said yes %(where)s, %(day)s. It ends by itself on %(end)s.") % told
    return _("You said yes %(where)s, %(day)s.") % told


def _set_aside(lost: Because, tuned: str) -> str:
    told = {"day": date_text(lost.at) if lost.at else "", "where": consent.collection_points.called(lost.source)}
    if tuned == "recency":
        return _("Your yes %(where)s, %(day)s, no longer counts: a yes from there holds only for some time.") % told
    return _("Your yes %(where)s, %(day)s, came too soon after that to change it.") % told


def _stopped(because: Because) -> str:
    told = {"day": date_text(because.at) if because.at else ""}
    if because.kind == "suppressed" and because.source == "not theirs":
        return _("You told us that this address is no longer yours, %(day)s.") % told
    if because.kind == "suppressed":
        return _("Messages to this address came back, or were reported as unwanted, %(day)s.") % told
    if because.kind == "restricted":
        return _("You asked us to leave your data unused, %(day)s.") % told
    return _("You stopped all advertising, %(day)s.") % told


def _stopped_by_another(because: Because) -> str:
    told = {"day": date_text(because.at) if because.at else ""}
    if because.kind == "restricted":
        return _("Somebody who may be the same person as you asked us to leave their data unused, %(day)s.") % told
    return (
        _("Somebody who may be the same person as you stopped this, %(day)s. It counts until your address is confirmed.") % told
    )


def _by_default(cell: Choice) -> str:
    if cell.allowed:
        return _("On without asking, because it is a usual part of being our customer. You can stop it at any time.")
    return _("You have not said yes.")
