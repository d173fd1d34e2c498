"""What a visitor answered, as the script sends it: once per id, for the registered origins, so many a minute.

The moment of an answer is ours less how long ago it was said: browsers' clocks are wrong, what they measure is not. No
answer tells whether a device or a customer is known. The preview's answers change nothing.
"""

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import problems, sites
from portal.lib import clock
from portal.lib.errors import Invalid
from portal.paper import _
from portal.problems import Unacceptable
from portal.shield import client_network
from portal.sites import Site
from portal.widget.door import is_ours, post, require_origin

LARGEST = 4_000
TYPES = ("text/plain", "application/json")
_DEVICE = re.compile(r"[A-Za-z0-9_-]{22}")
_SOURCE = re.compile(r"[a-z][a-z-]{1,29}")
_FIELDS = {"id", "edition", "answers", "how", "source", "said_at", "age", "device", "link"}
_LONGEST_AGO = timedelta(days=366)


async def answer(request: Request, site: Site) -> Response:
    is_preview = is_ours(request) and request.headers.get("origin") not in (None, *site.origins)
    if not is_preview:
        require_origin(request, site)
    await sites.traffic.admit(site.name, client_network(request))
    said = await _said(request)
    given = _read(said)
    if is_preview:
        reply = {"kept": False, "answers": dict(given.answers), "proof": None, "linked": False}
        return Response(json.dumps(reply), media_type="application/json")
    known = await sites.links.read(site, said["link"]) if isinstance(said.get("link"), str) else None
    try:
        reply = json.loads(await sites.answers.answered(site, given, known))
        return Response(json.dumps(reply | {"linked": known is not None}), media_type="application/json")
    except sites.answers.Outdated as problem:
        told = json.dumps({**problems.told(409, problem.sentence), "edition": problem.edition}, ensure_ascii=False)
        return Response(told, 409, media_type=problems.MEDIA_TYPE)


async def standing(request: Request, site: Site) -> Response:
    """What counts now of the yeses of this browser, which names itself by the number that it made."""
    if not is_ours(request):
        require_origin(request, site)
    await sites.traffic.admit(site.name, client_network(request))
    device = (await _said(request)).get("device")
    if not (isinstance(device, str) and _DEVICE.fullmatch(device)):
        raise Invalid(_("This request is not right; nothing was done."), {"device": _("This has to be 22 letters and digits.")})
    answers = dict(await sites.standing.standing(site, device))
    return Response(json.dumps({"answers": answers}), media_type="application/json")


async def _said(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in TYPES:
        raise Unacceptable(415, _("Send the body as %s.") % TYPES[0])
    if int(request.headers.get("content-length", 0)) > LARGEST or len(raw := await request.body()) > LARGEST:
        raise Unacceptable(413, _("This is larger than %d bytes.") % LARGEST)
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Unacceptable(400, _("This is not JSON in UTF-8."))
    return said


def _read(said: dict[str, Any]) -> sites.answers.Answer:
    wrong = {name: _("There is no field of this name.") for name in said.keys() - _FIELDS if name.isprintable()}
    answers, how, edition = said.get("answers"), said.get("how"), said.get("edition")
    if not isinstance(answers, dict) or not all(type(yes) is bool and key.isascii() for key, yes in answers.items()):
        wrong["answers"] = _("This has to be true or false for each purpose.")
    for name, value in (("how", how), ("edition", edition)):
        if not isinstance(value, str):
            wrong[name] = _("This is missing.")
    source, device = said.get("source"), said.get("device")
    if not (source is None or (isinstance(source, str) and _SOURCE.fullmatch(source))):
        wrong["source"] = _("This has to be a short name.")
    if not (device is None or (isinstance(device, str) and _DEVICE.fullmatch(device))):
        wrong["device"] = _("This has to be 22 letters and digits.")
    once, said_at = _uuid(said.get("id")), _moment(said.get("said_at"))
    if once is None:
        wrong["id"] = _("This has to be a random UUID.")
    if said_at is None and said.get("said_at") is not None:
        wrong["said_at"] = _("This has to be a moment like 2026-05-03T10:00:00Z.")
    age = said.get("age")
    if not (age is None or (type(age) is int and age >= 0)):
        wrong["age"] = _("This has to be a number of milliseconds.")
    if wrong or once is None:
        raise Invalid(_("This request is not right; nothing was done."), wrong)
    ago = None if age is None else timedelta(milliseconds=min(age, _LONGEST_AGO // timedelta(milliseconds=1)))
    pressed_at = None if ago is None else clock.now() - ago  # scripts that were built before do not measure it
    return sites.answers.Answer(once, str(edition), dict(answers or {}), str(how), source, said_at, device, pressed_at)


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None and 2000 < found.year < 2200 else None


routes = [post("/w/v1/{site}/choices", answer), post("/w/v1/{site}/standing", standing)]
