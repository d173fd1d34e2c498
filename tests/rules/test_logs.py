"""Logs say what happened and where, and never quote a person."""

import json
import logging
import subprocess
import sys

import pytest
import structlog

from portal import logs


def test_an_exceptions_text_is_in_no_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        logs.configure()
        try:
            raise ValueError('ana@example.com\n{"forged": true}')
        except ValueError as problem:
            structlog.get_logger("portal").error("first", exc_info=problem)
            structlog.get_logger("portal").exception("second")
            logging.getLogger("uvicorn.error").error("third", exc_info=problem)
            logging.getLogger("asyncio").error("fourth\nfuture: <Task exception=%s>", problem)
    finally:
        structlog.configure(**before)
        logging.basicConfig(level=level, handlers=handlers, force=True)
    written = capsys.readouterr().out
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["event"] for line in lines] == ["first", "second", "third", "fourth"]
    assert all(line["kind"] == "ValueError" and "test_logs.py" in line["where"][0] for line in lines[:3])
    assert "ana@example.com" not in written


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    program = (
        "import logging, os, structlog\n"
        "from portal import logs\n"
        "logs.configure()\n"
        "structlog.get_logger('portal').error('full' * 5000)\n"
        "logging.getLogger('uvicorn.error').error('full' * 5000)\n"
        "os._exit(42)\n"
    )
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (42, b"")
