"""A fresh portal to be measured: an empty database of its own, published purposes, one API key, a process of its own."""

import base64
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.settings import HOME
from tests.journeys.conftest import free_port


@dataclass
class Measured:
    """A running portal; `secret` is its API key."""

    address: str
    environment: dict[str, str]
    secret: str
    process: subprocess.Popen[bytes]

    def peak_mib(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise AssertionError("No VmHWM.")


def environment(var: Path, database_url: str = "", port: int = 8000) -> dict[str, str]:
    return os.environ | {
        "PORTAL_VAR": str(var),
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_PORT": str(port),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_MASTER_KEY": base64.b64encode(b"m" * 32).decode(),
        "PORTAL_LOG_KEY": base64.b64encode(b"l" * 32).decode(),
        "PORTAL_API_PER_MINUTE": "100000000",
    }


def prepare(var: Path, database_url: str = "") -> str:
    """An empty portal with the purposes of policies/ in force; answers the secret of a key that may do everything."""
    return run(environment(var, database_url), "benchmarks.prepare").strip().splitlines()[-1]


def run(environment: dict[str, str], module: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=HOME, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{module} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


@contextmanager
def serving(
    var: Path, secret: str, database_url: str = "", *, module: str = "portal.cli", argument: str = "serve", processes: int = 1
) -> Iterator[Measured]:
    """The portal in `var`, or another way of serving it (a baseline), until the block ends."""
    port = free_port()
    settings = environment(var, database_url, port) | {"PORTAL_PROCESSES": str(processes)}
    with (var / "server.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", module, argument], cwd=HOME, env=settings, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/healthz", process, var / "server.log")
            yield Measured(f"http://127.0.0.1:{port}", settings, secret, process)
        finally:
            process.terminate()
            process.wait(15)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(log.read_text()[-3000:])
