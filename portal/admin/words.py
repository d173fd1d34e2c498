"""What officers read for rights, states, addresses and answers; one place, so that every page says it alike."""

from portal import connectors
from portal.consent import Choice
from portal.paper import _, date_text


def right_name(right: str) -> str:
    return {
        "access": _("Copy"),
        "rectification": _("Correction"),
        "erasure": _("Deletion"),
        "portability": _("To take along"),
        "restriction": _("Only to store"),
        "objection": _("Objection"),
        "objection to marketing": _("No advertising"),
        "withdrawal": _("Everything taken back"),
        "opt-out": _("Not to sell or share"),
        "limit": _("Sensitive data limited"),
        "human review": _("A decision to look at"),
        "complaint": _("Complaint"),
        "appeal": _("Appeal"),
    }.get(right, right)


def state_pill(state: str, outcome: str = "") -> tuple[str, str]:
    """Words and kind for the state's pill."""
    if state == "closed":
        return outcome_name(outcome) if outcome else _("Closed"), "shut"
    return {
        "received": (_("Received"), "new"),
        "verifying": (_("Waits for proof"), "waiting"),
        "triage": (_("To be started"), "new"),
        "collecting": (_("Collecting"), "working"),
        "reviewing": (_("To be reviewed"), "new"),
        "approving": (_("Waits for approval"), "waiting"),
        "fulfilling": (_("Being carried out"), "working"),
        "delivering": (_("Ready for the person"), "done"),
    }[state]


def outcome_name(outcome: str) -> str:
    return {
        "fulfilled": _("Fulfilled"),
        "partly": _("Fulfilled in part"),
        "nothing held": _("Nothing held"),
        "answered": _("Answered"),
        "refused": _("Refused"),
        "withdrawn": _("Taken back"),
        "unconfirmed": _("Never confirmed"),
    }.get(outcome, outcome)


def end_name(end: str) -> str:
    """How requests ended, in the figures of a year."""
    return {
        "full": _("Done"),
        "part": _("Done in part"),
        "refused": _("Refused"),
        "without": _("Taken back or never confirmed"),
        "open": _("Not answered yet"),
    }[end]


def due_pill(days_left: int, state: str, day: str) -> tuple[str, str]:
    """Words and kind for the pill that says when the answer is due; `day` is the date in words."""
    if state in ("closed", "delivering"):  # answered: nothing is due any more
        return day, "off"
    if days_left < 0:
        return _("Late, %(day)s") % {"day": day}, "late"
    if days_left == 0:
        return _("Due today"), "soon"
    if days_left <= 7:
        return _("In %(count)d days, %(day)s") % {"count": days_left, "day": day}, "soon"
    return day, "fine"


def step_name(step: str) -> str:
    """What a connected system was asked to do."""
    return {
        "find": _("Search"),
        "plan": _("Dry run"),
        "erase": _("Delete"),
        "correct": _("Correct"),
        "package": _("Make the package"),
        "restrict": _("Only store it"),
        "stop": _("Stop using it"),
    }.get(step, step)


def why_name(why: str, action: str) -> str:
    """Why something else happens to rows in an erasure than the map says."""
    if why == connectors.SINGLED_OUT and action == "delete":
        return _("instead of made anonymous: what would stay singles the person out")
    if why == connectors.SINGLED_OUT:
        return _("without what the map keeps: it would single the person out; not deleted, other rows may point here")
    return _("instead of deleted: rows that stay point here") if why == connectors.POINTED_AT else ""


def action_name(action: str) -> str:
    """What happens to rows in an erasure."""
    return {
        "delete": _("deleted"),
        "anonymise": _("made anonymous"),
        "null": _("emptied"),
        "clear": _("emptied"),
        "keep": _("kept"),
    }.get(action, action)


def kind_name(kind: str) -> str:
    return {
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "post": _("Post"),
        "account": _("Account"),
        "device": _("Device"),
    }.get(kind, kind)


def audience_name(audience: str) -> str:
    """Who uses an address."""
    return {
        "person": _("One person"),
        "shared": _("Several people"),
        "role": _("A function, like info@"),
        "former": _("Left it"),
    }.get(audience, audience)


def said(choice: Choice) -> str:
    """On what a yes or a no rests, with its day and where it came from."""
    because = choice.because
    if because is None:
        return ""
    told = {
        "day": date_text(because.at) if because.at else _("no known day"),
        "where": because.source.replace("-", " "),
        "end": date_text(because.until) if because.until else "",
    }
    if because.what == "decision":
        return {
            "yes": _("said yes, %(day)s (%(where)s)"),
            "informed": _("bought and was told how to refuse, %(day)s (%(where)s)"),
        }.get(because.answer, _("said no, %(day)s (%(where)s)")) % told
    if because.what == "stop":
        return {
            "suppressed": _("address closed, %(day)s (%(where)s)"),
            "restricted": _("asked to leave the data unused, %(day)s"),
        }.get(because.kind, _("stopped all advertising, %(day)s")) % told
    if because.what == "pause":
        return _("paused until %(end)s") % told
    return _("nobody has said anything")
