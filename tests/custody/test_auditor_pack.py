"""What an auditor gets is checked as they would: in a folder of its own, by a process that knows nothing of us."""

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from portal import audit, cases, cli, consent, db, identity, statement, subjects
from portal.audit.export import export_log
from portal.audit.notes import verifier_key
from portal.custody import auditor_pack, auditor_sample
from portal.custody.archive import written_aside
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from tests.cases.shops import collected, found_company
from tests.conftest import House
from tests.consent.people import known, say
from tests.custody.copies import found_portal, home, meet, open_portal
from tests.people import ANA, BEN, OLGA

MARCH = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
PHONE, WORDS = "+40 712 345 678", "she wrote that her sister Dorothea moved to Rue Canary 7"


@dataclass(frozen=True)
class Pack:
    folder: Path
    made: auditor_pack.Packed

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return found

    def check(self, key: str, *log: str) -> tuple[int, str]:
        command = [sys.executable, "check_pack.py", key, *log]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def say(self, manifest: dict[str, Any]) -> None:
        (self.folder / "manifest.json").write_text(json.dumps(manifest))


async def _packed(folder: Path, name: str = "pack", *, first: date = FIRST, last: date = LAST, seed: str = "") -> Pack:
    made = await auditor_pack.make(first, last, folder / f"{name}.zip", seed=seed)
    with ZipFile(made.file) as archive:
        archive.extractall(folder / name)
    return Pack(folder / name, made)


async def _month(house: House, folder: Path) -> None:
    """A company with texts, thirty people who said something, a request with its steps, roles, and words that stay here."""
    found_company(house, folder / "company")
    with clock.at(MARCH - timedelta(days=40)):
        await statement.publish_all("system", why="The first texts.")
    with clock.at(MARCH):
        await identity.invite(OLGA, name="Olga Canary", roles=["privacy-officer"], by=None)
        for number in range(30):
            person = await known("email", f"canary{number}@example.com", proven=True)
            await say(person, "no", "newsletter", evidence={"words": WORDS} if number % 2 else None)
        case = await collected("access")
        hold = await cases.hold(case, "identity", WORDS, officer="olga")
        await cases.lift(hold, officer="olga")
        async with db.writing():
            ana = await subjects.find("email", ANA)
            assert ana is not None
            await consent.stops.restrict(ana.subject, by="officer:olga", why=consent.stops.RESTRICTED_BECAUSE[0], case=case)
            await consent.stops.lift_restriction(ana.subject, by="officer:olga", why=WORDS, person_told=True, case=case)
        await audit.sequence_all()
    with clock.at(MARCH + timedelta(days=40)):
        await say(await known("email", BEN, proven=True), "no", "newsletter")
        await audit.sequence_all()


async def test_an_auditor_checks_the_pack_with_nothing_but_it_and_the_key(sqlite_house: House, tmp_path: Path) -> None:
    await _month(sqlite_house, tmp_path)
    pack, key = await _packed(tmp_path), str(await audit.log_key())
    assert (pack.made.requests, pack.made.answers) == (1, 25)
    code, told = pack.check(key)
    assert code == 0 and re.match(r"Right: \d+ files, of which \d\d+ are receipts\.", told), told
    shown = (pack.folder / "index.html").read_text()
    assert all(
        each in shown for each in ("Request 1: access", "A request came in.", "Every system has answered.", "2 April 2026")
    )
    assert len(list(pack.folder.glob("requests/01/*.txt"))) >= 4 and len(list(pack.folder.glob("roles/*.txt"))) == 2
    assert re.findall(r"<script|\b(?:src|action)=|href=\"(?!#|mailto:|[a-z0-9/@.-]+\.(?:txt|html)\")", shown) == []
    assert set(re.findall(r'href="([^#:"]+)"', shown)) <= set(pack.manifest["files"])
    with clock.at(MARCH + timedelta(days=41)):
        await audit.sequence_all()
    [entry] = await audit.search(event="custody.auditor_pack_made")
    assert entry.digest == pack.made.digest.hex()
    code, told = pack.check(str(verifier_key("127.0.0.1:8000/audit/1", b"s" * 32)))
    assert code == 1 and "not signed with this key" in told


async def test_what_was_changed_left_out_or_put_in_is_told(sqlite_house: House, tmp_path: Path) -> None:
    await _month(sqlite_house, tmp_path)
    pack, key = await _packed(tmp_path), str(await audit.log_key())
    receipt = next(pack.folder.glob("answers/*.txt"))
    text, page = next(pack.folder.glob("texts/newsletter@1-en.html")), pack.folder / "more.html"
    before = receipt.read_bytes()
    receipt.write_bytes(before.replace(b"index ", b"index 1"))
    text.unlink()
    page.write_text("<p>More</p>")
    code, told = pack.check(key)
    assert code == 1 and all(each in told for each in ("was changed", "is missing", "stands not in the manifest"))
    assert all(each.relative_to(pack.folder).as_posix() in told for each in (receipt, text, page))


async def test_nobody_is_named_and_no_words_of_anybody_are_inside(sqlite_house: House, tmp_path: Path) -> None:
    await _month(sqlite_house, tmp_path)
    pack = await _packed(tmp_path)
    everything = "\n".join(
        _opened(each.read_text()) for each in pack.folder.rglob("*") if each.is_file() and not each.match("texts/*.html")
    )
    assert subjects.mask("email", "canary0@example.com")[:3] in everything, "masked addresses are what receipts hold"
    spied = ("canary", "Canary", ANA, BEN, OLGA, "Dorothea", PHONE, PHONE.replace(" ", ""), "Ana Pop", "Olga")
    assert [each for each in spied if each in everything] == []


async def test_the_sample_follows_from_the_signed_state_or_the_seed_and_can_be_drawn_again(
    sqlite_house: House, tmp_path: Path
) -> None:
    await _month(sqlite_house, tmp_path)
    erased = await subjects.find("email", "canary3@example.com")
    assert erased is not None
    with clock.at(MARCH + timedelta(days=45)):
        async with db.writing():
            assert await audit.shred_payloads(subject=erased.subject) > 0
        await audit.sequence_all()
    one = await _packed(tmp_path, "one")
    await say(await known("email", BEN), "yes", "newsletter", grade="self-verified")
    await audit.sequence_all()
    again, other = await _packed(tmp_path, "again"), await _packed(tmp_path, "other", seed="dice: 3 1 6 6 2")
    assert one.manifest["drawn"] == again.manifest["drawn"] and one.made.seed == again.made.seed
    assert one.manifest["drawn"] != other.manifest["drawn"] and other.manifest["seed"] == "dice: 3 1 6 6 2"
    await export_log(tmp_path / "log", lambda _done, _all: None)
    key = str(await audit.log_key())
    for each in (one, again, other):
        code, told = each.check(key, str(tmp_path / "log"))
        assert code == 0 and "drawn again: it is the same" in told, told
    own, log = other.manifest, str(tmp_path / "log")
    window = range(own["first_place"], own["end_place"])
    whole = {each.log_index for each in await audit.entries_after(-1, 5000) if each.event in auditor_sample.ANSWERS}
    ranked = sorted((each for each in window if each in whole), key=lambda place: auditor_sample.rank(own["seed"], place))
    unseen = [{"place": each, "receipt": "words"} for each in ranked[1:26]]
    other.say(own | {"drawn": _naming(own, erased=ranked[:1], places=unseen)})
    code, told = other.check(key, log)
    assert code == 0 and re.search("1 places are called erased; whether .* tells of [1-9] erasures in all", told), told
    assert "25 drawn of 30, 25 without a receipt, 25 said to hold words" in told
    other.say(own | {"drawn": _naming(own, erased=ranked, places=[])})
    assert other.check(key)[0] == 0
    assert re.search(r"30 places are called erased, but the log tells of \d erasures", other.check(key, log)[1])
    other.say(own | {"drawn": _naming(own, erased=[], places=unseen)})
    assert "is not the one that the seed draws" in other.check(key, log)[1]
    other.say(own | {"from": "2026-03-03T00:00:00Z"})
    assert "places are not those of its days" in other.check(key, log)[1]


async def test_no_receipt_of_the_sample_can_be_taken_out(sqlite_house: House, tmp_path: Path) -> None:
    await _month(sqlite_house, tmp_path)
    pack, key = await _packed(tmp_path), str(await audit.log_key())
    whole = pack.manifest
    code, told = pack.check(key)
    assert code == 0 and all(f"{each}, 0 without a receipt." in told for each in ("1 drawn of 1", "25 drawn of 30")), told
    assert "0 places are called erased; whether they were cannot be checked here." in told
    shown = whole["drawn"]["consent"]["places"]
    swapped = [{"place": one["place"], "receipt": two["receipt"]} for one, two in zip(shown, [*shown[1:], shown[0]], strict=True)]
    case = whole["drawn"]["case.opened"]["places"][0]
    for changed in (
        whole | {"drawn": _naming(whole, places=swapped)},
        whole | {"drawn": _naming(whole, places=[*shown[1:], case])},
        whole | {"end_place": shown[0]["place"]},
        whole | {"drawn": _naming(whole, places=[*shown[1:], shown[1]])},
        whole | {"drawn": {"consent": whole["drawn"]["consent"]}},
        whole | {"seed": "what draws well"},
    ):
        pack.say(changed)
        code, told = pack.check(key)
        assert code == 1 and told.startswith("WRONG: ") and "Traceback" not in told, told
    gone = [name for name in whole["files"] if name.startswith(("answers/", "requests/"))]
    for name in gone:
        (pack.folder / name).unlink()
    pack.say(whole | {"files": {name: facts for name, facts in whole["files"].items() if name not in gone}})
    code, told = pack.check(key)
    assert code == 1 and told.count("its receipt is missing") == 1 + len(shown)


async def test_what_an_erased_person_said_stays_closed_in_a_pack_too(sqlite_house: House, tmp_path: Path) -> None:
    await consent.publish_purposes("system")
    ben = await known("email", BEN, proven=True)
    await say(ben, "no", "newsletter")
    async with db.writing():
        await subjects.forget(ben.subject, by="system")
    await audit.sequence_all()
    today = clock.now().date()
    pack = await _packed(tmp_path, first=today - timedelta(days=1), last=today + timedelta(days=1))
    assert pack.made.answers == 1 and list(pack.folder.glob("answers/*")) == []
    assert pack.manifest["drawn"]["consent"]["places"][0]["receipt"] == "closed"
    assert "1 without a receipt, 1 said to be of people whose data was deleted" in pack.check(str(await audit.log_key()))[1]
    assert "only two people together open what is kept" in (pack.folder / "index.html").read_text().replace("&#39;", "'")
    shown = (pack.folder / "index.html").read_text()
    assert "a state that a witness signed" in shown and "nobody can choose" not in shown


@pytest.mark.parametrize("links", [True, False])
def test_two_runs_to_one_file_write_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError("as vfat says")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    file = tmp_path / "pack.zip"
    with written_aside(file) as first:
        first.add("first", b"1")
        with pytest.raises(Conflict, match="another run writes it"), written_aside(file) as second:
            second.add("second", b"2")
        first.add("more", b"1")
    assert ZipFile(file).namelist() == ["first", "more"] and list(tmp_path.glob(".*")) == []
    other = tmp_path / "other.zip"
    with pytest.raises(Conflict, match="there already"), written_aside(other):
        other.write_text("of somebody else")
    assert other.read_text() == "of somebody else" and list(tmp_path.glob(".*")) == []


async def test_an_erasure_without_a_place_in_the_log_is_waited_for(sqlite_house: House, tmp_path: Path) -> None:
    with clock.at(MARCH):
        await consent.publish_purposes("system")
        ben = await known("email", BEN, proven=True)
        await say(ben, "no", "newsletter")
        await audit.sequence_all()
    async with db.writing():
        await audit.shred_payloads(subject=ben.subject)
    with pytest.raises(Conflict, match="try again in a minute"):
        await _packed(tmp_path)
    await audit.sequence_all()
    pack = await _packed(tmp_path)
    assert len(pack.manifest["drawn"]["consent"]["erased"]) == 1
    assert "Places called erased: 1." in (pack.folder / "index.html").read_text()


async def test_a_window_in_which_nothing_happened_gives_an_honest_pack(house: House, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Nothing has been recorded yet"):
        await auditor_pack.make(FIRST, LAST, tmp_path / "none.zip")
    with clock.at(MARCH):
        await consent.publish_purposes("system")
        await audit.sequence_all()
    for day in (date(2025, 12, 31), date(2026, 3, 1), date(2026, 3, 5)):
        pack = await _packed(tmp_path, day.isoformat(), first=day, last=day)
        assert (pack.made.requests, pack.made.answers) == (0, 0)
        assert "nothing was recorded in this time" in (pack.folder / "index.html").read_text()
        assert pack.check(str(await audit.log_key()))[0] == 0
    with pytest.raises(Conflict, match="there already"):
        await auditor_pack.make(date(2026, 3, 5), date(2026, 3, 5), tmp_path / "2026-03-05.zip")
    assert list(tmp_path.glob(".*.new")) == []


def test_the_command_says_what_it_made_and_what_is_no_day(
    migrated_sqlite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def begin() -> None:
        async with open_portal():
            await found_portal()
            await say(await meet(ANA), "no", "newsletter")
            await audit.sequence_all()

    today, file = clock.now().date(), tmp_path / "pack.zip"
    command = ["auditor-pack", str(today - timedelta(days=2)), str(today + timedelta(days=1)), "--out", str(file)]
    with home(migrated_sqlite, tmp_path / "var"):
        asyncio.run(begin())
        assert cli.main(command) == 0
        told = capsys.readouterr().out
        assert "0 requests and 1 answers" in told and re.search("SHA-256 of its manifest.*: [0-9a-f]{64}", told)
        assert file.stat().st_mode & 0o077 == 0 and ZipFile(file).testzip() is None
        assert cli.main(["auditor-pack", "2026-02-30", "2026-03-01"]) == 1
        assert "2026-02-30 is no day" in capsys.readouterr().err


def _naming(manifest: dict[str, Any], **told: Any) -> dict[str, Any]:
    """What the manifest draws, with other words about the answers."""
    drawn: dict[str, Any] = manifest["drawn"]
    return drawn | {"consent": drawn["consent"] | told}


def _opened(text: str) -> str:
    """A file with what a receipt holds in base64."""
    extra = re.search(r"(?m)^extra (\S+)$", text)
    return text + (base64.b64decode(extra[1]).decode() if extra else "")
