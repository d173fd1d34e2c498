"""The officers' audit page says of each anchor whether it is on, how far it reaches, and since when it fails; and gives it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from portal import audit, db, jobs, settings
from portal.lib import clock
from tests.custody.authority import authority
from tests.custody.witnesses import Witness, serving
from tests.people import OLGA, Browser, hire


async def test_each_anchor_says_how_it_fares(olga: Browser) -> None:
    settings.use(
        replace(settings.get(), timestamp_url="http://127.0.0.1:1/", timestamp_roots="none.pem", outbound_allow="127.0.0.0/8")
    )
    await audit.sequence_all()
    signed = await audit.checkpoint()
    assert signed is not None
    with clock.at(datetime(2026, 11, 2, 8, 0, tzinfo=UTC)):
        async with db.writing():
            await jobs.later("custody.mail_checkpoint", {})
            await jobs.later("custody.timestamp_checkpoint", {})
            await db.run("UPDATE message SET state = 'sent'")
        await jobs.run_due()
    async with db.writing():
        await db.run("UPDATE message SET state = 'sent'")
    page = (await olga.get("/admin/audit")).text
    _before, _found, section = page.partition('id="anchors"')
    mail, stamp, witness = section.split("<tr>")[2:]
    assert "In order" in mail and f">{signed.size}<" in mail and "2 November 2026" in mail
    assert "Fails" in stamp and "since 2 November 2026" in stamp and "PORTAL_TIMESTAMP_ROOTS" in stamp and "never" in stamp
    assert "Off" in witness and "never" in witness


async def test_what_others_signed_is_downloaded_and_checked_without_us(vik: Browser, tmp_path: Path) -> None:
    await hire(OLGA, "privacy-officer")  # who gets the mail
    key = await audit.log_key()
    await audit.sequence_all()
    signed = await audit.checkpoint()
    assert signed is not None
    with authority(tmp_path / "authority") as by, serving(Witness({key.name: key.public})) as witness:
        given = replace(settings.get(), timestamp_url=by.url, timestamp_roots=str(by.roots), outbound_allow="127.0.0.0/8")
        settings.use(replace(given, witness_url=witness.url, witness_key=witness.verifier_key))
        async with db.writing():
            for verb in ("mail", "timestamp", "witness"):
                await jobs.later(f"custody.{verb}_checkpoint", {})
        await jobs.run_due()
        _before, _found, section = (await vik.get("/admin/audit")).text.partition('id="anchors"')
        stamp, note, cosigned = re.findall(r'href="(/admin/audit/anchors/[^"]+)" download', section)
        assert by.verifies((await vik.get(stamp)).content, (await vik.get(note)).text)
    keys = [key, audit.notes.VerifierKey.parse(witness.verifier_key)]
    assert audit.notes.open_note((await vik.get(cosigned)).text, keys) == [key.name, witness.name]
    names = [(await vik.get(each)).headers["content-disposition"].partition("filename=")[2] for each in (stamp, note, cosigned)]
    size = signed.size
    assert names == [f'"checkpoint-{size}.tsr"', f'"checkpoint-{size}.txt"', f'"checkpoint-{size}-witnessed.txt"']
    mailed = await db.row("SELECT id FROM anchor WHERE kind = 'mail'")
    assert mailed and (await vik.get(f"/admin/audit/anchors/{mailed['id']}")).status_code == 404
    async with Browser() as stranger:
        assert (await stranger.get(stamp, follow_redirects=False)).status_code == 303
