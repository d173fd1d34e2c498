"""OneTrust Universal Consent: a line per person and purpose with its status and dates."""

from collections.abc import Iterator
from typing import Any

from portal.consent.import_stops import REFUSED_FOR_GOOD
from portal.consent.vendors.preset import NEITHER, NO, YES, Odd, Preset, Said, Values, key_of

_COLUMNS = {
    "email": ("identifier", "data subject identifier", "email", "email address"),
    "purpose": ("purpose name", "purpose"),
    "status": ("purpose status", "consent status", "transaction status", "status"),
    "said_at": ("consent date", "consented date"),
    "changed_at": ("withdrawal date", "withdrawn date", "last transaction date", "transaction date", "last updated date"),
    "until": ("expiry date", "expiration date"),
    "version": ("purpose version", "version"),
    "source": ("collection point", "collection point name"),
    "language": ("language",),
}
# Pending is not yes, and where nobody consented nobody refused either. What has run out is no yes any more, and no no.
_ANSWERS = {
    **{"active": YES, "optout": NO, "withdrawn": NO, "hardoptout": NO},
    **{"pending": NEITHER, "noconsent": NEITHER, "expired": NEITHER},
}


def _read(values: Values) -> Iterator[Said | Odd]:
    status, purpose = values.of("status"), values.of("purpose")
    if not status:
        return
    answer = values.means(status)
    if not answer:
        yield Odd(status)
        return
    more: dict[str, Any] = {"version": values.of("version"), "source": values.of("source"), "language": values.of("language")}
    if answer == YES:
        at = values.of("said_at") or values.of("changed_at")
        yield Said(YES, purpose, at, values.of("until"), **more)
        return
    # Never the day of the yes: a refusal dated by it would seem older than it is. What ran out did so some time ago.
    stop = REFUSED_FOR_GOOD if key_of(status) == "hardoptout" else ""
    yield Said(answer, purpose, "" if answer == NEITHER else values.of("changed_at"), stop=stop, **more)


PRESET = Preset("onetrust", _COLUMNS, ("purpose", "status"), _read, answers=_ANSWERS)
