"""Whoever gets hold of the files, but not of the master key, learns nothing about anybody; nor does who reads the logs."""

import json
import os
import tempfile

import pytest

from portal import db, vault
from tests.conftest import House
from tests.vault.canaries import EMAIL, Walk, erase, walk
from tests.vault.rawbytes import all_rows, files_of, forms, where, written_out

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif("PORTAL_TEST_PG_URL" in os.environ, reason="the files of a server elsewhere cannot be read"),
]


async def test_neither_files_nor_logs_say_who_or_give_a_way_in(
    house: House,
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(house.settings.var))
    seen = await walk(house, tmp_path_factory.mktemp("company"))
    written = capfd.readouterr()
    said = written.out + written.err
    assert [what for what, secret in seen.secrets.items() if secret in said] == []
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert len(lines) > 20 and all(line["level"] for line in lines)
    written_out(house.settings)
    files = files_of(house.settings)
    assert where({"what is no secret": seen.case.encode()}, files), "The wrong files are looked at."
    long_enough = {what: secret.encode() for what, secret in seen.secrets.items() if len(secret) > 6}  # not six digits
    assert where(long_enough, files) == []
    everything = await all_rows()
    assert [what for what, secret in long_enough.items() if any(each in everything for each in forms(secret))] == []
    await _an_erased_person_leaves_no_key(house, seen)


async def _an_erased_person_leaves_no_key(house: House, seen: Walk) -> None:
    wrapped = await _wrapped(seen)
    if not house.settings.is_sqlite:
        async with db.writing():
            await db.run("ANALYZE")  # as its autovacuum does in its own time: values of columns are kept as samples
    assert len(where(wrapped, files_of(house.settings))) >= len(wrapped)
    await erase(seen)
    written_out(house.settings, shorten=True)
    assert where(wrapped, files_of(house.settings)) == []
    assert vault.blind("email", EMAIL) not in await all_rows()


async def _wrapped(seen: Walk) -> dict[str, bytes]:
    found = await db.rows("SELECT id, wrapped FROM data_key WHERE kind = 'life' AND owner = ?", seen.subject)
    return {f"key {each['id']}": bytes(each["wrapped"]) for each in found}
