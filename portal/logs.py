"""Logs as JSON lines on standard output: what happened and where, never the text of an exception, which may quote a person.

Values are escaped, so no input can forge a line (ASVS 5.0 V16.4.1). Libraries that use Python's own logging come out
the same way.
"""

import io
import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from structlog.typing import Processor

from portal.settings import get


def configure() -> None:
    level = getattr(logging, get().log_level.upper(), logging.INFO)
    shared: list[Processor] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), _place]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=_output),
    )
    handler = logging.StreamHandler(_output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
            keep_exc_info=True,
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


class _Output(io.TextIOBase):
    """Standard output as it is at the moment. A full disk or a closed pipe loses the line, never the answer being logged."""

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):  # ValueError: it was closed
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()


_output = cast(TextIO, _Output())


def _place(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """In place of a traceback: the kind of the exception and the lines it came through."""
    problem = _exception(event.pop("exc_info", None))
    if problem is not None:
        frames = traceback.extract_tb(problem.__traceback__)[-8:]
        event["kind"] = type(problem).__name__
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _exception(given: Any) -> BaseException | None:
    """`exc_info` as logging libraries give it: an exception, its triple, or True for the one being handled."""
    if given is True:
        given = sys.exc_info()
    problem = given[1] if isinstance(given, tuple) else given
    return problem if isinstance(problem, BaseException) else None


def _first_line(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Later lines of a library's message show objects, and with them what people wrote."""
    event["event"] = str(event["event"]).partition("\n")[0]
    record = event.get("_record")
    if record is not None and record.exc_info:
        event["exc_info"] = record.exc_info
        record.exc_info = record.exc_text = None
    return event
