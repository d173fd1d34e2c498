"""policies/verification.toml: what counts as proof for which right, and how long a case's material is kept."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from portal import handwritten
from portal.cases.laws import law_errors
from portal.settings import get

_KEEP = ("package_days", "findings_days", "download_hours", "contact_days", "answer_days")
_WHOLE = {
    "warning": ("months",),
    "four_eyes": ("same_person_after_hours",),
    "letter": ("days", "most_a_month"),
    "facts": ("at_least",),
    "keep": _KEEP,
}
_OPTIONAL = ("no_basis", "unconfirmed")
WAYS = ("code", "signed in", "letter", "in person", "facts")
NO_BASIS_DAYS, UNCONFIRMED_DAYS = 30, 14
SECOND_PERSON, STRONGER = "second person", "stronger proof"


@dataclass(frozen=True)
class Proofs:
    """The ways of which one is enough, and those of which one is enough where more is asked for."""

    ways: tuple[str, ...]
    fresh: timedelta
    stronger: tuple[str, ...] = ()


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
    letter_lives: timedelta
    letters_a_month: int
    facts_at_least: int
    new_device: frozenset[str]  # the rights for which a browser that is new to an account is not enough by itself
    new_device_asks: str
    no_basis_after: timedelta  # how long no basis must have been left before officers are asked to look
    unconfirmed_after: timedelta  # how long somebody who was asked for proof has before their request may be closed


def policy() -> Policy:
    path = get().policies / "verification.toml"
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
@law_errors()
def _read(path: Path, _changed: int) -> Policy:
    file = handwritten.read(path)
    rights = file.part(dict.fromkeys(("proof", "new_device", *_OPTIONAL, *_WHOLE), dict), optional=_OPTIONAL).get("proof", ())
    proofs = {right: _proof(file, right) for right in rights}
    device = file.part({"rights": list, "asks": str}, "new_device")
    if device.get("asks", STRONGER) not in (SECOND_PERSON, STRONGER):
        file.wrong(f"asks is one of: {SECOND_PERSON}, {STRONGER}.", "new_device", "asks")
    warning, four_eyes, letter, facts, keep = (file.part(dict.fromkeys(names, int), part) for part, names in _WHOLE.items())
    no_basis, unconfirmed = _after_days(file, "no_basis", NO_BASIS_DAYS), _after_days(file, "unconfirmed", UNCONFIRMED_DAYS)
    file.done()
    return Policy(
        {
            right: Proofs(tuple(each["ways"]), timedelta(minutes=each["fresh_minutes"]), tuple(each.get("stronger", ())))
            for right, each in proofs.items()
        },
        warning["months"],
        timedelta(hours=four_eyes["same_person_after_hours"]),
        timedelta(days=keep["package_days"]),
        timedelta(days=keep["findings_days"]),
        timedelta(hours=min(24, keep["download_hours"])),
        timedelta(days=keep["contact_days"]),
        timedelta(days=keep["answer_days"]),
        timedelta(days=letter["days"]),
        letter["most_a_month"],
        max(2, facts["at_least"]),
        frozenset(device["rights"]),
        device["asks"],
        no_basis,
        unconfirmed,
    )


def _after_days(file: handwritten.Toml, part: str, usual: int) -> timedelta:
    days = file.part({"after_days": int}, part).get("after_days", usual)
    if not 1 <= days <= 3660:
        file.wrong("after_days lies between 1 and 3660.", part, "after_days")
    return timedelta(days=days)


def _proof(file: handwritten.Toml, right: str) -> dict[str, Any]:
    part = file.part({"ways": list, "stronger": list, "fresh_minutes": int}, "proof", right, optional=("stronger",))
    for name, known in (("ways", WAYS), ("stronger", tuple(part.get("ways", ())))):
        unknown = [each for each in part.get(name, ()) if each not in known]
        if unknown:
            file.wrong(f"{name}: {unknown[0]!r} is none of: {', '.join(known)}.", "proof", right, name)
    return part
