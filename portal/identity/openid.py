"""A customer shows who they are with the account that they have at the company: its OpenID provider vouches for their address.

OpenID Connect Core 1.0: code flow, PKCE by S256 (RFC 7636), the issuer's name in the answer (RFC 9207). Who comes back
has to be the browser that went, within ten minutes, once; and to have typed their password there within ten minutes, for this
counts as a fresh proof. Nothing that the provider says is kept.
"""

import base64
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key

from portal import audit, db, subjects, vault
from portal.identity import challenges, events
from portal.identity.challenges import CLOCK_SKEW, Challenge, Proof
from portal.identity.models import ChallengeRow, ElsewhereRow
from portal.lib import clock, ids, outbound
from portal.lib.errors import Invalid, NotAllowed, NotFound, Unavailable
from portal.paper import _
from portal.paper import address as full_address
from portal.settings import get, is_by_tls

BACK = "/sign-in/account"
LASTS = timedelta(minutes=10)
# What only the provider can sign: neither "none" nor a secret that a public key could be taken for.
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
Said = dict[str, Any]
# What reading an answer raises that says something else than it must, or is nested without end.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def is_offered() -> bool:
    return bool(get().openid_issuer)


async def instead_of(challenge_id: str) -> str:
    """For what an account proves as much as the mail of this challenge: "request" or "step-up"; else "", as for a new address,
    where the mailbox itself has to be shown."""
    found = await ChallengeRow.get_or_none(id=challenge_id) if is_offered() else None
    return found.use if found is not None and found.use in ("request", "step-up") else ""


async def begin(browser: str, *, use: str = "sign-in", bound_to: str = "", subject: str | None = None) -> str:
    """The provider's address where the person goes on. Raises NotFound without a provider, Unavailable while it is away."""
    provider, state, now = await _provider(), ids.secret(256), clock.steady()
    async with db.writing():
        await db.run("DELETE FROM sign_in_elsewhere WHERE ends_at < ?", clock.micros(now - timedelta(days=1)))
        await ElsewhereRow.create(
            state=ids.digest(state),
            browser=ids.digest(browser),
            use=use,
            bound_to=bound_to,
            asked_at=now,
            ends_at=now + LASTS,
        )
        await audit.record(events.SENT_ELSEWHERE, actor="system", subject=subject, object="account", payload={"use": use})
    async with _client() as client:
        address: str = client.create_authorization_url(
            provider["authorization_endpoint"],
            state=state,
            nonce=_derived("nonce", state),
            code_verifier=_derived("verifier", state),
            max_age=int(LASTS.total_seconds()),
        )[0]
    return address


async def finish(answer: Mapping[str, str], browser: str) -> Proof:
    """Takes the provider's answer, once, in the browser that went there. Raises NotAllowed, Unavailable."""
    state = answer.get("state", "")
    asked = await _consume(state, browser)
    try:
        address = await _told(answer, state)
    except (*_UNREADABLE, _NotVouched, OAuthError, JoseError, Invalid) as problem:
        async with db.writing():
            await audit.record(events.NOT_VOUCHED, actor="system", object="account", payload={"use": asked.use})
        sentence = _("Your account did not tell us who you are. Please try again, or let us send you a message.")
        raise NotAllowed(sentence) from problem
    async with db.writing():
        return await challenges.vouched(address, asked, browser)


class _NotVouched(Exception):
    """The provider's answer is not one that counts."""


async def _consume(state: str, browser: str) -> Challenge:
    now = clock.steady()
    found = await ElsewhereRow.get_or_none(state=ids.digest(state))
    if found is None or not browser or not hmac.compare_digest(found.browser, ids.digest(browser)):
        raise NotAllowed(_("You did not come here from our page in this browser. Please sign in again."))
    async with db.writing():
        consumed = await db.run(
            "UPDATE sign_in_elsewhere SET consumed_at = ?"
            " WHERE state = ? AND consumed_at IS NULL AND ends_at > ? AND asked_at <= ?",
            *(clock.micros(now), found.state, clock.micros(now), clock.micros(now + CLOCK_SKEW)),
        )
    if not consumed:
        raise NotAllowed(_("That took too long, or you came here twice. Please sign in again."))
    return Challenge("", found.use, found.bound_to)


async def _told(answer: Mapping[str, str], state: str) -> str:
    """The address that the provider vouches for, as it spells it, after every check of OpenID Connect Core 3.1.3.7."""
    provider = await _provider()
    named = answer.get("iss")
    if named != provider["issuer"] and (named or provider.get("authorization_response_iss_parameter_supported")):
        raise _NotVouched("another issuer")
    if "code" not in answer:
        raise _NotVouched("no code")
    async with _client() as client:
        tokens = await client.fetch_token(
            provider["token_endpoint"],
            code=answer["code"],
            code_verifier=_derived("verifier", state),
            grant_type="authorization_code",
        )
        keys = _readable(await _json(client, provider["jwks_uri"]))
        said = _checked(jwt.decode(str(tokens.get("id_token", "")), keys, algorithms=ALGORITHMS), provider["issuer"], state)
        if "email" not in said:
            of_person = await _json(client, provider["userinfo_endpoint"], as_person=True)
            if of_person.get("sub") != said["sub"]:
                raise _NotVouched("somebody else's address")
            said = of_person
    if said.get("email_verified") is not True:
        raise _NotVouched("no address that the provider has checked")
    subjects.canonical("email", said["email"])
    return str(said["email"])


def _readable(found: Said) -> KeySet:
    """Its keys, without those of a kind that we do not know (RFC 7517, 5)."""
    keys = []
    for each in found["keys"]:
        with suppress(JoseError, *_UNREADABLE):
            keys.append(import_key(each))
    return KeySet(keys)


def _checked(token: jwt.Token, issuer: str, state: str) -> Said:
    """The claims of a token that is for this portal, this visit and this moment."""
    wanted = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": get().openid_client}}
    params = {"client_id": get().openid_client, "nonce": _derived("nonce", state), "max_age": int(LASTS.total_seconds())}
    said = CodeIDToken(token.claims, token.header, wanted, params)
    now = int(clock.now().timestamp())
    said.validate(now, leeway=60)
    if not -60 <= now - said["auth_time"] <= LASTS.total_seconds() + 60:
        raise _NotVouched("signed in there long ago, or not yet")
    return dict(said)


async def _provider() -> Said:
    """Its own description (OpenID Connect Discovery 1.0): read each time, so that a change there needs none here."""
    if not is_offered():
        raise NotFound(_("There is nothing at this address."))
    issuer = get().openid_issuer
    async with _client() as client:
        found = await _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    places = [found.get(each) for each in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    places += [found["userinfo_endpoint"]] if "userinfo_endpoint" in found else []
    if found.get("issuer") != issuer or not all(isinstance(each, str) and is_by_tls(each) for each in places):
        raise _away()
    return found


async def _json(client: AsyncOAuth2Client, address: str, *, as_person: bool = False) -> Said:
    response = await client.request("GET", address, withhold_token=not as_person)
    try:
        found = response.json()
    except (ValueError, RecursionError) as problem:
        raise _away() from problem
    if response.status_code != 200 or not isinstance(found, dict):
        raise _away()
    return found


@asynccontextmanager
async def _client() -> AsyncIterator[AsyncOAuth2Client]:
    """Calls through the guard against addresses within; raises Unavailable where they fail."""
    mine = get()
    try:
        async with AsyncOAuth2Client(
            mine.openid_client,
            mine.openid_secret,
            scope="openid email",
            redirect_uri=full_address(BACK),
            code_challenge_method="S256",
            token_endpoint_auth_method=_basic,
            transport=outbound.Transport(outbound.networks(mine.outbound_allow)),
        ) as client:
            yield client
    except (outbound.OutboundRefused, outbound.OutboundFailed, httpx2.HTTPError) as problem:
        raise _away() from problem


def _basic(client: AsyncOAuth2Client, _method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, Any, str]:
    """Who we are there, both halves form-encoded first (RFC 6749, 2.3.1), which the library leaves out."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body


def _away() -> Unavailable:
    return Unavailable(_("Your account's sign-in cannot be reached just now. Please let us send you a message instead."))


def _derived(what: str, state: str) -> str:
    """43 characters that only we can make of the state: nothing secret has to be kept until the person is back."""
    made = vault.one_time_code_hash(f"openid {what}", state)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
