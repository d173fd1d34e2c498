"""One form per address, and the short way gives the same as the libraries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lib.errors import Invalid
from portal.subjects.canonical import canonical, email_by_library, mask, phone_by_library

_plain_email = st.from_regex(r"[a-z0-9._+-]{1,64}@([a-z0-9]{1,12}\.){1,3}[a-z]{2,12}", fullmatch=True)
_plain_phone = st.from_regex(r"\+(407[0-9]{8}|1[2-9][0-9]{9}|447[0-9]{9}|66[689][0-9]{8}|84[35789][0-9]{8})", fullmatch=True)


@given(_plain_email)
def test_an_address_that_is_canonical_already_is_what_the_library_would_say(address: str) -> None:
    assert canonical("email", address) == address == email_by_library(address)


@given(_plain_phone)
def test_a_number_that_is_canonical_already_is_what_the_library_would_say(number: str) -> None:
    assert canonical("phone", number) == number == phone_by_library(number)


_letters = st.text(st.characters(categories=["L", "Nd", "Mn", "Cf"]), min_size=1, max_size=12)
_latin = st.text(st.characters(min_codepoint=97, max_codepoint=0x17F, categories=["Ll"]), min_size=1, max_size=8)


@given(_letters, _latin)
def test_the_canonical_form_of_a_canonical_form_is_itself(local: str, domain: str) -> None:
    try:
        once = canonical("email", f"{local}@{domain}.example")
    except Invalid:
        return
    assert canonical("email", once) == once


@pytest.mark.parametrize(
    ("given_as", "meant"),
    [
        ("  Ana@Example.COM ", "ana@example.com"),
        ("ＡＮＡ@example.com", "ana@example.com"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("Straße@example.com", "strasse@example.com"),
        ("a\u200bna@example.com", "ana@example.com"),
        ("ana@example.com.", "ana@example.com"),
    ],
)
def test_spellings_of_one_address_meet(given_as: str, meant: str) -> None:
    assert canonical("email", given_as) == meant


@pytest.mark.parametrize(
    "wrong", ["", "ana", "ana@", "@example.com", "a b@example.com", "ana@localhost", "a@b@c.example", "ana@-.x"]
)
def test_what_is_no_address_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        canonical("email", wrong)
    assert refused.value.fields


@pytest.mark.parametrize(
    ("given_as", "meant"),
    [("0722 123 456", "+40722123456"), ("+40 (722) 123-456", "+40722123456"), ("0040722123456", "+40722123456")],
)
def test_a_number_without_country_is_one_of_the_controllers_country(given_as: str, meant: str) -> None:
    assert canonical("phone", given_as) == meant


def test_a_masked_address_shows_its_owner_enough() -> None:
    assert mask("email", "ana@example.com") == "a•••@example.com"
    assert mask("phone", "+40722123456") == "+40•••56"
