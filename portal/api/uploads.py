"""Files as they come in: the body itself, or a part of a form beside a smaller one. Read as they arrive, never held whole,
and never in clear on the disk: they are spooled under a key of this process, so that nothing is left of them after a kill.
"""

import asyncio
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from portal import settings, vault
from portal.api.fields import escaped
from portal.paper import _
from portal.problems import BadRequest, Unacceptable

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PLAIN = ("text/csv", "application/x-ndjson", "application/octet-stream")
FORM = "multipart/form-data"
LARGEST_TEXT = 200_000
_LONGEST_NAME = 1000


async def body(request: Request) -> vault.spool.Spool:
    """The body of a request; the caller closes it."""
    _require_kind(request, *PLAIN)
    file = _new_file()
    try:
        async for block in request.stream():
            await asyncio.to_thread(file.write, block)
        file.end()
    except BaseException:
        file.close()
        raise
    return file


async def form(request: Request, large: str, small: str) -> tuple[vault.spool.Spool, bytes]:
    """The two parts of a form, in any order: one as a file, which the caller closes, the other as bytes."""
    _require_kind(request, FORM)
    boundary = parse_options_header(request.headers["content-type"])[1].get(b"boundary", b"")
    parts = _Parts(large, small)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        async for block in request.stream():
            await asyncio.to_thread(parser.write, block)
        parts.require_whole()
        parts.file.end()
    except FormParserError as problem:
        parts.file.close()
        raise _broken() from problem
    except BaseException:
        parts.file.close()
        raise
    return parts.file, bytes(parts.text)


def kind_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Parts:
    """What the parser of a form has found so far."""

    def __init__(self, large: str, small: str) -> None:
        self.file, self.text = _new_file(), bytearray()
        self._large, self._small = large, small
        self._names: list[str] = []
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._is_whole = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def require_whole(self) -> None:
        if not self._is_whole:
            raise _broken()
        missing = [each for each in (self._large, self._small) if each not in self._names]
        if missing:
            raise BadRequest([{"pointer": f"/{each}", "detail": _("This field is missing.")} for each in missing])

    def _begin(self) -> None:
        self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name", b"")[:_LONGEST_NAME].decode("utf-8", "replace")
        if name not in (self._large, self._small):
            raise BadRequest([{"pointer": f"/{escaped(name)}", "detail": _("There is no such field here.")}])
        if name in self._names:
            raise BadRequest([{"pointer": f"/{escaped(name)}", "detail": _("This stands there twice.")}])
        self._names.append(name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._names[-1] == self._large:
            self.file.write(data[start:end])
            return
        self.text += data[start:end]
        if len(self.text) > LARGEST_TEXT:
            raise BadRequest([{"pointer": f"/{self._small}", "detail": _("It is too long.")}])

    def _end(self) -> None:
        self._is_whole = True


def _require_kind(request: Request, *kinds: str) -> None:
    if kind_of(request) not in kinds:
        raise Unacceptable(415, _("Send the body as %s.") % ", ".join(kinds), {"accept": ", ".join(kinds)})


def _new_file() -> vault.spool.Spool:
    return vault.spool.Spool(settings.get().var)


def _broken() -> BadRequest:
    return BadRequest([{"pointer": "", "detail": _("This form does not come to its end.")}], 400)
