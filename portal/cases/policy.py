"""policies/verification.toml: what counts as proof for which right, and how long a case's material is kept."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from portal.cases.laws import LawError
from portal.settings import get


@dataclass(frozen=True)
class Proofs:
    ways: tuple[str, ...]
    fresh: timedelta


@dataclass(frozen=True)
class Policy:
    proofs: dict[str, Proofs]
    warning_months: int
    same_person_after: timedelta
    package_kept: timedelta
    findings_kept: timedelta
    download_lives: timedelta
    contact_kept: timedelta
    answers_kept: timedelta


def policy() -> Policy:
    path = get().policies / "verification.toml"
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Policy:
    try:
        data = tomllib.loads(path.read_text())
        return Policy(
            {
                right: Proofs(tuple(each["ways"]), timedelta(minutes=each["fresh_minutes"]))
                for right, each in data["proof"].items()
            },
            data["warning"]["months"],
            timedelta(hours=data["four_eyes"]["same_person_after_hours"]),
            timedelta(days=data["keep"]["package_days"]),
            timedelta(days=data["keep"]["findings_days"]),
            timedelta(hours=min(24, data["keep"]["download_hours"])),
            timedelta(days=data["keep"]["contact_days"]),
            timedelta(days=data["keep"]["answer_days"]),
        )
    except tomllib.TOMLDecodeError as problem:
        raise LawError(f"{path}: {problem}") from problem
    except KeyError as problem:
        raise LawError(f"{path}: {problem.args[0]!r} is missing.") from problem
