"""What the names of tables and columns let one guess, in English and Romanian: only a beginning, for somebody who knows better.

No guess here decides how long a law keeps something, and none rests on a value.
"""

import re
from collections.abc import Sequence

from portal.connectors.sql.survey import SurveyedColumn


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PEOPLE = _words("""customer client user person people member subscriber contact employee patient student guest lead buyer visitor
    owner author account applicant candidate tenant donor participant guardian parent staff profile passenger driver
    clienti utilizator persoana persoane membru membri abonat angajat pacient elev cumparator cont""")
_CATEGORIES = (
    ("invoices", "invoice billing bill receipt tax ledger booking accounting voucher factura facturi chitanta bon"),
    ("payments", "payment refund transaction payout card iban plata plati tranzactie"),
    ("orders", "order purchase basket cart sale shipment delivery line item comanda comenzi livrare cos"),
    ("marketing", "newsletter subscription campaign mailing coupon sent abonament campanie buletin"),
    ("contact", "address phone contact adresa adrese telefon"),
    ("reviews", "review rating recenzie"),
    ("content", "comment post message thread note photo file document attachment reply comentariu mesaj fisier"),
    ("support", "ticket support complaint call chat sesizare reclamatie"),
    ("usage", "login session visit event log click view device activity sesiune vizita"),
    ("work", "employee staff contract salary payroll angajat salariu"),
)
# Kept longer by law in many countries: the map asks, and does not guess for how long.
_PERHAPS_HELD = _words("invoices payments orders work")

_FIELDS = (
    ("name", {"name", "fullname", "full name", "display name", "customer name", "nume complet"}),
    ("street", {"street", "address", "address line", "street address", "strada", "adresa"}),
    ("city", {"city", "town", "oras", "localitate"}),
    ("postcode", {"postcode", "postal code", "zip", "zip code", "zipcode", "cod postal"}),
    ("language", {"language", "locale", "lang", "limba"}),
)
_KNOWN = _words("""name firstname lastname surname first last middle nickname title company street address city town state county
    country region postcode postal zip code language locale birth born birthday date created updated changed placed ordered issued
    paid sent status total amount price quantity currency number subject text body comment note message item product description
    rating star list email mail phone telephone mobile fax invoice order delivery billing shipping added written kind type
    nume prenume strada oras judet tara data pret cantitate suma stare telefon adresa""")
_OF_PEOPLE = ("first name", "firstname", "last name", "lastname", "surname", "full name", "fullname", "prenume", "birth date")
_SECRET = _words("password passwd pwd hash salt token secret otp totp pin parola")
_INFERRED = _words("score segment propensity prediction predicted cluster lookalike persona inferred scor segmentare")
_SPECIAL = _words("""health diagnosis medical disease allergy blood disability religion ethnic ethnicity race union political
    party sexual orientation biometric fingerprint genetic dna sanatate diagnostic religie etnie""")
_NO_ADDRESS = _words("verified sent opt template count at id hash status token subject type body text enabled")
_PHONE = _words("phone telephone tel mobile cell cellphone fax gsm msisdn phonenumber telefon mobil")


def words_of(name: str) -> list[str]:
    """`BillingCity`, `billing_city`, `billing-cities` → ["billing", "city"]; several of a thing are one."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+", " ", name[:200]).lower().split()
    return [_one(each) for each in parts]


def _one(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) and len(word) > 3 else word


def names_people(table: str) -> bool:
    """The last word says what a row is: `shop_customers` are people, `customer_address` is none."""
    words = words_of(table)
    return bool(words) and words[-1] in PEOPLE


def category_of(table: str, *, people: bool) -> str:
    if people:
        return "account"
    words = words_of(table)
    for word in reversed(words):
        for category, known in _CATEGORIES:
            if word in known.split():
                return category
    return "other"


def may_be_held(category: str) -> bool:
    """Whether somebody has to say which law keeps such rows."""
    return category in _PERHAPS_HELD


def identifier(column: SurveyedColumn) -> str:
    """email or phone, or "": its name, its type and what it looks like have to agree."""
    words = set(words_of(column.name))
    if column.kind not in ("text", "whole", "number", "other") or (column.kind == "other" and not column.looks):
        return ""
    if column.looks == "email":
        return "email"
    if words & {"email", "mail"} and not column.looks and column.kind == "text" and not words & _NO_ADDRESS:
        return "email"
    if column.looks == "international":
        return "phone"
    by_name = words & _PHONE and not words & _NO_ADDRESS
    return "phone" if by_name and column.looks in ("phone", "") else ""


def meaning(column: SurveyedColumn) -> str:
    """The field that may be corrected there, or ""."""
    if found := identifier(column):
        return found
    said = " ".join(words_of(column.name))
    return next((field for field, names in _FIELDS if said in names), "") if column.kind in ("text", "other") else ""


def known(column: SurveyedColumn) -> bool:
    """Whether its name says what it is for."""
    return bool(identifier(column)) or bool(set(words_of(column.name)) & _KNOWN)


def secret(column: SurveyedColumn) -> bool:
    return bool(set(words_of(column.name)) & _SECRET)


def inferred(column: SurveyedColumn) -> bool:
    return bool(set(words_of(column.name)) & _INFERRED)


def special(name: str) -> bool:
    """It may say what GDPR Art. 9 protects."""
    return bool(set(words_of(name)) & _SPECIAL)


def names_a_person(columns: Sequence[SurveyedColumn]) -> bool:
    """First name, surname, date of birth: a row of a person, whatever its table is called."""
    return any(" ".join(words_of(column.name)) in _OF_PEOPLE for column in columns)
