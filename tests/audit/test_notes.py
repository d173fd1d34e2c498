"""Signed notes and checkpoints against notes that others signed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.audit.notes import (
    NoteError,
    VerifierKey,
    decimal,
    decode64,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    verifier_key,
)
from portal.audit.tree import Frontier, leaf_hash
from tests.audit.vectors import FOLDER, needs_vectors

SEED = b"s" * 32
ORIGIN = "privacy.example.com/audit/1"
KEY = verifier_key(ORIGIN, SEED)
NOTE = sign_checkpoint(ORIGIN, 7, b"r" * 32, SEED).note


def test_a_checkpoint_opens_with_its_key_as_text() -> None:
    checkpoint = open_checkpoint(NOTE, [VerifierKey.parse(str(KEY))])
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (ORIGIN, 7, b"r" * 32)


@given(st.integers(0, len(NOTE.encode()) * 8 - 1))
def test_any_flipped_bit_of_a_checkpoint_is_noticed(position: int) -> None:
    changed = bytearray(NOTE.encode())
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises((NoteError, UnicodeDecodeError)):
        open_checkpoint(changed.decode(), [KEY])


@pytest.mark.parametrize("text", ["07", "+7", "-1", "", " 7", "7 ", "٧", "1e3", "9" * 20])
def test_numbers_are_written_in_one_way_only(text: str) -> None:
    with pytest.raises(NoteError):
        decimal(text)


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", "Y Q==", "YQ=="[:3], "_-8="])
def test_base64_is_written_in_one_way_only(text: str) -> None:
    with pytest.raises(NoteError):
        decode64(text)


def test_refuses_notes_of_strangers_and_of_monstrous_length() -> None:
    with pytest.raises(NoteError, match="not signed by a key"):
        open_checkpoint(NOTE, [verifier_key(ORIGIN, b"t" * 32)])
    with pytest.raises(NoteError, match="64 KiB"):
        open_note(f"{NOTE[:-1]}\n" + "— a.example YWFhYWFhYWE=\n" * 3000, [KEY])
    with pytest.raises(NoteError, match="control"):
        open_note(NOTE.replace("7", "7\r"), [KEY])
    with pytest.raises(NoteError, match="key id"):
        VerifierKey.parse(str(KEY).replace("privacy", "piracy"))


@needs_vectors
def test_notes_of_the_public_vectors_are_judged_alike() -> None:
    for case in json.loads((FOLDER / "tlog" / "note-vectors.json").read_text()):
        keys = [VerifierKey.parse(key) for key in case["vkeys"]]
        try:
            assert open_note(case["note"], keys) == case["ok"], case["name"]
        except NoteError:
            assert case["ok"] is None, case["name"]


@needs_vectors
def test_checkpoints_of_a_log_written_by_others() -> None:
    known = json.loads((FOLDER / "tlog" / "vectors.json").read_text())["tessera_log"]
    folder = FOLDER / "tlog" / "tessera-testlog" / "testdata" / "log"
    tree, seen = Frontier(), 0
    for size, entry in enumerate([None, *known["entries"]]):
        if entry is not None:
            tree.append(leaf_hash(entry.encode()))
        file = folder / f"checkpoint.{size}"
        if file.exists():
            checkpoint = open_checkpoint(file.read_text(), [VerifierKey.parse(known["vkey"])])
            assert (checkpoint.size, checkpoint.root) == (size, tree.root())
            seen += 1
    assert seen > 3
