"""The machine's clock is set back while people work: what they had open can be sent, and nothing lives longer for it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from portal import identity
from portal.identity import sessions
from portal.lib import clock
from portal.lib.errors import NotAllowed
from tests.conftest import House, on_both
from tests.consent.people import allowed, known, publish
from tests.identity.people import HERS, ask, code_in_mail, half_session, officer, running, secret_in_mail, signed_in, totp_at
from tests.people import ANA, BEN, Browser, go_to_work, hire, sign_in

STEPS = [timedelta(minutes=20), timedelta(hours=1), timedelta(days=1)]
MINUTE = timedelta(minutes=1)


class Machine:
    """Its clock can be set; and time passes, which no setting of the clock can hide."""

    def __init__(self) -> None:
        self.set_by = self.passed = timedelta()
        self._now, self._running = clock._machines, clock._running

    def now(self) -> datetime:
        return datetime.now(UTC) + self.set_by + self.passed

    def running(self) -> float:
        return self._running() + self.passed.total_seconds()

    def begin_anew(self) -> None:
        """As a process that was started now."""
        clock._reading = self.now(), self.running()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    machine = Machine()
    monkeypatch.setattr(clock, "_reading", clock._reading)
    monkeypatch.setattr(clock, "_machines", machine.now)
    monkeypatch.setattr(clock, "_running", machine.running)
    yield machine


@pytest.mark.parametrize("step", STEPS)
async def test_a_page_that_was_open_can_be_sent(house: House, machine: Machine, step: timedelta) -> None:
    with clock.at(clock.now() - timedelta(days=3)):
        await publish()
    async with Browser() as hers, Browser() as his:
        await sign_in(hers, ANA)
        boss = await hire("boss@example.com", "owner")
        await go_to_work(his, boss)
        page = (await hers.get("/preferences")).text
        [square] = re.findall(r'action="(/preferences/back-in-stock/email[^"]*)"', page)
        assert (await his.get("/admin/keys")).status_code == 200
        machine.set_by -= step
        sent = await hers.post(unescape(square), data={"answer": "no"})
        assert sent.status_code == 200, sent.text
        assert not await allowed(await known("email", ANA))
        made = {"label": "Shop", "scopes": ["decisions:write"], "sources": ["checkout"], "grade": "self"}
        assert "never be shown again" in (await his.post("/admin/keys", data=made)).text


@on_both
@pytest.mark.parametrize("step", STEPS)
async def test_a_session_ends_when_it_would_have(house: House, machine: Machine, step: timedelta) -> None:
    idle, busy = await signed_in(), await signed_in()
    machine.passed += 10 * MINUTE
    machine.set_by -= step
    assert identity.fresh(await running(idle)) is False
    for _each in range(19):
        machine.passed += MINUTE
        assert await identity.session(busy, "customer")
    assert await identity.session(idle, "customer")
    machine.passed += 31 * MINUTE
    machine.set_by -= MINUTE
    assert await identity.session(idle, "customer") is None
    assert await identity.session(busy, "customer") is None


@pytest.mark.parametrize("step", STEPS)
async def test_the_longest_session_is_no_longer(house: House, machine: Machine, step: timedelta) -> None:
    token = await signed_in()
    for each in range(1, 36):
        machine.passed += 20 * MINUTE
        machine.set_by -= step * (each == 3)
        assert await identity.session(token, "customer")
    machine.passed += 21 * MINUTE
    assert await identity.session(token, "customer") is None


@pytest.mark.parametrize("step", STEPS)
async def test_a_proof_is_fresh_for_ten_minutes_and_not_longer(house: House, machine: Machine, step: timedelta) -> None:
    token = await signed_in()
    machine.set_by -= step
    assert identity.fresh(await running(token))
    machine.passed += sessions.FRESH + MINUTE
    assert not identity.fresh(await running(token))


@on_both
@pytest.mark.parametrize("step", STEPS)
async def test_a_code_on_its_way_is_good_for_its_ten_minutes(house: House, machine: Machine, step: timedelta) -> None:
    asked = await ask()
    code, secret = await code_in_mail(), await secret_in_mail()
    machine.set_by -= step
    machine.passed += 9 * MINUTE
    assert (await identity.landing(secret, HERS)).same_browser
    machine.passed += 2 * MINUTE
    for attempt in (identity.prove_code(asked.id, code, browser=HERS), identity.prove_link(secret, HERS)):
        with pytest.raises(NotAllowed, match="too old"):
            await attempt


@pytest.mark.parametrize("seen", [True, False])
async def test_what_a_new_process_finds_in_its_future_has_ended_for_good(house: House, machine: Machine, seen: bool) -> None:
    token = await signed_in()
    machine.set_by -= timedelta(hours=1)
    machine.begin_anew()
    if seen:
        assert await identity.session(token, "customer") is None
    else:
        ben = await known("email", BEN)
        await identity.open_session(subject=ben.subject, identifier=ben.id)
    machine.passed += timedelta(minutes=61)
    assert await identity.session(token, "customer") is None


async def test_set_forward_and_right_again_ends_nothing_that_began_since(house: House, machine: Machine) -> None:
    before = await signed_in()
    machine.set_by += timedelta(days=40)
    assert await identity.session(before, "customer") is None
    token = await signed_in()
    machine.set_by -= timedelta(days=40)
    assert await identity.session(token, "customer")
    machine.passed += 31 * MINUTE
    assert await identity.session(token, "customer") is None


@on_both
async def test_half_a_sign_in_from_the_future_has_ended_too(house: House, machine: Machine) -> None:
    half = await half_session(await officer("olga@example.com", "owner"))
    machine.set_by -= timedelta(hours=1)
    machine.begin_anew()
    with pytest.raises(NotAllowed, match="sign in again with your password"):
        await identity.second_factor(half, totp_at(clock.now()))
    with pytest.raises(NotAllowed):
        await identity.pending_setup(half)
