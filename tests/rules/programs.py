"""What other programs send: choices, questions and lists with a key, and what a system signs itself."""

from dataclasses import replace
from pathlib import Path

from portal import identity, settings
from portal.lib import clock
from tests.api.machines import Machine, key, question, said
from tests.api.sender import SECRET, Sender
from tests.people import ANA
from tests.rules.watch import Watch


async def hand_in_and_ask(watch: Watch) -> None:
    async with Machine(await key(*identity.SCOPES)) as shop:
        await watch.send(shop, "/api/v1/decisions", said(ANA))
        await watch.send(shop, "/api/v1/permissions/check", question(ANA))
        await watch.send(shop, "/api/v1/requests", {"identifier": {"email": "asks@example.com"}, "rights": ["access"]})
        where, lists = "?purpose=back-in-stock&channel=email", "email,answer\nlist@example.com,no\n"
        planned = await watch.send_list(shop, "/api/v1/imports" + where, lists)
        await watch.send_list(shop, f"/api/v1/imports/{planned.json()['id']}/commit", lists)
        await watch.send_list(shop, f"/api/v1/imports/{planned.json()['id']}/undo", "")
        await watch.send_list(shop, "/api/v1/permissions/scrub" + where, lists)
    await _hand_in_signed(watch)


async def _hand_in_signed(watch: Watch) -> None:
    """The shop signs what it hands in."""
    path = Path(settings.get().systems)
    (path.parent / "inbound.secret").write_text(SECRET)
    inbound = 'inbound_secret_file = "inbound.secret"\ninbound_sources = ["checkout"]\ninbound_grade = "self"\n'
    path.write_text(path.read_text().replace('name = "shop"\n', 'name = "shop"\n' + inbound, 1))
    settings.use(replace(settings.get()))
    async with Machine() as machine, watch.noting("/api/v1/inbound/{system}"):
        body = said("handed.in@example.com", "no", said_at=clock.rfc3339(clock.now()))
        answer = await Sender(machine, system="shop").send("msg_1", body)
        assert answer.status_code == 200, answer.text
