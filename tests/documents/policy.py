"""A policies folder of the test's own, a copy of the one that is shipped."""

import shutil
from dataclasses import replace
from pathlib import Path

from portal import settings


def copied(to: Path) -> Path:
    """Copy the shipped folder and use the copy from now on."""
    folder = to / "policies"
    shutil.copytree(settings.HOME / "policies", folder)
    settings.use(replace(settings.get(), policies=folder))
    return folder


def change(file: Path, old: str, new: str) -> int:
    """Replace one passage; answers the line on which it stands."""
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    file.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1
