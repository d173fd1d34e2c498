"""Makes the demo company in an empty portal: its texts, its officers, its customers, its systems and its open requests."""

import base64
import hashlib
import shutil
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pyotp
from rich.progress import Progress

from portal import consent, documents, identity, settings, statement
from portal.demo import choices, people, requests, shops
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
    if await documents.keys("statement"):
        return False
    now = clock.now()
    customers = people.customers(SEED, now.date())
    connect(settings.get().var, customers, now)
    story = Story()
    _tell_texts(story, now)
    for number, name in enumerate(OFFICERS):
        story.at(now - timedelta(days=400 - number), partial(_come_in, name))
    choices.tell(story, customers, SEED, now)
    requests.tell(story, customers, {name: address for name, (_full, address, _roles) in OFFICERS.items()}, now)
    with Progress() as bar:
        task = bar.add_task("Making the demo company", total=len(story.acts))
        await story.play(lambda: bar.advance(task))
    return True


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
