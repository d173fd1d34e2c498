"""A commit of one process could not be flushed: none of the others acknowledges anything more before the database is verified."""

import asyncio
import http.client
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.api.machines import said
from tests.faults.oracle import portal_rows
from tests.faults.test_io_errors import _traced
from tests.journeys.conftest import environment, free_port
from tests.serving.test_processes import _founded

pytestmark = [pytest.mark.deep, pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's.")]


def test_a_disk_that_fails_one_process_lets_all_begin_again(migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    secret, port, acknowledged = asyncio.run(_founded(tmp_path)), free_port(), 0
    command = [*_traced(tmp_path, ["inject=fdatasync:error=EIO:when=12"]), "-D", sys.executable, "-m", "portal.cli", "serve"]
    wanted = environment(tmp_path, port) | {"PORTAL_PROCESSES": "2", "PORTAL_SYSTEMS": ""}
    with (tmp_path / "server.log").open("ab") as log:
        parent = subprocess.Popen(command, cwd=HOME, env=wanted, stdout=log, stderr=log)
    began, lives = time.monotonic(), set[bool]()
    try:
        # The twelfth flush of each thread fails, also of those that began again: so soon it is not tried a third time.
        while parent.poll() is None and time.monotonic() < began + 120:
            lives.add("--verify" in Path(f"/proc/{parent.pid}/cmdline").read_text())
            acknowledged += _is_recorded(port, secret, f"somebody{acknowledged}@example.com")
        assert parent.poll() == 74 and lives == {False, True}
    finally:
        parent.kill()
        parent.wait()
    stored = portal_rows(tmp_path, "SELECT count(*) FROM decision")[0][0]
    assert 0 < acknowledged <= stored <= acknowledged + 2  # at most one under way each time
    assert (tmp_path / "disk.failed").exists()


def _is_recorded(port: int, secret: str, address: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    try:
        connection.request("POST", "/api/v1/decisions", json.dumps(said(address)), headers)
        return connection.getresponse().status == 201
    except (OSError, http.client.HTTPException):
        time.sleep(0.02)
        return False
    finally:
        connection.close()
