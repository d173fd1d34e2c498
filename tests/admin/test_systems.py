"""The officers' page of connected systems: how each fares, what it was told, and telling it again."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from portal import audit, consent, settings
from portal.lib import clock
from tests.cases.shops import Company
from tests.connectors.receiver import SECRET, listed, receiving, write_list
from tests.consent.people import known, say
from tests.people import Browser, go_to_work, hire


async def test_an_officer_sees_what_a_system_did_not_take_and_an_owner_tells_it_again(
    company: Company, olga: Browser, vik: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    async with receiving() as receiver, Browser() as owner:
        await go_to_work(owner, await hire("owner@example.com", "owner"))
        connected = write_list(tmp_path, listed("letters", receiver.url, 'purposes = ["back-in-stock"]'))
        settings.use(replace(settings.get(), systems=connected, outbound_allow="127.0.0.0/8"))
        receiver.answer = lambda message: 500
        ana = await known("email", "ana@example.com")
        await say(ana, "yes")
        await _tell()
        assert "In order" in (await olga.get("/admin/systems")).text
        with clock.at(clock.now() + timedelta(hours=2)):
            await _tell()
            async with Browser() as later:  # two hours later the first session is over
                await go_to_work(later, await hire("petra@example.com", "privacy-officer"))
                for path in ("/admin", "/admin/systems", f"/admin/people/{ana.subject}"):
                    text = (await later.get(path)).text
                    assert "Letters" in text, path
                    assert "may still use" in text or "Does not take everything" in text, path
        page = await olga.get("/admin/systems/letters")
        assert "It did not take the message (500)." in page.text and "Tell again" not in page.text
        assert "next try" in (await olga.get("/admin/systems/letters?show=waiting")).text
        assert (await olga.post("/admin/systems/letters/replay", data={"from": "0"})).status_code == 403
        assert (await vik.get("/admin/systems")).status_code == 200
        for wrong in ("", "x", "-1", "9" * 16, "²"):
            page = await owner.post("/admin/systems/letters/replay", data={"from": wrong})
            assert page.status_code == 422 and "Enter a whole number." in page.text
        assert (await owner.post("/admin/systems/letters/replay", data={"from": "999999"})).status_code == 409
        assert (await owner.post("/admin/systems/nobody/replay", data={"from": "0"})).status_code == 404
        receiver.answer = lambda message: 200
        page = await owner.post("/admin/systems/letters/replay", data={"from": "0"})
        assert page.url.path == "/admin/systems/letters" and page.status_code == 200
        await _tell()
        assert receiver.taken
        assert "In order" in (await olga.get("/admin/systems")).text
        assert len(await audit.search(event="system.replayed")) == 1


async def _tell() -> None:
    await audit.sequence_all()
    while (await consent.propagation.propagate_once("letters")).more:
        pass
