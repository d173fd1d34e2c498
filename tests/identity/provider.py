"""An OpenID provider on loopback, as strict as the standard has it, that tests can make lie.

`change` may alter the claims that its token says, and `sign` may sign them in another way; `told` stands in place of its answer.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET, TOKEN = "portal", "the portal's 100 % sécret: a+b=c", "of-ana"
Claims = dict[str, Any]


def _as_it_is(claims: Claims) -> Claims:
    return claims


@dataclass
class Provider:
    issuer: str = ""
    email: str = "ana@example.com"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    change: Callable[[Claims], Claims] = _as_it_is
    sign: Callable[[Claims], str] | None = None
    description: Claims = field(default_factory=dict)
    of_person: Claims = field(default_factory=dict)
    asked: Claims = field(default_factory=dict)
    codes: dict[str, Claims] = field(default_factory=dict)
    told: str = ""
    more_keys: list[Any] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def described(self) -> Claims:
        places = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token", "userinfo")}
        said = {"issuer": self.issuer, **places, "jwks_uri": f"{self.issuer}/jwks"}
        return said | {"authorization_response_iss_parameter_supported": True} | self.description

    def agreed(self, address: str) -> str:
        """The person said yes on the page at `address`: where their browser is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code" and "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) >= 22 and len(asked["state"]) >= 22
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def redeem(self, given: Claims, authorization: str) -> tuple[int, Claims]:
        asked = self.codes.pop(given.get("code", ""), None)
        expected = "Basic " + base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        verifier = given.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if authorization != expected:
            return self._refused("invalid_client")
        if asked is None or challenge != asked["code_challenge"] or given.get("redirect_uri") != asked["redirect_uri"]:
            return self._refused("invalid_grant")
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "248289", "aud": CLIENT, "iat": now, "exp": now + 60, "auth_time": now}
        claims |= {"nonce": asked["nonce"], "email": self.email, "email_verified": True}
        return 200, {"access_token": TOKEN, "token_type": "Bearer", "id_token": self._signed(self.change(claims))}

    def _signed(self, claims: Claims) -> str:
        return self.sign(claims) if self.sign else jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def _refused(self, error: str) -> tuple[int, Claims]:
        self.refusals.append(error)
        return 400, {"error": error}


@contextmanager
def serving() -> Iterator[Provider]:
    provider = Provider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/.well-known/openid-configuration": provider.described, "/jwks": _keys, "/userinfo": _of_person}
            if self.path.startswith("/authorization?"):
                self._ask()
            elif self.path == "/userinfo" and self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._answer(401, {"error": "invalid_token"})
            else:
                self._answer(200, known[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            given = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.redeem(given, self.headers.get("authorization", "")))

        def _ask(self) -> None:
            """A page with one link: nobody has to know a password here."""
            raw = f'<h1>Sign in</h1><a href="{escape(provider.agreed(self.path))}">It is me</a>'.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(raw)

        def _answer(self, status: int, content: Claims) -> None:
            raw = (provider.told if provider.told and self.command == "POST" else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    def _of_person() -> Claims:
        return provider.of_person

    def _keys() -> Claims:
        return {"keys": [*provider.more_keys, provider.key.as_dict(private=False)]}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
