"""What it would have answered beside what officers answered: one answer that differs keeps it from acting."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal import cases, db, jobs, settings
from portal.cases import states, switches
from portal.lib import clock
from portal.lib.errors import Conflict
from tests.cases.autopilot_steps import (
    LATER,
    OWNER,
    acting,
    an_hour_later,
    asked,
    comes_back,
    searched,
    state,
    waits_for_news,
    watched,
    watching,
)
from tests.cases.shops import BEN, OLGA, SYSTEMS, Company, answer, visit
from tests.conftest import on_both


async def test_an_officers_answer_with_something_taken_out_is_another_one(company: Company) -> None:
    await watching()
    case_id = await searched(await asked())
    found = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "customer")
    await cases.redact(case_id, found.id, 0, "name", reason="third party", officer=OLGA)
    await answer(case_id, "partly", "Your name is not yours alone.")
    assert (await watched()).other == (case_id,)
    with clock.at(clock.now() + LATER), pytest.raises(Conflict, match="another answer"):
        await switches.act("access", "shop", officer=OWNER)


async def test_an_answer_proposed_but_not_approved_proves_nothing_yet(company: Company) -> None:
    await watching()
    case_id = await searched(await asked())
    await cases.triage(case_id, officer=OLGA, flags=["third party"])
    await cases.review(case_id, officer=OLGA)
    await cases.propose(case_id, officer=OLGA)
    assert await state(case_id) == states.APPROVING and (await watched()).same == 0


async def test_what_officers_searched_again_and_answered_otherwise_counts_as_another_answer(company: Company) -> None:
    await watching()
    case_id = await searched(await asked())
    assert (await watched()).waiting == 1
    company.run("shop", "UPDATE customer SET name = 'Benjamin Lee' WHERE id = 2;")
    await searched(case_id)
    await answer(case_id, "partly", "Your invoices are with our tax adviser.")
    assert case_id in (await watched()).other


async def test_what_was_reopened_and_answered_otherwise_counts_as_another_answer(company: Company) -> None:
    await watching()
    case_id = await searched(await asked())
    await answer(case_id)
    assert (await watched()).same == 1
    with clock.at(clock.now() + timedelta(days=40)):
        await cases.close(case_id, "fulfilled", officer=OLGA)
        await cases.reopen(case_id, officer=OLGA)
        await searched(case_id)
        await answer(case_id, "partly", "Your invoices are with our tax adviser.")
        assert case_id in (await switches.watched("access", clock.now() - timedelta(days=41))).other
        with pytest.raises(Conflict, match="another answer"):
            await switches.act("access", "shop", officer=OWNER)


@on_both
async def test_one_other_answer_is_not_hidden_by_a_thousand_that_it_left(company: Company) -> None:
    await watching()
    other = await searched(await asked())
    await answer(other, "partly", "Your invoices are with our tax adviser.")
    later = clock.micros(clock.now() + timedelta(hours=1))
    async with db.writing():
        await db.many(
            "INSERT INTO autopilot_note (case_id, round, asked_for, at, digest, acted) VALUES (?, ?, 'access', ?, '', 0)",
            [(other, 1000 + number, later) for number in range(1001)],
        )
    with clock.at(clock.now() + timedelta(hours=2)):
        assert (await watched()).other == (other,)


async def test_a_field_that_stands_twice_in_one_system_is_an_officers(company: Company) -> None:
    await acting("rectification", name="Benjamin Lee")
    company.run("shop", "INSERT INTO customer VALUES (9, 'ben@example.com', NULL, 'Carla Lee');")
    details = {"changes": {"name": "Zed"}, "old": {"name": "Carla Lee"}}
    case_id = (await cases.open_for(await visit(BEN), "rectification", language="en", details=details)).id
    await an_hour_later()
    assert await state(case_id) == states.REVIEWING
    assert company.rows("shop", "SELECT name FROM customer WHERE id IN (2, 9) ORDER BY id") == [("Benjamin Lee",), ("Carla Lee",)]


async def test_an_address_in_the_key_of_a_row_is_an_officers(company: Company) -> None:
    await acting()
    company.run(
        "shop",
        "CREATE TABLE basket (name VARCHAR(80) PRIMARY KEY, customer_id INTEGER REFERENCES customer (id), item VARCHAR(80));"
        " INSERT INTO basket VALUES ('of mallory@example.com', 2, 'Jam');",
    )
    rules = company.folder / "shop.toml"
    basket = """
[tables.basket]
label = "Basket"
category = "purchases"
via = "basket.customer_id = customer.id"
columns = { item = "Item" }
on_erase = "delete"
"""
    rules.write_text(rules.read_text() + basket)
    case_id = await asked()
    await jobs.run_due()
    assert await state(case_id) == states.REVIEWING


async def test_a_system_that_left_the_list_after_it_was_asked_leaves_the_answer_to_officers(company: Company) -> None:
    await acting()
    case_id = await asked()
    await waits_for_news(company, case_id)
    await switches.stop("access", "shop", officer=OWNER)
    (company.folder / "fewer.toml").write_text("[[system]]" + SYSTEMS.split("[[system]]")[2])
    settings.use(replace(settings.get(), systems=str(company.folder / "fewer.toml")))
    await comes_back(company)
    assert await state(case_id) == states.REVIEWING
    assert await switches.acted("access", clock.now() - timedelta(days=1)) == 0
