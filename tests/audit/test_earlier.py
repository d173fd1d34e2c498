"""After a restore the log goes on under its next name: what people kept from before still verifies, and is told as that."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal import audit, cli, custody, vault
from portal.audit.notes import sign_checkpoint
from tests.custody.copies import back_up, found_portal, home, meet, open_portal, say
from tests.people import ANA, BEN, Browser

FIRST, SECOND = "127.0.0.1:8000/audit/1", "127.0.0.1:8000/audit/2"


@dataclass(frozen=True)
class Kept:
    """Of the first log: states before and after the backup, and the receipt of an entry that the restore lost."""

    folder: Path
    common: int
    early: Path
    late: Path
    receipt: Path


@pytest.fixture
def kept(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path, 0, *(tmp_path / name for name in ("early", "late", "receipt.txt")))

    async def live() -> int:
        async with open_portal():
            await found_portal()
            await say(await meet(ANA), "yes")
            made = await back_up(tmp_path / "backups")
            kept.early.write_text(str((await audit.windows.signed_up_to(made.entries)).note))  # type: ignore[union-attr]  # signed
            lost = await say(await meet(BEN), "no")
            await audit.sequence_all()
            [entry] = await audit.search(object=lost)
            kept.receipt.write_text(await audit.prove(entry.id))
            kept.late.write_text(str((await audit.checkpoint()).note))  # type: ignore[union-attr]  # signed
        await custody.restore(made.data, new_log=True)
        async with open_portal():
            await say(await meet(BEN), "yes")
            await audit.sequence_all()
        return made.entries

    with home(migrated_sqlite, tmp_path / "var"):
        yield Kept(tmp_path, asyncio.run(live()), kept.early, kept.late, kept.receipt)


def _portal(capsys: pytest.CaptureFixture[str], *command: str | Path) -> tuple[int, str]:
    code = cli.main(["audit", *map(str, command)])
    return code, capsys.readouterr().out


def test_a_receipt_of_the_log_before_verifies_and_says_so(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    key = _portal(capsys, "key")[1].strip()
    assert key.startswith(SECOND)
    for more in ((), ("--key", key)):
        code, told = _portal(capsys, "verify", kept.receipt, *more)
        assert code == 0 and f"It belongs to the log before, {FIRST}." in told and f"goes on as {SECOND}" in told
    kept.receipt.write_text(kept.receipt.read_text().replace(FIRST, SECOND))
    assert _portal(capsys, "verify", kept.receipt)[0] == 1, "it was not signed under that name"


def test_a_state_kept_from_the_log_before_is_compared_as_far_as_both_go(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    exported, key = kept.folder / "exported", _portal(capsys, "key")[1].strip()
    assert _portal(capsys, "export", exported)[0] == 0
    for what in ((), (exported,), (exported, "--key", key)):
        code, told = _portal(capsys, "verify", *what, "--seen", kept.early)
        assert code == 0 and f"is of the log before, {FIRST}" in told and "It has grown from the signature that you kept" in told
        code, told = _portal(capsys, "verify", *what, "--seen", kept.late)
        assert code == 0 and f"the first {kept.common} are the beginning of this log" in told and "has grown" not in told
        for size, root, why in ((kept.common, b"x" * 32, "not the ones that were signed"), (500, b"x" * 32, "two stories")):
            (kept.folder / "forged").write_text(sign_checkpoint(FIRST, size, root, vault.signing_seed()).note)
            code, told = _portal(capsys, "verify", *what, "--seen", kept.folder / "forged")
            assert code == 1 and why in told


def test_the_public_page_has_the_key_of_each_part_of_the_record(kept: Kept) -> None:
    async def look() -> str:
        async with open_portal(), Browser() as visitor:
            return (await visitor.get("/check")).text

    page = asyncio.run(look())
    assert "The record before" in page and f"<code>{FIRST}+" in page and f"<code>{SECOND}+" in page
