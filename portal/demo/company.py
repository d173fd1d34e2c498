"""Makes the demo company in an empty portal: its texts, its officers, its customers, its systems and its open requests."""

import asyncio
import base64
import gc
import hashlib
import shutil
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pyotp
from rich.progress import Progress

from portal import consent, identity, paper, settings, statement
from portal.demo import choices, people, requests, shops
from portal.demo.once import once
from portal.demo.story import Story
from portal.lib import clock

SEED = 7
PASSWORD = "blue birds read at night"  # noqa: S105  # public, like everything in the demo
OFFICERS = {
    "olga": ("Olga Munteanu", "olga@bluebird.example.com", ["owner", "privacy-officer"]),
    "petra": ("Petra Ilieș", "petra@bluebird.example.com", ["approver"]),
    "vik": ("Vik Sharma", "vik@bluebird.example.com", ["auditor"]),
}


def totp_secret(name: str) -> str:
    """The demo officers' second factor: known to everybody, as everything in the demo."""
    return base64.b32encode(hashlib.sha256(f"demo {name}".encode()).digest()[:20]).decode()


async def make() -> bool:
    """Make the company; False when the portal has one already."""
    gc.disable()  # a tenth of the time, and this process ends soon
    try:
        return await once(_make)
    finally:
        gc.enable()


async def _make() -> None:
    # The printer starts slowly, and beside us: it is ready when the first paper is wanted.
    warming = asyncio.create_task(paper.pdf("<html lang=en><title>Blue Bird Books</title></html>"))
    now = clock.now()
    customers = people.customers(SEED, now.date())
    connect(settings.get().var, customers, now)
    story = tell(customers, now)
    with Progress() as bar:
        task = bar.add_task("Making the demo company", total=len(story.acts))
        await story.play(lambda: bar.advance(task))
    await warming


def tell(customers: list[people.Customer], now: datetime) -> Story:
    """All that happened, up to `now`."""
    story = Story()
    _tell_texts(story, now)
    for number, name in enumerate(OFFICERS):
        story.at(now - timedelta(days=400 - number), partial(_come_in, name), alone=True)
    choices.tell(story, customers, SEED, now)
    requests.tell(story, customers, {name: address for name, (_full, address, _roles) in OFFICERS.items()}, now)
    return story


def connect(var: Path, customers: list[people.Customer], now: datetime) -> None:
    """The shop and the newsletter service, with the maps by which the portal reads them."""
    folder = var / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(Path(__file__).parent / "maps", folder)
    shops.build_shop(folder / "shop.db", customers, SEED, now.date())
    shops.build_newsletter(folder / "newsletter.db", customers, SEED, now.date())
    shutil.move(folder / "systems.toml", var / "systems.toml")


def _tell_texts(story: Story, now: datetime) -> None:
    earlier = settings.get().policies / "demo" / "statement"

    async def first() -> None:
        await statement.publish_all("system", why="The first texts.")

    async def older_statement() -> None:
        await consent.publish_purposes("system", why="The first purposes.")
        await statement.publish("system", folder=earlier, why="The first version.")

    story.at(now - timedelta(days=1530), older_statement)
    story.at(now - timedelta(days=120), first)


async def _come_in(name: str) -> None:
    full, address, roles = OFFICERS[name]
    invitation = await identity.invite(address, name=full, roles=roles, by=None)
    setup = await identity.accept(invitation.link.rsplit("/", 1)[1], PASSWORD, totp_secret=totp_secret(name))
    await identity.second_factor(setup.half, pyotp.TOTP(totp_secret(name)).at(clock.now()))


def announce() -> None:
    """Where to click: printed by `make run`."""
    address, now = settings.get().base_url, clock.now()
    torn = choices.conflicted(people.customers(SEED, now.date()), now)
    print(f"""
  The portal is at        {address}
  As a customer           sign in as {torn.email}
                          (said yes with an order in January, no in a competition in March)
  As an officer           {address}/admin   password: {PASSWORD}
                          olga@bluebird.example.com (privacy officer), petra@… (approver), vik@… (auditor)
                          second factor: {address}/demo/codes shows everybody's code of the moment
  Outgoing mail           {address}/demo/mailbox
""")
