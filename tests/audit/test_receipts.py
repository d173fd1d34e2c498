"""Receipts verify offline; a changed one says what is wrong with it."""

import asyncio
import base64
import json
import shutil
from argparse import ArgumentParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import audit, db, vault
from portal.audit.commands import add_commands
from portal.audit.leaves import canonical
from portal.audit.notes import VerifierKey, sign_checkpoint, verifier_key
from portal.lib.errors import NotFound, Unavailable
from portal.settings import Settings, get, use
from tests.audit.acts import SAID, say, without_triggers
from tests.conftest import LOG_KEY, MASTER_KEY, House

SEED = base64.b64decode(LOG_KEY)
KEY = verifier_key("127.0.0.1:8000/audit/1", SEED)


async def _receipt(**payload: str) -> str:
    await say(times=6)
    (entry,) = await say("ana", case=None, times=1, **payload)
    await say(times=4)
    await audit.sequence_all()
    return await audit.prove(entry)


async def test_a_receipt_says_what_when_where_and_by_whom(house: House) -> None:
    receipt = await _receipt(cell="newsletter/email", answer="no", text_sha256="ab" * 32)
    report = audit.verify_receipt(receipt, [VerifierKey.parse(str(await audit.log_key()))])
    assert report.ok and report.index == 6 and report.event == SAID.name and report.statement is not None
    assert report.statement["payload"]["answer"] == "no"
    told = "\n".join(report.sentences)
    for words in ("Somebody said something.", "customer:ana", "answer: no", "ab" * 32, "place 6 of a log of 11"):
        assert words in told
    assert str(report.time) in told
    assert receipt.startswith("c2sp.org/tlog-proof@v1\nextra ") and len(receipt) < 2048


async def test_a_receipt_of_an_early_place_stays_valid_while_the_log_grows(house: House) -> None:
    receipt = await _receipt()
    await say(times=300)
    await audit.sequence_all()
    assert audit.verify_receipt(receipt, [KEY]).ok
    (later, *_others) = await audit.entries_after(5, 1)
    assert audit.verify_receipt(await audit.prove(later.id), [KEY]).ok


async def test_a_receipt_stays_below_two_kibibytes_in_a_log_of_a_million(house: House) -> None:
    receipt = await _receipt(cell="newsletter/email", answer="no", text_sha256="ab" * 32, address="a…a@example.com")
    hashes = receipt.partition("\n\n")[0].count("\n") - 2
    assert len(receipt.encode()) + (20 - hashes) * 45 + len("1000000") <= 2048


async def test_a_changed_receipt_says_what_is_wrong(house: House) -> None:
    receipt = await _receipt(answer="no")
    top, note = receipt.split("\n\n", 1)
    lines = top.split("\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))

    def with_extra(**changes: str) -> str:
        return with_line(1, "extra " + base64.b64encode(canonical(extra | changes).encode()).decode())

    def with_line(number: int, line: str) -> str:
        return "\n".join([*lines[:number], line, *lines[number + 1 :]]) + "\n\n" + note

    wrong = {
        with_extra(statement=extra["statement"].replace('"no"', '"yes"')): "not what was recorded",
        with_extra(salt=extra["salt"][::-1][:42] + "A"): "not what was recorded",
        with_extra(leaf=extra["leaf"].replace("test.said", "test.sung")): "not at place 6",
        with_extra(leaf=extra["leaf"].replace(",", ", ")): "cannot be read",
        with_line(2, "index 5"): "not at place 5",
        with_line(2, "index 06"): "canonical decimal",
        with_line(2, "index 99"): "no entry 99",
        with_line(3, base64.b64encode(b"x" * 32).decode()): "not at place 6",
        with_line(3, lines[4]): "not at place 6",
        with_extra(more="x"): "leaf, statement or salt",
        with_line(1, "extra " + base64.b64encode(json.dumps(extra).encode()).decode()): "one canonical way",
        with_line(1, "extra " + base64.b64encode(canonical(extra).encode("utf-16")).decode()): "one canonical way",
        "\n".join(lines[:-1]) + "\n\n" + note: "too few hashes",
        "\n".join([*lines, lines[3]]) + "\n\n" + note: "too many hashes",
        "\n".join([*lines, *[lines[3]] * 64]) + "\n\n" + note: "more than 63 hashes",
        receipt.replace("\n11\n", "\n12\n"): "signature is not right",
        receipt.replace("@v1", "@v2"): "does not begin with",
        receipt[:-10]: "not right",
        receipt[:60]: "not a receipt",
        "": "not a receipt",
        receipt + "x" * 70_000: "longer than 64 KiB",
        receipt + "ă" * 33_000: "longer than 64 KiB",
        receipt.replace("\n", "\r\n"): "not a receipt",
    }
    for changed, words in wrong.items():
        report = audit.verify_receipt(changed, [KEY])
        assert not report.ok and words in " ".join(report.problems), (words, report.problems)
    assert "not signed by a key" in " ".join(audit.verify_receipt(receipt, [verifier_key(KEY.name, b"x" * 32)]).problems)
    forged = f"{top}\n\n{sign_checkpoint(KEY.name, 11, b'r' * 32, SEED).note}"
    assert "leads to another root" in " ".join(audit.verify_receipt(forged, [KEY]).problems)


async def test_any_flipped_bit_of_a_receipt_is_noticed(sqlite_house: House) -> None:
    raw = (await _receipt(answer="no")).encode()

    @given(st.integers(0, len(raw) * 8 - 1))
    def flip(position: int) -> None:
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        assert not audit.verify_receipt(changed.decode(errors="replace"), [KEY]).ok

    flip()


async def test_what_was_erased_cannot_be_proven_again(house: House) -> None:
    (entry,) = await say("ben")
    await audit.sequence_all()
    assert await audit.prove(entry)
    async with db.writing():
        await audit.shred_payloads(subject="ben")
        await vault.shred("evidence", "ben")
    await audit.sequence_all()
    for gone in (entry, "no such entry"):
        with pytest.raises(NotFound, match="cannot be proven"):
            await audit.prove(gone)


async def test_a_proof_that_is_not_ready_says_come_back(sqlite_house: House) -> None:
    (entry,) = await say()
    with pytest.raises(Unavailable, match="try again"):
        await audit.prove(entry)


async def test_no_receipt_is_given_out_that_would_not_verify(house: House) -> None:
    (entry,) = await say()
    await say()
    await audit.sequence_all()
    await without_triggers()
    async with db.writing():
        other = "(SELECT bytes FROM leaf AS other WHERE other.log_index = 1)"
        await db.run(f"UPDATE leaf SET bytes = {other} WHERE log_index = 0")
    with pytest.raises(audit.LogBroken, match="does not verify"):
        await audit.prove(entry)


def test_the_command_line_checks_receipts_and_the_log(
    migrated_sqlite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "portal.db")
    before = get()
    use(Settings(var=tmp_path, master_key=MASTER_KEY, log_key=LOG_KEY))

    async def make() -> str:
        await db.open_database()
        try:
            return await _receipt(answer="no")
        finally:
            await db.close()

    def portal(*words: str) -> tuple[int, str]:
        parser = ArgumentParser()
        add_commands(parser.add_subparsers())
        args = parser.parse_args(words)
        code: int = args.run(args)
        return code, capsys.readouterr().out

    try:
        good, bad, kept = tmp_path / "good.tlog-proof", tmp_path / "bad.tlog-proof", tmp_path / "kept"
        good.write_text(asyncio.run(make()))
        bad.write_text(good.read_text().replace("index 6", "index 7"))
        assert portal("audit", "key") == (0, f"{KEY}\n")
        code, text = portal("audit", "checkpoint")
        kept.write_text(text)
        assert code == 0 and text.splitlines()[1] == "11"
        code, text = portal("audit", "verify", "--seen", str(kept))
        assert code == 0 and "The log is whole" in text
        for more in ([], ["--key", str(KEY)]):
            code, text = portal("audit", "verify", str(good), *more)
            assert code == 0 and "nothing was changed since" in text
        code, text = portal("audit", "verify", str(bad))
        assert code == 1 and "WRONG" in text and "not at place 7" in text
        for wrong in ([str(tmp_path / "none")], [str(good), "--key", "x"], ["--seen", str(good)]):
            code, text = portal("audit", "verify", *wrong)
            assert code == 1 and "cannot be checked" in text
    finally:
        use(before)
