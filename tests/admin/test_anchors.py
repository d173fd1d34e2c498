"""The officers' audit page says of each anchor whether it is on, how far it reaches, and since when it fails."""

from dataclasses import replace
from datetime import UTC, datetime

from portal import audit, db, jobs, settings
from portal.lib import clock
from tests.people import Browser


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
