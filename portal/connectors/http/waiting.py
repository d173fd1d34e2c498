"""What an answer's status means, and leaving a service alone for as long as it asks (RFC 9110 Retry-After).

The wait is kept in memory, per address: a restart asks once too early, and is told again.
"""

import json
from datetime import datetime, timedelta

from portal.connectors.contract import ConnectorError, Departed
from portal.connectors.signed import NotAnswered
from portal.lib import clock
from portal.lib.outbound import Response
from portal.paper import _

LONGEST_WAIT = timedelta(minutes=15)
_quiet_until: dict[str, datetime] = {}


def require_over(url: str) -> None:
    until = _quiet_until.get(url)
    if until is None:
        return
    left = (until - clock.now()).total_seconds()
    if 0 < left <= LONGEST_WAIT.total_seconds():
        raise ConnectorError(_("It asked us to wait %d seconds.") % (left + 1), permanent=False)
    del _quiet_until[url]


def require_taken(url: str, answer: Response) -> None:
    """Raises for everything but 200: permanent where it says itself that asking again will not help."""
    status = answer.status
    if status == 200:
        return
    if status == 410:
        raise Departed(_("It says that it is gone (410)."))
    if status == 409:
        raise ConnectorError(_conflict(answer.content), permanent=True)
    if status in (429, 503):
        seconds = answer.headers.get("retry-after", "")
        if seconds.isascii() and seconds.isdigit() and len(seconds) < 7:
            _quiet_until[url] = clock.now() + min(timedelta(seconds=int(seconds)), LONGEST_WAIT)
        busy = ConnectorError if status == 429 else NotAnswered  # 503 may come from something between us and it
        raise busy(_("It has no time for us now (%d).") % status, permanent=False)
    if status in (401, 403):  # this and what follows may be said by something between us and it
        raise NotAnswered(_("It does not accept our signature (%d). Please compare the keys.") % status, permanent=True)
    if 300 <= status < 400:
        raise NotAnswered(_("It sends us elsewhere (%d), where we do not go.") % status, permanent=False)
    if 400 <= status < 500 and status not in (404, 408, 425):
        raise ConnectorError(_("It does not understand the question (%d).") % status, permanent=True)
    raise NotAnswered(_("It failed (%d).") % status, permanent=False)


def _conflict(content: bytes) -> str:
    """Its reason is one of our words, told in our own sentence."""
    try:
        reason = json.loads(content)["problem"]
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = None
    if reason == "unlike-plan":
        return _("What is there now is not what the dry run saw. Nothing was changed; make a new dry run.")
    if reason == "changed-meanwhile":
        return _("A value was changed there after this correction was decided. Nothing was written.")
    if reason == "not-theirs":
        return _("What was to be corrected is no longer there under this person. Nothing was changed.")
    if reason == "does-not-fit":
        return _("A value cannot be kept there. Nothing was written.")
    return _("It refuses, and says that nothing was changed (409).")
