"""Long lists: a dry run, an import and a scrub of N new people, each as the command that an operator types."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, figure
from benchmarks.portals import environment, prepare, run

PURPOSE = ("--purpose", "back-in-stock", "--channel", "email")
MILLION = 1_000_000


def figures(database_url: str, database: str, rows: int) -> Iterator[Figure]:
    """Seconds per row are floors for a million, so what a smaller list may take is its share of that."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        prepare(var, database_url)
        people = var / "people.csv"
        with people.open("w") as file:
            file.write("email,answer\n")
            file.writelines(f"somebody{number}@example.com,yes\n" for number in range(rows))
        hashing, inserting = (json.loads(run({}, "benchmarks.raw", what, str(people)))["seconds"] for what in ("hash", "insert"))

        def portal(*arguments: str) -> tuple[float, float]:
            told = json.loads(run(environment(var, database_url), "benchmarks.command", *arguments).splitlines()[-1])
            return told["seconds"], told["peak_mib"]

        name, share = f"{database}, a list of {rows:,}", rows / MILLION
        list_ = ("import", str(people), *PURPOSE, "--edition", "back-in-stock@1/en", "--said-at", "2026-01-01T00:00:00Z")
        dry, dry_peak = portal(*list_)
        yield figure(f"{name}: dry run", dry, "s", baseline=inserting, at_most=45 * share)
        yield figure(f"{name}: dry run, memory", dry_peak, "MiB", at_most=300)
        committed, peak = portal(*list_, "--commit")
        yield figure(f"{name}: import, logged", committed, "s", baseline=inserting, at_most=150 * share)
        yield figure(f"{name}: import, memory", peak, "MiB", at_most=300)
        scrubbed, scrub_peak = portal("scrub", str(people), *PURPOSE)
        yield figure(f"{name}: scrub", scrubbed, "s", baseline=hashing, at_most=30 * share)
        yield figure(f"{name}: scrub, memory", scrub_peak, "MiB", at_most=300)


def timed(began: float) -> str:
    """What a measured child process prints last."""
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return json.dumps({"seconds": time.monotonic() - began, "peak_mib": peak})
