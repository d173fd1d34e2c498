"""HubSpot: the export of unsubscribes and bounces, with one column per subscription type; or contacts with the same columns.

TRUE in the column of a type means unsubscribed from it; FALSE and blank say nothing. This export knows no yes and no dates.
"""

from collections.abc import Iterator

from portal.consent.import_stops import BOUNCED, COMPLAINED
from portal.consent.vendors.preset import NEITHER, NO, YES, Odd, Preset, Said, Values

_COLUMNS = {
    "email": ("email", "email address"),
    "unsubscribed": ("portal unsubscribe", "unsubscribed from all email", "unsubscribed from all emails"),
    "complained": ("portal spam report",),
    "bounced": ("portal bounce", "email hard bounce reason"),
    "bounced_elsewhere": ("global bounce",),
    "said_at": (),
}
_TYPE_ANSWERS = {
    **{"true": NO, "unsubscribed": NO, "optout": NO, "optedout": NO},
    **{"subscribed": YES, "optin": YES, "optedin": YES, "notspecified": NEITHER},
}
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"", "false", "no", "0"})


def _read(values: Values) -> Iterator[Said | Odd]:
    at = values.of("said_at")
    for column, said in (
        ("unsubscribed", Said(NO, at=at, everything=True)),
        ("complained", Said(NO, at=at, stop=COMPLAINED)),
    ):
        value = values.of(column)
        if (word := value.casefold()) in _TRUE:
            yield said
        elif word not in _FALSE:
            yield Odd(value)
    # Where a mail came back stands TRUE, or the reason.
    if any(values.of(column).casefold() not in _FALSE for column in ("bounced", "bounced_elsewhere")):
        yield Said(NO, at=at, stop=BOUNCED)
    for theirs, value in values.types.items():
        if value.casefold() in _FALSE:
            continue
        answer = values.means(value)
        yield Said(answer, theirs, at) if answer else Odd(value)


PRESET = Preset("hubspot", _COLUMNS, ("email",), _read, other_columns=True, answers=_TYPE_ANSWERS)
