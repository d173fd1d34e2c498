"""SEC-30: what somebody sends is refused before it fills our memory."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.conftest import LOG_KEY, MASTER_KEY, House
from tests.people import Browser

MEGABYTE = 1_000_000
OURS = "http://127.0.0.1:8000"


@pytest.mark.parametrize("many", [1001, 20_000])
async def test_a_form_of_too_many_fields_is_refused(sqlite_house: House, many: int) -> None:
    async with Browser() as mallory:
        plain = "&".join(f"f{number}=" for number in range(many))
        answer = await mallory.post("/sign-in", content=plain, headers={"content-type": "application/x-www-form-urlencoded"})
        assert answer.status_code in (400, 413, 422), answer.status_code
        parts = "".join(f'--b\r\nContent-Disposition: form-data; name="f{number}"\r\n\r\n\r\n' for number in range(many))
        parts = parts[: 900 * 1000] + "--b--\r\n"
        answer = await mallory.post("/sign-in", content=parts, headers={"content-type": "multipart/form-data; boundary=b"})
        assert answer.status_code in (400, 413, 422), answer.status_code


async def test_no_form_takes_a_file(sqlite_house: House) -> None:
    async with Browser() as mallory:
        for path in ("/sign-in", "/requests"):
            answer = await mallory.post(path, files={"email": ("x.svg", b"<svg onload=alert(1)>", "image/svg+xml")})
            assert answer.status_code in (400, 413, 422)


async def test_a_field_of_unreasonable_length_is_refused_with_a_sentence(sqlite_house: House) -> None:
    async with Browser() as mallory:
        answer = await mallory.post("/requests", data={"right": "access", "email": "a@example.com", "message": "x" * 10_001})
        assert answer.status_code == 422 and "<h1" in answer.text and "x" * 100 not in answer.text


def test_two_hundred_megabytes_leave_the_server_as_it_was(server: tuple[int, int]) -> None:
    process, port = server
    _send(port, 2)
    before = _peak(process)
    for _time in range(4):
        assert _send(port, 50) in (None, 413)
    assert _peak(process) - before <= 20 * MEGABYTE
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200


@pytest.mark.parametrize("line", [b"X-Long: " + b"x" * 200_000, b"\r\n".join([b"X-Many: 1"] * 20_000)])
def test_headers_without_end_are_hung_up_on(server: tuple[int, int], line: bytes) -> None:
    process, port = server
    before = _peak(process)
    for _time in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            with suppress(ConnectionError):
                for _piece in range(20):
                    wire.sendall(line)
                assert wire.recv(1000) == b""
    assert _peak(process) - before <= 20 * MEGABYTE
    assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200


def _send(port: int, megabytes: int) -> int | None:
    """A chunked body that never says how long it is; None when the server hung up, which is as good as a 413."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest("POST", "/sign-in")
        headers = {"Origin": OURS, "Transfer-Encoding": "chunked", "Content-Type": "multipart/form-data; boundary=b"}
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(_chunk(b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n'))
        for _number in range(megabytes * 16):
            connection.send(_chunk(b"x" * (MEGABYTE // 16)))
        connection.send(b"0\r\n\r\n")
        return connection.getresponse().status
    except (ConnectionError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _peak(process: int) -> int:
    """The most memory the process ever held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.fixture
def server(migrated_sqlite: Path, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """A real server in a process of its own: its process id and its port."""
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    port = 20_000 + os.getpid() % 20_000
    ours = {"PORTAL_VAR": str(tmp_path), "PORTAL_PORT": str(port), "PORTAL_BASE_URL": OURS, "PORTAL_LOG_LEVEL": "error"}
    keys = {"PORTAL_MASTER_KEY": MASTER_KEY, "PORTAL_LOG_KEY": LOG_KEY}
    with (tmp_path / "server.log").open("ab") as log:
        command = [sys.executable, "-m", "portal.cli", "serve"]
        process = subprocess.Popen(command, cwd=HOME, env=os.environ | ours | keys, stdout=log, stderr=log)
        try:
            _wait_for(port, process, tmp_path / "server.log")
            yield process.pid, port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _attempt in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1)
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())
