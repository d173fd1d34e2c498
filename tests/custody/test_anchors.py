"""Anchors: made when they are due, kept only when they prove something, and shown when they fail."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, db, jobs, messages, settings
from portal.custody import anchors
from portal.lib import clock
from tests.audit.acts import require_whole, say
from tests.conftest import House
from tests.custody.authority import authority
from tests.custody.witnesses import Witness, serving
from tests.people import OLGA, PETRA, hire

MORNING = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
VERBS = {"mail": "custody.mail_checkpoint", "timestamp": "custody.timestamp_checkpoint", "witness": "custody.witness_checkpoint"}


async def _logged(times: int = 1) -> audit.notes.Checkpoint:
    await say(times=times)
    await audit.sequence_all()
    signed = await audit.checkpoint()
    assert signed is not None
    return signed


async def _turn(kind: str) -> None:
    """The worker's turn for one kind comes round."""
    async with db.writing():
        await db.run("DELETE FROM job WHERE verb LIKE 'custody.%'")
        await jobs.later(VERBS[kind], {}, key=f"every {VERBS[kind]}")
    await jobs.run_due()
    await audit.sequence_all()


async def _standing(kind: str) -> anchors.Standing:
    return next(each for each in await anchors.standings() if each.kind == kind)


async def _stored(kind: str) -> list[dict[str, Any]]:
    return await db.rows("SELECT party, size, note, proof FROM anchor WHERE kind = ? ORDER BY size", kind)


async def test_every_kind_can_be_switched_off_and_says_so(sqlite_house: House) -> None:
    settings.use(replace(sqlite_house.settings, anchor_mail=""))
    await _logged()
    for kind in VERBS:
        await _turn(kind)
        assert await _standing(kind) == anchors.Standing(kind, False, "", None, None, None, "")
    assert await db.rows("SELECT id FROM anchor") == [] and await db.rows("SELECT kind FROM anchor_trouble") == []


async def test_officers_get_one_mail_a_day_however_often_the_worker_starts(house: House) -> None:
    with clock.at(MORNING):
        await hire(OLGA, "privacy-officer")
        await hire(PETRA, "approver")
        signed = await _logged(5)
        for _start in range(3):
            await _turn("mail")
        assert [each.to for each in await _daily_mails()] == [OLGA]
        assert [(each["size"], each["note"]) for each in await _stored("mail")] == [(signed.size, signed.note)]
    with clock.at(MORNING + timedelta(hours=13)):  # still the same day in the controller's time zone
        await _turn("mail")
        assert len(await _daily_mails()) == 1
    with clock.at(MORNING + timedelta(hours=15)):
        await _turn("mail")
        await _turn("mail")
        assert len(await _daily_mails()) == 2
    mailed = await audit.search(event="custody.checkpoint_mailed")
    assert mailed[-1].digest == hashlib.sha256(signed.note.encode()).hexdigest()
    await require_whole()


async def test_the_checkpoint_in_a_kept_mail_checks_the_log_later(sqlite_house: House) -> None:
    await hire(OLGA, "privacy-officer")
    signed = await _logged(5)
    await _turn("mail")
    (mail,) = await _daily_mails()
    assert mail.letter is not None
    ruler = "-" * 64 + "\n"
    _before, kept, after = mail.letter.text.split(ruler)
    assert "portal audit verify --seen FILE" in after and str(await audit.log_key()) in after
    assert kept == signed.note and kept.splitlines()[0] in mail.letter.html
    await _logged(3)
    seen = audit.notes.open_checkpoint(kept, [await audit.log_key()])
    assert (await audit.verify_log(seen=seen)).ok


async def test_a_mail_that_does_not_leave_is_no_anchor_yet(sqlite_house: House) -> None:
    settings.use(replace(sqlite_house.settings, anchor_mail=f"{OLGA}, {PETRA}"))
    await _logged()
    await _turn("mail")
    assert sorted(str(each.to) for each in await _daily_mails()) == [OLGA, PETRA]
    standing = await _standing("mail")
    assert standing.failing_since == standing.made_at and "not left" in standing.why
    async with db.writing():
        await db.run("UPDATE message SET state = 'sent'")
    assert (await _standing("mail")).failing_since is None


async def test_without_anybody_to_write_to_the_page_says_so(sqlite_house: House) -> None:
    await _logged()
    await _turn("mail")
    standing = await _standing("mail")
    assert standing.on and standing.failing_since and "no privacy officer" in standing.why
    await hire(OLGA, "privacy-officer")
    await _turn("mail")
    assert (await db.rows("SELECT kind FROM anchor_trouble")) == [] and len(await _stored("mail")) == 1


async def test_a_timestamp_is_what_openssl_accepts(house: House, tmp_path: Path) -> None:
    with authority(tmp_path / "authority") as by:
        _use(house, timestamp_url=by.url, timestamp_roots=str(by.roots))
        signed = await _logged(5)
        await _turn("timestamp")
        (stored,) = await _stored("timestamp")
        assert (stored["party"], stored["size"], stored["note"]) == (by.url, signed.size, signed.note)
        assert by.verifies(bytes(stored["proof"]), signed.note)
        assert not by.verifies(bytes(stored["proof"]), signed.note + "\n")
        assert len(await audit.search(event="custody.checkpoint_timestamped")) == 1
        await require_whole()


async def test_an_anchor_is_no_reason_for_the_next_one(sqlite_house: House, tmp_path: Path) -> None:
    with authority(tmp_path / "authority") as by:
        _use(sqlite_house, timestamp_url=by.url, timestamp_roots=str(by.roots))
        await _logged()
        for _round in range(3):
            await _turn("timestamp")
        assert len(by.asked) == 1
        await _logged()
        await _turn("timestamp")
        assert len(by.asked) == 2 and len(await _stored("timestamp")) == 2


async def test_an_authority_that_proves_nothing_is_not_believed_and_the_page_says_since_when(
    sqlite_house: House, tmp_path: Path
) -> None:
    with authority(tmp_path / "authority") as by:
        _use(sqlite_house, timestamp_url=by.url, timestamp_roots=str(by.roots))
        await _logged()
        await _turn("timestamp")
        for number, mode in enumerate(("earlier", "nonsense", "away")):
            by.mode = mode
            await _logged()
            with clock.at(MORNING + timedelta(hours=number)):
                await _turn("timestamp")
            standing = await _standing("timestamp")
            assert standing.failing_since and standing.failing_since.replace(microsecond=0) == MORNING and standing.why, mode
            assert len(await _stored("timestamp")) == 1, mode
        by.mode = "right"
        await _turn("timestamp")
        standing = await _standing("timestamp")
        assert (standing.failing_since, standing.why, len(await _stored("timestamp"))) == (None, "", 2)


@pytest.mark.parametrize("wrong", ["another root", "no roots", "no time stamper", "not there"])
async def test_an_authority_that_is_not_ours_is_refused(sqlite_house: House, tmp_path: Path, wrong: str) -> None:
    usage = "serverAuth" if wrong == "no time stamper" else "critical,timeStamping"
    with authority(tmp_path / "other") as other, authority(tmp_path / "authority", usage) as by:
        roots = {"another root": str(other.roots), "no roots": ""}.get(wrong, str(by.roots))
        url = "http://127.0.0.1:1/" if wrong == "not there" else by.url
        _use(sqlite_house, timestamp_url=url, timestamp_roots=roots)
        await _logged()
        await _turn("timestamp")
        assert await _stored("timestamp") == [] and (await _standing("timestamp")).failing_since


async def test_a_failing_anchor_is_tried_again_with_longer_pauses_and_stops_nothing(sqlite_house: House) -> None:
    _use(sqlite_house, timestamp_url="http://127.0.0.1:1/", timestamp_roots="nowhere.pem")
    await _logged()
    async with db.writing():
        await jobs.later(VERBS["timestamp"], {}, key=f"every {VERBS['timestamp']}", every=timedelta(hours=1))
    waits, now = list[int](), clock.now()
    for _try in range(4):
        with clock.at(now):
            await jobs.run_due()
        job = await db.row("SELECT due_at FROM job WHERE state = 'waiting'")
        assert job is not None
        waits.append(int((clock.from_micros(job["due_at"]) - now).total_seconds()))
        now = clock.from_micros(job["due_at"])
    assert waits == sorted(waits) and waits[-1] > waits[0], waits
    await _logged()
    await require_whole()


async def test_a_witness_sees_the_log_grow_and_cosigns(house: House) -> None:
    first = await _logged(3)
    key = await audit.log_key()
    with serving(Witness({first.origin: key.public})) as witness:
        _use(house, witness_url=witness.url, witness_key=witness.verifier_key)
        for more in (0, 4, 300, 1):
            signed = await _logged(more) if more else first
            await _turn("witness")
            assert witness.seen[signed.origin] == (signed.size, signed.root)
        stored = await _stored("witness")
        assert len(stored) == 4 and [each["size"] for each in stored] == [int(each.split("\n")[-5]) for each in witness.asked]
        keys = [key, audit.notes.VerifierKey.parse(witness.verifier_key)]
        for each in stored:
            assert each["note"] in (cosigned := bytes(each["proof"]).decode())
            assert audit.notes.open_note(cosigned, keys) == [key.name, witness.name]
        assert [each.split("\n")[0] for each in witness.asked] == [f"old {size}" for size in [0, *_sizes(stored)[:-1]]]
        assert len(await audit.search(event="custody.checkpoint_witnessed")) == 4
        await require_whole()


async def test_a_witness_that_knows_more_than_we_remember_tells_us_from_where(sqlite_house: House) -> None:
    signed = await _logged(3)
    with serving(Witness({signed.origin: (await audit.log_key()).public})) as witness:
        _use(sqlite_house, witness_url=witness.url, witness_key=witness.verifier_key)
        await _turn("witness")
        async with db.writing():
            await db.run("DELETE FROM anchor")
        await _logged(2)
        await _turn("witness")
        assert [each.split("\n")[0] for each in witness.asked] == ["old 0", "old 0", "old 3"]
        assert len(await _stored("witness")) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("silent", "500"),
        ("forged", "not acceptable"),
        ("timeless", "names no time"),
        ("stranger", "without its signature"),
        ("unknown log", "does not know this log"),
        ("another key", "does not accept our signature"),
        ("larger", "older copy"),
        ("fork", "not a continuation"),
        ("log's key", "PORTAL_WITNESS_KEY"),
        ("no key", "PORTAL_WITNESS_KEY"),
    ],
)
async def test_what_a_witness_does_not_confirm_is_not_kept(sqlite_house: House, wrong: str, told: str) -> None:
    signed = await _logged(5)
    key = await audit.log_key()
    known = {} if wrong == "unknown log" else {signed.origin: b"\1" * 32 if wrong == "another key" else key.public}
    mode = wrong if wrong in ("silent", "forged", "timeless", "stranger") else "right"
    with serving(Witness(known, mode=mode)) as witness:
        if wrong in ("larger", "fork"):
            witness.seen[signed.origin] = (900 if wrong == "larger" else 3, b"\7" * 32)
        given = {"log's key": str(key), "no key": ""}.get(wrong, witness.verifier_key)
        _use(sqlite_house, witness_url=witness.url, witness_key=given)
        await _turn("witness")
    standing = await _standing("witness")
    assert await _stored("witness") == [] and standing.failing_since and told in standing.why, standing
    await _logged()
    await require_whole()


def _use(house: House, **given: Any) -> None:
    settings.use(replace(house.settings, anchor_mail="", outbound_allow="127.0.0.0/8", **given))


def _sizes(stored: list[dict[str, Any]]) -> list[int]:
    return [int(each["size"]) for each in stored]


async def _daily_mails() -> list[messages.Copy]:
    return [each for each in await messages.mailbox() if each.template == "mail/checkpoint"]
