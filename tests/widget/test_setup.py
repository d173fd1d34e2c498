"""A fresh checkout gets what builds the script, so that the tests which build it again are not passed over."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import HOME


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As after an earlier `make setup-test`, but with nothing of npm's; npm itself only notes what it is told."""
    for folder in ("tools", "portal/widget", ".venv", "programs"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(HOME / "tools" / "setup.sh", tmp_path / "tools")
    for name in ("requirements-test.lock", "portal/widget/package-lock.json", ".venv/installed-test", ".venv/no-mariadb"):
        (tmp_path / name).touch()
    npm = tmp_path / "programs" / "npm"
    npm.write_text('#!/bin/sh\necho "$PWD $*" >> ../../told\nmkdir -p node_modules && touch node_modules/.package-lock.json\n')
    npm.chmod(0o755)
    return tmp_path


def _set_up(checkout: Path, programs: str) -> str:
    environment = {**os.environ, "PATH": programs, "CHROMIUM": "chromium", "PYTHON3": sys.executable}
    done = subprocess.run(
        ["/bin/sh", checkout / "tools" / "setup.sh", "test"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_builds_the_script_is_installed_once_and_again_after_a_change(checkout: Path) -> None:
    programs = f"{checkout / 'programs'}:{os.environ['PATH']}"
    for _time in range(2):
        _set_up(checkout, programs)
        assert (checkout / "told").read_text() == f"{checkout}/portal/widget ci --silent --ignore-scripts\n"
    later = (checkout / "portal/widget/node_modules/.package-lock.json").stat().st_mtime + 10
    os.utime(checkout / "portal/widget/package-lock.json", (later, later))
    _set_up(checkout, programs)
    assert len((checkout / "told").read_text().splitlines()) == 2


def test_without_npm_it_says_what_is_skipped(checkout: Path) -> None:
    (checkout / "few").mkdir()
    for name in ("dirname", "dpkg-query", "grep", "strace", "openssl", "uname", "sed"):
        if found := shutil.which(name):
            (checkout / "few" / name).symlink_to(found)
    told = _set_up(checkout, str(checkout / "few"))
    assert "Without npm the tests that build the script for websites again are skipped." in told
