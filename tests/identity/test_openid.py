"""Signing in with the company's own account: it works, and no lie of a provider, a stranger or a second browser does."""

import base64
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from portal import audit, db, settings, subjects
from portal.lib import clock
from portal.settings import SettingsError
from tests.cases.shops import found_company
from tests.conftest import House, on_both
from tests.identity.provider import CLIENT, SECRET, Provider, serving
from tests.people import ANA, BEN, MALLORY, Browser, sign_in

BACK = "/sign-in/account"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider, house: House) -> Iterator[Provider]:
    before = replace(server)
    ours = replace(house.settings, openid_issuer=server.issuer, openid_client=CLIENT, openid_secret=SECRET)
    settings.use(replace(ours, outbound_allow="127.0.0.0/8"))
    yield server
    vars(server).update(vars(before))


async def _sent(browser: Browser, **given: str) -> str:
    """Presses the button; answers the provider's address."""
    page = await browser.post(BACK, data=given)
    assert page.status_code == 200, page.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    return unescape(found[1])


async def _come_back(browser: Browser, provider: Provider) -> Any:
    return await browser.get(provider.agreed(await _sent(browser)))


async def _signed_in(browser: Browser) -> bool:
    return "Sign out" in (await browser.get("/")).text


@on_both
async def test_an_account_signs_its_owner_in(provider: Provider) -> None:
    async with Browser() as ana:
        assert "Sign in with my account" in (await ana.get("/sign-in")).text
        page = await _come_back(ana, provider)
        assert page.url.path == "/preferences" and page.status_code == 200 and await _signed_in(ana)
    known = await subjects.find("email", ANA)
    assert known is not None and known.verified_at is not None
    done = [each.event for each in await audit.search(subject=known.subject)]
    assert {"customer.vouched_for", "customer.signed_in"} <= set(done)


async def test_nothing_is_offered_where_the_company_has_no_such_sign_in(house: House) -> None:
    async with Browser() as ana:
        assert "Sign in with my account" not in (await ana.get("/sign-in")).text
        assert (await ana.post(BACK)).status_code == 404
        assert (await ana.get(f"{BACK}?state=x&code=y")).status_code in (403, 404)


async def test_an_answer_counts_once_and_in_the_browser_that_went(provider: Provider) -> None:
    async with Browser() as mallory, Browser() as ana:
        await ana.get("/sign-in")
        answer = provider.agreed(await _sent(mallory))
        page = await ana.get(answer)  # Mallory's own account: Ana would give him her data
        assert page.status_code == 403 and "from our page in this browser" in page.text and not await _signed_in(ana)
        assert (await mallory.get(answer)).status_code == 200
        again = await mallory.get(answer)
        assert again.status_code == 403 and "or you came here twice" in again.text


async def test_who_stays_away_for_long_begins_anew(provider: Provider) -> None:
    async with Browser() as ana:
        answer = provider.agreed(await _sent(ana))
        async with db.writing():
            await db.run("UPDATE sign_in_elsewhere SET ends_at = ?", clock.micros(clock.now()))
        page = await ana.get(answer)
        assert page.status_code == 403 and "took too long" in page.text and not await _signed_in(ana)


def _other(key: str, value: Any) -> Any:
    return lambda claims: {**claims, key: value}


def _without(key: str) -> Any:
    return lambda claims: {name: value for name, value in claims.items() if name != key}


LIES = {
    "another issuer": _other("iss", "http://127.0.0.1:9"),
    "for another client": _other("aud", "another"),
    "for another client too": _other("aud", [CLIENT, "another"]),
    "passed on by another client": lambda claims: {**claims, "aud": [CLIENT, "another"], "azp": "another"},
    "another nonce": _other("nonce", "x" * 43),
    "no nonce": _without("nonce"),
    "over": lambda claims: {**claims, "exp": claims["iat"] - 120},
    "of tomorrow": lambda claims: {**claims, "iat": claims["iat"] + 86_400},
    "never ends": _without("exp"),
    "nobody": _without("sub"),
    "signed in long ago": lambda claims: {**claims, "auth_time": claims["iat"] - 3600},
    "nobody knows when": _without("auth_time"),
    "an address that nobody checked": _other("email_verified", False),
    "an address that is said to be checked": _other("email_verified", "true"),
    "no address": _without("email"),
    "an address that is none": _other("email", "ana"),
    "a list of addresses": _other("email", [ANA]),
    "will sign in tomorrow": lambda claims: {**claims, "auth_time": claims["iat"] + 86_400},
    "signed in at no time": _other("auth_time", float("nan")),
    "signed in at any time": _other("auth_time", float("inf")),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_token_that_is_not_for_this_visit_signs_nobody_in(provider: Provider, lie: Any) -> None:
    provider.change = lie
    async with Browser() as ana:
        page = await _come_back(ana, provider)
        assert page.status_code == 403 and "did not tell us who you are" in page.text and not await _signed_in(ana)
    assert await subjects.find("email", ANA) is None


@pytest.mark.parametrize(
    "told", ["ana@straße.example", "straße@example.com", "ＡＮＡ@example.com", "an\u200ba@example.com", "\u212aim@example.com"]
)
async def test_an_account_is_no_proof_of_an_address_that_only_reads_like_its_own(provider: Provider, told: str) -> None:
    """Another mailbox may lie behind each, and an account there is easily had."""
    provider.email = told
    async with Browser() as mallory:
        page = await _come_back(mallory, provider)
        assert page.status_code == 403 and "in another spelling" in page.text and not await _signed_in(mallory)
    assert await subjects.find("email", told) is None


async def test_capital_letters_are_no_other_spelling(provider: Provider) -> None:
    provider.email = "Ana@Example.com"
    async with Browser() as ana:
        assert (await _come_back(ana, provider)).status_code == 200 and await _signed_in(ana)


@pytest.mark.parametrize(
    "answer", ["[]", "null", '"token"', "{", '{"access_token": "a", "token_type": "Bearer"}', "[" * 50_000, '{"id_token": 7}']
)
async def test_what_is_no_answer_of_a_provider_is_refused_in_a_sentence(provider: Provider, answer: str) -> None:
    provider.told = answer
    async with Browser() as ana:
        page = await _come_back(ana, provider)
        assert page.status_code == 403 and "did not tell us who you are" in page.text and not await _signed_in(ana)


async def test_a_key_of_a_kind_that_nobody_knows_yet_stops_nobody(provider: Provider) -> None:
    """RFC 7517, 5: it is left aside."""
    provider.more_keys = [{"kty": "EC", "crv": "P-999", "x": "a", "y": "b"}, {"kty": "later"}, {}, "key"]
    async with Browser() as ana:
        assert (await _come_back(ana, provider)).status_code == 200 and await _signed_in(ana)


@pytest.mark.parametrize(("sub", "status"), [("248289", 200), ("somebody else", 403)])
async def test_the_address_may_stand_where_only_the_token_leads(provider: Provider, sub: str, status: int) -> None:
    """As a provider does that keeps to OpenID Connect Core 5.4: the token says who, and not the address."""
    provider.change = lambda claims: {name: value for name, value in claims.items() if not name.startswith("email")}
    provider.of_person = {"sub": sub, "email": ANA, "email_verified": True}
    async with Browser() as ana:
        assert (await _come_back(ana, provider)).status_code == status and await _signed_in(ana) is (status == 200)


def _by_hand(claims: Any, header: dict[str, str], secret: bytes) -> str:
    """A token as no library would make it."""
    said = ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in (header, claims))
    seal = hmac.digest(secret, said.encode(), "sha256") if secret else b""
    return f"{said}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


def _with_its_own_key(claims: Any) -> str:
    own = RSAKey.generate_key(2048)
    return jwt.encode({"alg": "RS256", "kid": "one", "jwk": own.as_dict(private=False)}, claims, own)


@pytest.mark.parametrize("way", ["unsigned", "by the public key", "by a key it brings along", "by the client's secret"])
async def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(provider: Provider, way: str) -> None:
    public = provider.key.as_pem(private=False)
    provider.sign = {
        "unsigned": lambda claims: _by_hand(claims, {"alg": "none"}, b""),
        "by the public key": lambda claims: _by_hand(claims, {"alg": "HS256", "kid": "one"}, public),
        "by a key it brings along": _with_its_own_key,
        "by the client's secret": lambda claims: _by_hand(claims, {"alg": "HS256"}, SECRET.encode()),
    }[way]
    async with Browser() as ana:
        assert (await _come_back(ana, provider)).status_code == 403 and not await _signed_in(ana)


@pytest.mark.parametrize("named", ["", "http://127.0.0.1:9"])
async def test_an_answer_of_another_provider_is_not_asked_for_its_code(provider: Provider, named: str) -> None:
    async with Browser() as ana:
        answer = provider.agreed(await _sent(ana)).rpartition("&iss=")[0] + (f"&iss={named}" if named else "")
        assert (await ana.get(answer)).status_code == 403
    code = re.search("code=([^&]+)", answer)
    assert code and code[1] in provider.codes, "The code was told to somebody."


async def test_a_no_there_leads_back_to_the_mail(provider: Provider) -> None:
    async with Browser() as ana:
        state = re.search(r"state=([^&]+)", await _sent(ana))
        assert state
        page = await ana.get(f"{BACK}?state={state[1]}&error=access_denied&iss={provider.issuer}")
        assert page.status_code == 403 and "Which address do you use with us?" in page.text
        assert "did not tell us who you are" in page.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://127.0.0.1:9"},
        {"token_endpoint": "http://127.0.0.1:9/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"jwks_uri": "http://accounts.example.com/jwks"},
        {"token_endpoint": "http://accounts.example.com/token"},
        {"authorization_endpoint": "http://accounts.example.com/go"},
        {"userinfo_endpoint": "http://accounts.example.com/person"},
        {"token_endpoint": "https://["},
        {"token_endpoint": "https://"},
    ],
)
async def test_a_provider_that_is_away_or_another_leaves_the_mail(provider: Provider, wrong: dict[str, Any]) -> None:
    async with Browser() as ana:
        answer = provider.agreed(await _sent(ana))
        provider.description = wrong
        page = await ana.get(answer)
        assert page.status_code == 503 and "let us send you a message instead" in page.text


async def test_an_address_within_is_not_called_unless_its_network_is_open(provider: Provider) -> None:
    settings.use(replace(settings.get(), outbound_allow=""))
    async with Browser() as ana:
        assert (await ana.post(BACK)).status_code == 503


async def test_a_visit_proves_itself_anew_by_its_own_account_alone(provider: Provider) -> None:
    async with Browser() as ana:
        await sign_in(ana, ANA)
        before = ana.cookies["customer"]
        asked = await ana.post("/sign-in/again", data={"next": "/requests"})
        assert 'name="again" value="yes"' in asked.text
        provider.email = BEN
        refused = await ana.get(provider.agreed(await _sent(ana, again="yes")))
        assert refused.status_code == 403 and "not one of yours" in refused.text and ana.cookies["customer"] == before
        provider.email = ANA
        page = await ana.get(provider.agreed(await _sent(ana, again="yes")))
        assert page.url.path == "/requests" and ana.cookies["customer"] != before


async def _ask_for_a_copy(browser: Browser) -> str:
    """Of Ana's data, by whoever; answers the reference."""
    page = await browser.post("/requests", data={"right": "access", "email": ANA})
    assert 'name="reference"' in page.text and "Sign in with my account" in page.text
    return browser.cookies["request"]


async def test_a_request_that_waits_for_a_mail_is_proven_by_the_account(provider: Provider) -> None:
    async with Browser() as ana:
        reference = await _ask_for_a_copy(ana)
        assert "Sign in with my account" in (await ana.get(f"/requests/{reference}")).text
        page = await ana.get(provider.agreed(await _sent(ana, reference=reference)))
        assert page.url.path == f"/requests/{reference}" and "Next, one of us starts the search" in page.text
    [shown] = await db.rows("SELECT how FROM case_identifier")
    assert shown["how"] == "signed in"


async def test_an_account_is_no_proof_of_another_mailbox(provider: Provider, tmp_path: Path) -> None:
    """Of the address that shall stand in place of the one on file."""
    found_company(House(settings.get()), tmp_path / "company")
    async with Browser() as ana:
        await sign_in(ana, ANA)
        page = await ana.post("/requests", data={"right": "rectification", "new-email": "ana@new.example"})
        assert "Enter the code" in page.text and "Sign in with my account" not in page.text


async def test_nobody_proves_another_persons_request_by_their_own_account(provider: Provider) -> None:
    provider.email = MALLORY
    async with Browser() as mallory:
        reference = await _ask_for_a_copy(mallory)
        refused = await mallory.get(provider.agreed(await _sent(mallory, reference=reference)))
        assert refused.status_code == 403 and "another address than this request" in refused.text
        assert "Send the message again" in (await mallory.get(f"/requests/{reference}")).text
    assert await db.rows("SELECT how FROM case_identifier") == []


async def test_an_address_that_its_owner_left_is_nobodys_by_an_account(provider: Provider) -> None:
    """In the account the old one may still stand: what is known of her must not go as when somebody new reads that mailbox."""
    async with Browser() as ana:
        await sign_in(ana, ANA)
        known = await subjects.find("email", ANA)
        assert known is not None
        async with db.writing():
            await db.run("UPDATE identifier SET audience = ? WHERE id = ?", subjects.FORMER, known.id)
        page = await _come_back(ana, provider)
    assert page.status_code == 403 and "no longer use the address" in page.text
    left = await subjects.find("email", ANA)
    assert left is not None and (left.id, left.audience, left.subject) == (known.id, subjects.FORMER, known.subject)


@pytest.mark.parametrize(
    "issuer", ["http://accounts.example.com", "http://127.0.0.1.example.com", "accounts.example.com", "http://["]
)
def test_a_provider_is_spoken_to_by_tls(issuer: str) -> None:
    with pytest.raises(SettingsError, match="PORTAL_OPENID_ISSUER must begin with https://"):
        settings.load({"PORTAL_OPENID_ISSUER": issuer})
    whole = {"PORTAL_OPENID_ISSUER": "https://accounts.example.com", "PORTAL_OPENID_CLIENT": "a", "PORTAL_OPENID_SECRET": "b"}
    assert settings.load(whole).openid_issuer
    for missing in ("PORTAL_OPENID_CLIENT", "PORTAL_OPENID_SECRET"):
        with pytest.raises(SettingsError, match="have to be set"):
            settings.load({name: value for name, value in whole.items() if name != missing})
