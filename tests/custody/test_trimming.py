"""`portal drill FOLDER --trim`: no kept backup loses a no by it, and one that would is refused rather than restored."""

from pathlib import Path

import pytest

from portal import audit, custody, subjects
from portal.audit import safetyfile
from portal.lib.errors import Invalid
from portal.settings import Settings
from tests.custody.copies import allowed, back_up, backed_up_yesterday, open_portal, say
from tests.people import ANA, BEN


async def test_only_what_every_kept_backup_has_is_left_out_of_the_safety_log(on_sqlite: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    yesterday = await backed_up_yesterday(folder)
    async with open_portal():
        await _no(ANA)
        today = (await back_up(folder)).data
        await _no(BEN)
        await audit.sequence_all()
    assert (await custody.drill(today, trim=True)).trimmed == 0, "yesterday's lacks Ana's no"
    elsewhere = yesterday.rename(tmp_path / yesterday.name)
    assert (await custody.drill(today, trim=True)).trimmed == 1
    keys = max(folder.glob("*.keys"))
    with pytest.raises(Invalid, match=r"was trimmed.*Nothing was restored"):
        await custody.restore(elsewhere, keys=keys, new_log=True)
    done = await custody.restore(today, new_log=True)
    assert done.again == {"consent.refused": 1}
    async with open_portal():
        assert not await allowed(ANA) and not await allowed(BEN)
        await _no(ANA)
        await audit.sequence_all()
        last = safetyfile.last()
        assert last is not None and last.log == 2


async def test_a_backup_that_does_not_say_how_far_it_reaches_stops_the_trimming(on_sqlite: Settings, tmp_path: Path) -> None:
    today = await backed_up_yesterday(tmp_path / "backups")
    (today.parent / "portal-20260101T000000000000Z.backup").write_bytes(today.read_bytes()[:3000])
    before = _held()
    with pytest.raises(Invalid, match=r"The backup is good, but safety\.log stays as it was: How far"):
        await custody.drill(today, trim=True)
    assert _held() == before


async def _no(address: str) -> None:
    identifier = await subjects.find("email", address)
    assert identifier is not None
    await say(identifier, "no")


def _held() -> bytes:
    return safetyfile.path().read_bytes() if safetyfile.path().exists() else b""
