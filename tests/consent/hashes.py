"""Hashed suppression lists for the tests: made of names at example.com, planned and committed."""

import hashlib
from pathlib import Path

from portal.consent.batches import Batch, commit_import, options_for_hashes, plan_import
from tests.consent.lists import written

COUNTS = ("rows", "new", "same", "bad", "known")


def listed(folder: Path, *names: str, algorithm: str = "sha256", name: str = "") -> Path:
    hashes = [hashlib.new(algorithm, f"{each}@example.com".encode()).hexdigest() for each in names]
    return written(folder, "hash\n" + "\n".join(hashes) + "\n", name=name or f"{algorithm}.csv")


async def taken(path: Path, kind: str = "email", by: str = "officer:petra") -> Batch:
    planned = await plan_import(path, options_for_hashes(kind), by=by)
    done = await commit_import(planned.id, path, by=by)
    assert done.counts == planned.counts, "A dry run says what the execution does."
    return done


async def take_hashes(path: Path, *, kind: str, by: str, commit: bool) -> dict[str, int]:
    batch = await taken(path, kind, by) if commit else await plan_import(path, options_for_hashes(kind), by=by)
    return {name: batch.counts[name] for name in COUNTS}
