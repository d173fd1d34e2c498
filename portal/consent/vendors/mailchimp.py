"""Mailchimp: the files of an audience export, one per status; the map is that of one audience.

No column of the files of subscribed and of non-subscribed people tells them apart, so the operator says which it is; dates
of unsubscribing and cleaning are believed in any file.
"""

from collections.abc import Iterator

from portal.consent.import_stops import BOUNCED
from portal.consent.vendors.preset import NEITHER, NO, YES, Odd, Preset, Said, Values, key_of

_COLUMNS = {
    "email": ("email address", "email"),
    "status": ("status", "email marketing status"),
    "said_at": ("optin time",),
    "confirmed_at": ("confirm time",),
    "unsubscribed_at": ("unsub time",),
    "cleaned_at": ("clean time",),
}
_ANSWERS = {
    **{"subscribed": YES, "unsubscribed": NO, "cleaned": NO},
    **{"nonsubscribed": NEITHER, "transactional": NEITHER, "pending": NEITHER, "archived": NEITHER},
}

_TOLD_BY = {"cleaned_at": "cleaned", "unsubscribed_at": "unsubscribed"}


def _read(values: Values) -> Iterator[Said | Odd]:
    status = values.of("status") or values.status
    if values.of("cleaned_at") or key_of(status) == "cleaned":
        yield Said(NO, at=values.of("cleaned_at"), stop=BOUNCED)
        if values.of("unsubscribed_at"):
            yield Said(NO, at=values.of("unsubscribed_at"))
        return
    if values.of("unsubscribed_at"):
        yield Said(NO, at=values.of("unsubscribed_at"))
        return
    if not status:
        return
    answer = values.means(status)
    if not answer:
        yield Odd(status)
        return
    confirmed = values.of("confirmed_at")
    evidence = {"confirmed_at": confirmed} if answer == YES and confirmed else {}
    yield Said(answer, at=(values.of("said_at") or confirmed) if answer == YES else "", evidence=evidence)


PRESET = Preset("mailchimp", _COLUMNS, ("email",), _read, answers=_ANSWERS, told_by=_TOLD_BY)
