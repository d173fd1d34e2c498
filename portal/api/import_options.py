"""How the file of an import is read: by its address (a list of our own shape), or `from` an earlier system by its preset.

Whoever names a collection point needs a key that speaks for it.
"""

from typing import Any

from starlette.requests import Request

from portal.api.fields import escaped
from portal.consent import batches
from portal.identity import ApiKey
from portal.lib.errors import Invalid, NotAllowed
from portal.paper import _
from portal.problems import BadRequest

FROM = "from"
_DEFAULTS = ("purpose", "channel", "topic", "said_at", "until", "source", "edition", "language")
_HOW = ("charset", "separator")
_SINGLE = (*_DEFAULTS, *_HOW, "as_of")
_PAIRS = {"map": "columns", "answer": "answers"}


def of_our_own(request: Request, key: ApiKey) -> batches.Options:
    asked, faults = single(request, _SINGLE, repeated=tuple(_PAIRS)), []
    pairs: dict[str, dict[str, str]] = {}
    for name, meant in _PAIRS.items():
        texts = request.query_params.getlist(name)
        faults += [
            {"pointer": f"/{name}", "detail": _("%s: write it with an equals sign.") % each} for each in texts if "=" not in each
        ]
        pairs[meant] = {ours.strip(): theirs.strip() for ours, _sign, theirs in (each.partition("=") for each in texts)}
    if faults:
        raise BadRequest(faults)
    defaults = {name: asked[name] for name in _DEFAULTS if name in asked}
    _require_sources([asked.get("source", batches.UNNAMED)], key)
    charset, separator, as_of = (asked.get(name, "") for name in (*_HOW, "as_of"))
    return batches.Options(pairs["columns"], defaults, pairs["answers"], charset, separator, as_of, _sources(key))


def of_hashes(request: Request) -> batches.Options:
    asked = single(request, (FROM, "kind", *_HOW))
    return batches.options_for_hashes(asked.get("kind", ""), asked.get("charset", ""), asked.get("separator", ""))


def named_in_the_address(request: Request) -> dict[str, str]:
    """What stands beside the map of an earlier system."""
    return single(request, (FROM, "status", "as_of", *_HOW), in_map=(*_DEFAULTS, *_PAIRS))


async def of_a_vendor(asked: dict[str, str], map_file: bytes, key: ApiKey) -> batches.Options:
    """Raises BadRequest with every mistake that the map has."""
    try:
        read = batches.map_in(map_file, "map") | ({"status": asked["status"]} if "status" in asked else {})
        await batches.require_map(read)
    except Invalid as problem:
        raise BadRequest([{"pointer": "/map", "detail": each} for each in problem.sentence.splitlines()]) from problem
    _require_sources(read.get("sources", {}).values(), key)
    more: dict[str, Any] = {"vendor": asked[FROM], "map": read, "as_of": asked.get("as_of", ""), "sources": _sources(key)}
    return batches.Options(charset=asked.get("charset", ""), separator=asked.get("separator", ""), **more)


def single(
    request: Request, names: tuple[str, ...], repeated: tuple[str, ...] = (), in_map: tuple[str, ...] = ()
) -> dict[str, str]:
    """The query by name: nothing unknown, nothing twice, nothing empty."""
    given = request.query_params.multi_items()
    faults = [
        {
            "pointer": f"/{escaped(name)}",
            "detail": _("This stands in the map.") if name in in_map else _("There is no such field here."),
        }
        for name, _value in given
        if name not in (*names, *repeated)
    ]
    found = [(name, value) for name, value in given if name in names]
    twice = {name for name, _value in found if sum(name == each for each, _other in found) > 1}
    faults += [{"pointer": f"/{escaped(name)}", "detail": _("This stands there twice.")} for name in sorted(twice)]
    faults += [{"pointer": f"/{name}", "detail": _("This field is missing.")} for name, value in found if not value]
    if faults:
        raise BadRequest(faults)
    return dict(found)


def query(name: str, description: str, *, many: bool = False, needed: bool = False, example: str = "") -> dict[str, Any]:
    """A parameter of the address, described."""
    text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 200}
    more = {"required": True} if needed else {}
    shown = {"example": [example] if many else example} if example else {}
    schema = {"type": "array", "items": text} if many else text
    return {"name": name, "in": "query", "description": description, "schema": schema, **more, **shown}


def _sources(key: ApiKey) -> tuple[str, ...]:
    return tuple(sorted({*key.sources, batches.UNNAMED}))


def _require_sources(named: Any, key: ApiKey) -> None:
    for each in named:
        if each not in _sources(key):
            raise NotAllowed(_("This key does not speak for the collection point %s.") % each)


PARAMETERS = (
    query(FROM, f"The earlier system whose export it is: {', '.join((*batches.VENDORS, batches.HASHED))}"),
    query("map", "A column with another name: email=E-Mail", many=True, example="email=email"),
    query("answer", "What they call an answer: OPT_OUT=no", many=True, example="OPT_OUT=no"),
    query("purpose", "Where the file has no such column", example="back-in-stock"),
    query("channel", "Where the file has no such column", example="email"),
    *(query(name, "Where the file has no such column") for name in _DEFAULTS[2:]),
    query("as_of", "The day you vouch for, for a yes without a date"),
    query("kind", "With from=hashed: the kind of address behind the hashes, email or phone"),
    query("status", "With from=mailchimp: of all people in the file, where it does not say"),
    query("charset", "When it is not recognised: utf-8, utf-16, windows-1250 or windows-1252"),
    query("separator", "When it is not recognised"),
)
