"""Salesforce: ContactPointTypeConsent and ContactPointConsent, exported with the address beside each record."""

from collections.abc import Iterator

from portal.consent.vendors.preset import NEITHER, NO, YES, Odd, Preset, Said, Values, key_of

_COLUMNS = {
    "email": ("email", "email address", "contact point.email address", "contact.email"),
    "phone": ("phone", "mobile phone", "telephone number", "contact point.telephone number", "contact.mobile phone"),
    "post": ("mailing address", "address", "contact.mailing address"),
    "purpose": ("data use purpose.name", "data use purpose", "data use purpose id"),
    "point": ("contact point type",),
    "status": ("privacy consent status",),
    "said_at": ("capture date",),
    "source": ("capture source",),
    "confirmed_at": ("double consent capture date",),
    "from": ("effective from",),
    "until": ("effective to",),
}
# Seen and NotSeen: the question was or was not on a screen; nobody answered it.
_ANSWERS = {"optin": YES, "optout": NO, "notseen": NEITHER, "seen": NEITHER}
_POINTS = {
    "email": frozenset({"email"}),
    "phone": frozenset({"sms", "phone"}),
    "mailingaddress": frozenset({"post"}),
    "web": frozenset({"web", "ads"}),
    "social": frozenset({"ads"}),
}


def _read(values: Values) -> Iterator[Said | Odd]:
    status, point = values.of("status"), values.of("point")
    if not status:
        return
    answer = values.means(status)
    if not answer or (point and key_of(point) not in _POINTS):
        yield Odd(status if not answer else point)
        return
    about = _POINTS[key_of(point)] if point else frozenset[str]()
    if answer == YES and values.is_future(values.of("from")):
        answer = NEITHER
    evidence = {name: values.of(name) for name in ("confirmed_at", "source") if answer == YES and values.of(name)}
    yield Said(
        *(answer, values.of("purpose"), "" if answer == NEITHER else values.of("said_at")),
        until=values.of("until") if answer == YES else "",
        point=about,
        source=values.of("source"),
        evidence=evidence,
    )


PRESET = Preset("salesforce", _COLUMNS, ("purpose", "status"), _read, answers=_ANSWERS)
