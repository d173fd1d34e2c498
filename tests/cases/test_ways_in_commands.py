"""What a mail server and an operator run: `portal mail-in` by its exit codes, `portal cases import` by what it prints."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal import cli, settings
from portal.cases import mail_in
from tests.conftest import settings_in

MESSAGE = b"From: ana@example.com\nSubject: Hello\n\nPlease send me a copy of my data.\n"
Pipe = Callable[[bytes], int]


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """Hands a message over as a mail server does; answers the exit code. The database is not made yet."""

    def hand_over(raw: bytes) -> int:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
        return cli.main(["mail-in"])

    before = settings.get()
    settings.use(settings_in(tmp_path))
    try:
        yield hand_over
    finally:
        settings.use(before)


def test_a_mail_server_keeps_what_we_cannot_take_and_returns_what_is_no_message(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pipe(MESSAGE) == 75  # no database yet
    assert cli.main(["migrate"]) == 0
    assert (pipe(MESSAGE), pipe(MESSAGE), pipe(b"\xff\x00")) == (0, 0, 0)
    assert (pipe(b""), pipe(b"x" * (mail_in.LARGEST + 1))) == (65, 65)

    async def fails(_raw: bytes) -> str:
        raise OSError("The disk is gone.")

    monkeypatch.setattr(mail_in, "take", fails)
    assert pipe(MESSAGE) == 75
    assert "ana@example.com" not in capsys.readouterr().err


def test_a_list_is_shown_first_and_opened_on_demand(pipe: Pipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "backlog.csv", tmp_path / "report.csv"
    file.write_text("address,right,received\nana@example.com,copy,2026-01-02\nnobody,copy,2026-01-02\n")
    assert cli.main(["migrate"]) == 0 and cli.main(["cases", "import", str(file)]) == 1
    said = capsys.readouterr().out
    assert "2: opens" in said and "2 February 2026, late" in said and "3: wrong. This is not" in said and "--commit" in said
    assert cli.main(["cases", "import", str(file), "--commit", "--report", str(report)]) == 1
    assert "opens: 1, opened before: 0" in capsys.readouterr().out and "ana@" not in report.read_text()
    assert cli.main(["cases", "import", str(file), "--commit"]) == 1
    assert "opens: 0, opened before: 1" in capsys.readouterr().out
    assert cli.main(["cases", "import", str(tmp_path / "none.csv")]) == 1
