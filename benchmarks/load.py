"""Load over HTTP by wrk (Debian's package): one thread, 32 connections, each request about somebody else."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.portals import Measured

CLIENTS = 32


@dataclass(frozen=True)
class Load:
    """Requests a second, and the 99th percentile of their times in milliseconds."""

    per_second: float
    p99: float


def press(
    portal: Measured, path: str, body: str, *, seconds: int, first: int = 0, people: int = 100_000_000, pause: int = 0
) -> Load:
    """POST `body`, in which NUMBER is counted up from `first`, modulo `people`. Each client rests `pause` ms before each."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {portal.secret}"}
    log = Path(portal.environment["PORTAL_VAR"]) / "server.log"
    return send(portal.address + path, body, headers, log, seconds=seconds, first=first, people=people, pause=pause)


def send(
    address: str,
    body: str,
    headers: Mapping[str, str],
    log: Path,
    *,
    seconds: int,
    first: int = 0,
    people: int = 100_000_000,
    pause: int = 0,
) -> Load:
    """The same to any address; raises AssertionError with the end of `log` if one answer is not a success."""
    script = f"""
local n = {first}
local body = [[{body}]]
request = function()
  n = n + 1
  return wrk.format("POST", nil, nil, (body:gsub("NUMBER", tostring(n % {people}))))
end
{f"delay = function() return {pause} end" if pause else ""}
{chr(10).join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())}
"""
    return _wrk(address, script, log, seconds)


def _wrk(address: str, script: str, log: Path, seconds: int) -> Load:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is missing. Please type:  sudo apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = [wrk, "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", "-s", file.name, address]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        raise AssertionError(said + log.read_text()[-2000:])
    return Load(float(_found(r"Requests/sec:\s+([\d.]+)", said)), _milliseconds(_found(r"(?m)^\s+99%\s+(\S+)", said)))


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, text
    return found[1]


def _milliseconds(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert found, text
    number, unit = found.groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
