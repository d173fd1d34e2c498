"""Keys that are missing, wrong or changed under way: the portal says what to do, signs nothing and writes nothing in clear."""

import base64
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from portal.settings import HOME
from tests.faults.conftest import CompanyOn
from tests.faults.harness import Visitor
from tests.faults.oracle import portal_rows
from tests.journeys.conftest import environment, serving
from tests.journeys.steps import eventually, somebody

OLD, NEW, OTHER = (base64.b64encode(letter * 32).decode() for letter in (b"m", b"n", b"o"))
NO_KEY = "must be 32 bytes in base64. `portal init` makes one"
BROKEN = {
    "missing": (None, "cannot be read: No such file"),
    "cut off": (OLD[:-8].encode(), NO_KEY),
    "no text": (bytes(range(128, 160)), "cannot be read: it is no text"),
    "another": (OTHER.encode(), "is not the key of this database"),
}
STANDING = ("SELECT id, wrapped, master FROM data_key ORDER BY id", "SELECT size, note FROM checkpoint ORDER BY size")

LONG = [pytest.mark.deep, pytest.mark.faults]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=LONG)])
def test_without_its_master_key_nothing_starts_and_nothing_changes(database: str, company_on: CompanyOn) -> None:
    var = company_on(database)
    before = [portal_rows(var, each) for each in STANDING]
    names = BROKEN if database == "sqlite" else ["another"]
    for name in names:
        content, sentence = BROKEN[name]
        _refuses(var, name, sentence, "serve", PORTAL_MASTER_KEY_FILE=_key_file(var, content))
    for command in (["work"], ["vault", "rotate"])[: len(names)]:
        _refuses(var, " ".join(command), BROKEN["another"][1], *command, PORTAL_MASTER_KEY=OTHER)
    _refuses(var, "no log key", NO_KEY, "serve", PORTAL_LOG_KEY="")
    assert [portal_rows(var, each) for each in STANDING] == before


@pytest.mark.deep
@pytest.mark.faults
def test_another_log_key_signs_nothing_until_the_right_one_is_back(company_on: CompanyOn) -> None:
    var = company_on("sqlite")
    address = somebody(var, "language = 'en'")[1]
    before = portal_rows(var, STANDING[1])
    waiting = partial(portal_rows, var, "SELECT count(*) FROM entry WHERE log_index IS NULL")
    with serving(var, PORTAL_LOG_KEY=OTHER) as portal:
        Visitor(portal).sign_in(address)
        eventually(lambda: "audit_log_not_signed" in (var / "server.log").read_text(), seconds=30)
        assert "PORTAL_LOG_KEY is another key" in (var / "server.log").read_text()
        assert portal_rows(var, STANDING[1]) == before and waiting()[0][0] > 0
    with serving(var) as portal:
        eventually(lambda: waiting() == [(0,)], seconds=30)
        assert portal_rows(var, STANDING[1])[: len(before)] == before
        portal.verify_log()


@pytest.mark.deep
@pytest.mark.faults
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_new_master_key_while_the_portal_serves_and_the_rotation_is_killed(
    database: str, company_on: CompanyOn, seed: int
) -> None:
    var, chance = company_on(database), random.Random(seed)
    address = somebody(var, "language = 'en'")[1]
    masked, file = f"{address[0]}•••@", _key_file(var, OLD.encode())
    with serving(var, PORTAL_MASTER_KEY_FILE=file) as portal:
        late = Visitor(portal)
        late.sign_in(address)
        Path(file).write_text(NEW)  # what runs keeps the key that it was started with
        assert masked in late.look("/preferences")
        _killed(var, chance.uniform(1.2, 2.5))
        with serving(var, PORTAL_MASTER_KEY=NEW, PORTAL_FORMER_MASTER_KEY=OLD) as both:
            visitor = Visitor(both)
            visitor.sign_in(address)
            for _time in range(3):
                _killed(var, chance.uniform(1.2, 2.5))
                assert masked in visitor.look("/preferences")
            done = _run(var, "vault", "rotate", PORTAL_MASTER_KEY=NEW, PORTAL_FORMER_MASTER_KEY=OLD)
            assert done.returncode == 0, done.stderr
            assert masked in visitor.look("/preferences")
        stored = portal_rows(var, "SELECT count(*) FROM data_key")
        stranger = Visitor(portal)
        stranger.look("/requests/new")
        asked = stranger.press("/requests", right="access", email="new@example.com", country="RO")
        for answer in (asked, late.get("/preferences")):
            assert answer.status_code == 503 and "changing our keys" in answer.text, answer.text
        assert portal_rows(var, "SELECT count(*) FROM data_key") == stored
    assert len(portal_rows(var, "SELECT DISTINCT master FROM data_key")) == 1
    assert portal_rows(var, "SELECT count(*) FROM entry WHERE event = 'vault.rotated'") == [(1,)]
    _refuses(var, "the old one", "is not the key of this database", "serve")
    with serving(var, PORTAL_MASTER_KEY_FILE=file) as portal:
        Visitor(portal).sign_in(address)
        of_another = "SELECT id FROM data_key WHERE master <> (SELECT master FROM data_key WHERE id = 'check')"
        assert portal_rows(var, of_another) == []


def _refuses(var: Path, case: str, sentence: str, *arguments: str, **settings: str) -> None:
    done = _run(var, *arguments, **settings)
    assert done.returncode == 1, (case, done.stdout, done.stderr)
    assert sentence in done.stderr and "Traceback" not in done.stderr, (case, done.stderr)


def _run(var: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "portal.cli", *arguments]
    told = environment(var) | settings
    return subprocess.run(command, cwd=HOME, env=told, capture_output=True, text=True, timeout=60, check=False)


def _killed(var: Path, after: float) -> None:
    """A rotation that dies on its way, wherever that is."""
    told = environment(var) | {"PORTAL_MASTER_KEY": NEW, "PORTAL_FORMER_MASTER_KEY": OLD}
    with (var / "rotation.log").open("ab") as log:
        command = [sys.executable, "-m", "portal.cli", "vault", "rotate"]
        process = subprocess.Popen(command, cwd=HOME, env=told, stdout=log, stderr=log)
        time.sleep(after)
        process.kill()
        process.wait()


def _key_file(var: Path, content: bytes | None) -> str:
    path = var / f"key-{os.urandom(4).hex()}"
    if content is not None:
        path.write_bytes(content)
    return str(path)
