"""One form per address, so that Ana@Example.com and ana@example.com meet in the blind index.

Unicode NFKC, the whole address casefolded, domains by IDNA 2008 (RFC 5891, UTS 46), telephone numbers in E.164.
A value that is plainly canonical already skips the libraries; a property test shows that both ways agree.
"""

import re
import unicodedata
from functools import lru_cache

from portal import settings
from portal.lib.errors import Invalid
from portal.paper import _

# Whoever changes a form below raises places.NORMALISER and keeps the one from before in places.FORMER.
KINDS = ("email", "phone", "post", "account", "device")

_GMAIL = ("gmail.com", "googlemail.com")
_PLAIN_EMAIL = re.compile(r"[a-z0-9._+-]{1,64}@(?:[a-z0-9]{1,40}\.){1,4}[a-z]{2,20}")
# Countries whose mobile numbers of this shape the library leaves as they are.
_PLAIN_PHONE = re.compile(r"\+(?:407\d{8}|1[2-9]\d{9}|447\d{9}|66[689]\d{8}|84[35789]\d{8})")


def canonical(kind: str, value: str) -> str:
    """The form of a value that is compared; raises Invalid when it cannot be an identifier of that kind."""
    if kind == "email":
        return value if _PLAIN_EMAIL.fullmatch(value) else email_by_library(value)
    if kind == "phone":
        return value if _PLAIN_PHONE.fullmatch(value) else phone_by_library(value)
    if kind == "post":
        return _post(value)
    if kind in ("account", "device"):
        return _opaque(value)
    raise ValueError(f"{kind!r} is no kind of identifier; there are {', '.join(KINDS)}.")


def mailbox(email: str) -> str:
    """The plainest spelling of a canonical address that most likely reaches the same mailbox: a hint, never an identity.

    Without what follows a plus sign (RFC 5233 sub-addressing); at Gmail also without dots, which it ignores.
    """
    local, _at, domain = email.rpartition("@")
    plain = local.partition("+")[0]
    if domain in _GMAIL:
        plain, domain = plain.replace(".", ""), "gmail.com"
    return f"{plain}@{domain}" if plain else email


def mask(kind: str, value: str) -> str:
    """Enough of a value that its owner recognises it, too little for anybody else: `a•••@example.com`."""
    if kind == "email" and "@" in value:
        local, _at, domain = value.rpartition("@")
        return f"{local[:1]}•••@{domain}"
    if kind == "phone":
        return f"{value[:3]}•••{value[-2:]}"
    return f"{value[:2]}•••"


def email_by_library(value: str) -> str:
    import idna

    text = _folded(value)
    local, _at, domain = text.rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        ascii_domain = ""
    if not _is_local_part(local) or "." not in ascii_domain.strip(".") or len(local) + len(ascii_domain) > 253:
        raise Invalid(_("This is not an e-mail address. It looks like name@example.com."), {"email": _("Check the address.")})
    return f"{local}@{ascii_domain.rstrip('.')}"


def phone_by_library(value: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", value).strip(), _controllers_country())
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not phonenumbers.is_possible_number(number):
        raise Invalid(
            _("This is not a telephone number. Start with + and the country, for example +40 722 123 456."),
            {"phone": _("Check the number.")},
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _post(value: str) -> str:
    words = re.findall(r"\w+", _folded(value))
    if len(words) < 3:
        raise Invalid(_("This is not a whole postal address: street, town and postcode."), {"post": _("Check the address.")})
    return " ".join(words)


def _opaque(value: str) -> str:
    text = value.strip()
    if not 1 <= len(text) <= 200 or not text.isprintable():
        raise Invalid(_("This is not an account or device number."), {"account": _("Check the number.")})
    return text


def _folded(value: str) -> str:
    """NFKC and casefold until nothing changes, without invisible characters that come along when text is pasted."""
    before, text = "", "".join(each for each in value if unicodedata.category(each) != "Cf").strip()
    while text != before:
        before, text = text, unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()
    return text


def _is_local_part(local: str) -> bool:
    return 1 <= len(local) <= 64 and "@" not in local and local.isprintable() and not any(map(str.isspace, local))


def _controllers_country() -> str | None:
    return _country_of(settings.get().time_zone)


@lru_cache
def _country_of(time_zone: str) -> str | None:
    """A number without a country is one of the controller's own country."""
    from babel.core import get_global

    territory: str | None = get_global("zone_territories").get(time_zone)
    return territory
