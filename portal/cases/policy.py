"""policies/verification.toml: what counts as proof for which right, and how long a case's material is kept."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from portal import handwritten
from portal.cases.laws import law_errors
from portal.settings import get

_KEEP = ("package_days", "findings_days", "download_hours", "contact_days", "answer_days")
_WHOLE = {"warning": ("months",), "four_eyes": ("same_person_after_hours",), "keep": _KEEP}


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
@law_errors()
def _read(path: Path, _changed: int) -> Policy:
    file = handwritten.read(path)
    rights = file.part(dict.fromkeys(("proof", *_WHOLE), dict)).get("proof", ())
    proofs = {right: file.part({"ways": list, "fresh_minutes": int}, "proof", right) for right in rights}
    warning, four_eyes, keep = (file.part(dict.fromkeys(names, int), part) for part, names in _WHOLE.items())
    file.done()
    return Policy(
        {right: Proofs(tuple(each["ways"]), timedelta(minutes=each["fresh_minutes"])) for right, each in proofs.items()},
        warning["months"],
        timedelta(hours=four_eyes["same_person_after_hours"]),
        timedelta(days=keep["package_days"]),
        timedelta(days=keep["findings_days"]),
        timedelta(hours=min(24, keep["download_hours"])),
        timedelta(days=keep["contact_days"]),
        timedelta(days=keep["answer_days"]),
    )
