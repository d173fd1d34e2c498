"""A receiver of webhooks, connected to hear of back-in-stock mails; people in competitions come from it."""

from dataclasses import replace
from pathlib import Path

from portal import audit, consent, settings
from tests.conftest import House
from tests.connectors.receiver import Receiver, listed, write_list


def connect_hooks(house: House, folder: Path, receiver: Receiver, *, every: bool = False) -> None:
    """`every`: it hears of all purposes, and hands in itself what people say at the checkout."""
    inbound = ('inbound_secret_variable = "HOOK_SECRET"', 'inbound_sources = ["checkout"]', 'inbound_grade = "self"')
    about = inbound if every else ('purposes = ["back-in-stock"]',)
    ours = listed("hooks", receiver.url, *about, 'channels = ["email"]', 'sources = ["competition"]')
    settings.use(replace(house.settings, systems=write_list(folder, ours), outbound_allow="127.0.0.0/8"))


async def tell_hooks() -> None:
    await audit.sequence_all()
    while (await consent.propagation.propagate_once("hooks")).more:
        pass


def heard(receiver: Receiver) -> list[tuple[str, str, bool]]:
    return [(message.address, message.data["purpose"], message.data["allowed"]) for message in receiver.taken]
