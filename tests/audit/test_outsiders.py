"""What outsiders check with: the short script of docs/, and that no single changed character of a receipt passes anywhere."""

import ast
import random
import runpy
import sys
from pathlib import Path

import pytest

from portal import audit
from portal.audit.notes import VerifierKey
from portal.settings import HOME
from tests.audit.acts import say
from tests.audit.mutations import mutations
from tests.conftest import House

SCRIPT = HOME / "docs" / "verify_receipt.py"
SAMPLE = 5_000


async def _receipt() -> tuple[str, str]:
    await say(times=6)
    (entry,) = await say("ana", purpose="newsletter", answer="no", address="a…a@example.com")
    await say(times=300)
    await audit.sequence_all()
    return await audit.prove(entry), str(await audit.log_key())


def _checked(receipt: str, key: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the script, run in this process, comes to its end."""
    file = folder / "proof.txt"
    file.write_bytes(receipt.encode())
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(file), key])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except (Exception, SystemExit):
        return False
    return True


async def test_the_short_script_checks_a_real_receipt_and_refuses_changed_ones(
    sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt, key = await _receipt()
    assert _checked(receipt, key, tmp_path, monkeypatch)
    told = capsys.readouterr().out
    assert "place 6 of 307 entries" in told and '"answer":"no"' in told
    for changed in random.Random(7).sample(list(mutations(receipt)), 800):
        assert not _checked(changed, key, tmp_path, monkeypatch), _difference(receipt, changed)
    assert not _checked(receipt, key.replace("+A", "+B"), tmp_path, monkeypatch)


def test_the_short_script_is_short_and_stands_alone() -> None:
    code = SCRIPT.read_text()
    imported = {
        name.partition(".")[0]
        for each in ast.walk(ast.parse(code))
        for name in ([each.module or ""] if isinstance(each, ast.ImportFrom) else [])
        + ([alias.name for alias in each.names] if isinstance(each, ast.Import) else [])
    }
    assert imported == {"base64", "hashlib", "hmac", "json", "sys", "pathlib", "cryptography"}
    assert len([line for line in code.splitlines() if line.strip()]) <= 40
    assert "assert " not in code  # python -O would check nothing


async def test_no_single_changed_character_of_a_receipt_passes(sqlite_house: House) -> None:
    receipt, key = await _receipt()
    _require_all_refused(receipt, key, random.Random(11).sample(list(mutations(receipt)), SAMPLE))


@pytest.mark.deep
async def test_not_one_of_all_single_changed_characters_passes(sqlite_house: House) -> None:
    receipt, key = await _receipt()
    _require_all_refused(receipt, key, list(mutations(receipt)))


def _require_all_refused(receipt: str, key: str, changed: list[str]) -> None:
    keys = [VerifierKey.parse(key)]
    assert audit.verify_receipt(receipt, keys).ok
    passed = [_difference(receipt, each) for each in changed if audit.verify_receipt(each, keys).ok]
    assert passed == []


def _difference(receipt: str, changed: str) -> str:
    at = next((at for at, pair in enumerate(zip(receipt, changed, strict=False)) if pair[0] != pair[1]), len(receipt))
    return f"at {at}: {receipt[at - 10 : at + 10]!r} became {changed[at - 10 : at + 10]!r}"
