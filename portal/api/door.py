"""What every route for machines is made by: a key with the right scope, JSON that means one thing only, plain answers.

Bearer keys (RFC 6750); no cookie is looked at here, so no browser can be tricked into anything. A new route is one line:
`post("/api/v1/things", take, scope="things:write", described=Described(…))`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal import identity
from portal.identity import ApiKey
from portal.paper import _
from portal.problems import BadRequest, Unacceptable

Handler = Callable[[Request, ApiKey], Awaitable[Response]]
OpenHandler = Callable[[Request], Awaitable[Response]]

DEEPEST = 32
JSON = "application/json"


@dataclass(frozen=True)
class Described:
    """A route in OpenAPI's words. `answers` and `refuses` by status; what every route refuses is added for all."""

    summary: str
    answers: Mapping[int, Mapping[str, Any]]
    body: Mapping[str, Any] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    refuses: Mapping[int, str] = field(default_factory=dict)
    text: str = ""


class Door(Route):
    """A route that says which scope it takes (None: open to all, or to whoever signs) and how it is described."""

    def __init__(
        self, method: str, path: str, endpoint: Any, scope: str | None, described: Described | None, *, is_signed: bool = False
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.scope, self.described, self.is_signed = scope, described, is_signed


def get(path: str, handler: Handler, *, scope: str, described: Described) -> Door:
    return Door("GET", path, guarded(scope, handler), scope, described)


def post(path: str, handler: Handler, *, scope: str, described: Described) -> Door:
    return Door("POST", path, guarded(scope, handler), scope, described)


def post_signed(path: str, handler: OpenHandler, guard: Callable[[Request], Awaitable[None]], *, described: Described) -> Door:
    """A route whose message proves by its signature who sent it; the handler calls the guard."""

    async def endpoint(request: Request) -> Response:
        return await handler(request)

    endpoint.__name__ = handler.__name__
    endpoint.guard = guard  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return Door("POST", path, endpoint, None, described, is_signed=True)


def get_without_key(path: str, handler: OpenHandler, *, described: Described | None = None) -> Door:
    async def endpoint(request: Request) -> Response:
        return await handler(request)

    endpoint.guard = anyone  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return Door("GET", path, endpoint, None, described)


def guarded(scope: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind a key with this scope; without one it is never reached."""
    if scope not in identity.SCOPES:
        raise ValueError(f"{scope!r} is no scope; there are {', '.join(identity.SCOPES)}.")

    async def endpoint(request: Request) -> Response:
        return await handler(request, await admitted(request, scope))

    async def guard(request: Request) -> None:
        await admitted(request, scope)

    guard.__name__ = f"key({scope})"
    endpoint.__name__ = handler.__name__
    endpoint.guard = guard  # type: ignore[attr-defined]  # read by the rule that every route names its guard
    return endpoint


async def anyone(request: Request) -> None:
    """Guard: no key needed."""


async def admitted(request: Request, scope: str) -> ApiKey:
    """The key a request came with. A made-up key, a revoked one and no key at all get the same answer."""
    scheme, _space, secret = request.headers.get("authorization", "").partition(" ")
    key = await identity.admit(secret.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        challenge = 'Bearer realm="portal"' + (', error="invalid_token"' if scheme else "")
        raise Unacceptable(401, _("Send a valid key: Authorization: Bearer pk_…"), {"www-authenticate": challenge})
    if scope not in key.scopes:
        challenge = f'Bearer realm="portal", error="insufficient_scope", scope="{scope}"'
        raise Unacceptable(403, _("This key may not do this; it lacks the scope %s.") % scope, {"www-authenticate": challenge})
    return key


async def json_body(request: Request) -> tuple[bytes, Any]:
    """The body as it came and what it says. Raises for another media type, and for JSON that could be read two ways."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Unacceptable(415, _("Send the body as %s.") % JSON, {"accept": JSON})
    raw = await request.body()
    try:
        said = _DECODER.decode(raw.decode("utf-8"))
    except _Ambiguous as problem:
        raise BadRequest([{"pointer": "", "detail": str(problem)}], 400) from None
    except (ValueError, RecursionError):
        raise BadRequest([{"pointer": "", "detail": _("This is not JSON in UTF-8.")}], 400) from None
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and _depth(said) > DEEPEST:
        raise BadRequest([{"pointer": "", "detail": _("This is nested too deeply.")}], 400)
    if b"\\u" in raw and not _is_text(said):
        raise BadRequest([{"pointer": "", "detail": _("This holds characters that no text can hold.")}], 400)
    return raw, said


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(written(content), status, headers=headers, media_type=JSON)


def written(content: Any) -> str:
    return _ENCODER.encode(content)


class _Ambiguous(Exception):
    """Readers disagree about such JSON (RFC 8259, section 4 and 6)."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Ambiguous(_("A name stands twice in the same object."))
    return found


def _refused_constant(name: str) -> Any:
    raise _Ambiguous(_("%s is not JSON.") % name)


def _depth(said: Any) -> int:
    deepest, waiting = 0, [(said, 1)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, dict | list):
            deepest = max(deepest, depth)
            waiting += [(inner, depth + 1) for inner in (each.values() if isinstance(each, dict) else each)]
    return deepest


def _is_text(said: Any) -> bool:
    """No NUL, and no half of a surrogate pair, in any text."""
    text = json.dumps(said, ensure_ascii=False)
    return "\\u0000" not in text.replace("\\\\", "") and not any("\ud800" <= letter <= "\udfff" for letter in text)


# Made once: json.loads and json.dumps make a new one for each call with options.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refused_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
