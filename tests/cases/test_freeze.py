"""What a snapshot says about each kind of data: what it is used for, how long it is kept, and who receives it."""

from portal import cases, consent, db, jobs
from portal.cases.snapshot import Category, Snapshot, System
from tests.cases.shops import ANA, OLGA, Company, ask, collected, prove


async def frozen_with_categories(company: Company, language: str = "en") -> Snapshot:
    """A copy for Ana, from systems whose maps use the names of published purposes and rules."""
    for file, old, new in (("news", "marketing", "newsletter"), ("shop", "purchases", "invoices")):
        path = company.folder / f"{file}.toml"
        path.write_text(path.read_text().replace(f'category = "{old}"', f'category = "{new}"'))
    async with db.writing():
        await consent.publish_purposes("officer:petra")
    case_id = await second_request(language)
    await cases.propose(case_id, officer=OLGA)
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    return snapshot


async def second_request(language: str) -> str:
    await prove(await ask("access"))  # an earlier request: the portal has something to show as well
    opened = await cases.open("access", ANA, language=language)
    await prove(opened)
    await cases.collect(opened.id, officer=OLGA)
    await jobs.run_due()
    return opened.id


def system(snapshot: Snapshot, name: str) -> System:
    return next(each for each in snapshot.systems if each.name == name)


def category(snapshot: Snapshot, of: str, name: str) -> Category:
    return next(each for each in system(snapshot, of).categories if each.name == name)


async def test_data_under_a_purposes_name_is_used_and_kept_as_the_purpose_says(company: Company) -> None:
    letters = category(await frozen_with_categories(company), "news", "newsletter")
    assert letters.purposes == ("Newsletter",)
    assert letters.retention == "Until you stop it; proof of your choice 3 years longer."


async def test_data_under_a_rules_name_is_kept_by_the_rule_for_the_purposes_it_binds(company: Company) -> None:
    invoices = category(await frozen_with_categories(company), "shop", "invoices")
    assert invoices.purposes == ("Your orders",)
    assert invoices.retention == ("5 years from 1 July of the year after the invoice, because accounting law obliges us to")


async def test_recipients_stand_by_name_at_the_systems_whose_data_they_get(company: Company) -> None:
    snapshot = await frozen_with_categories(company)
    assert {each.name: each.recipients for each in snapshot.systems} == {
        "shop": ("Cocor Curier SA", "Banca Feleacului SA"),
        "news": ("Columba Mail SRL",),
        "portal": (),
    }


async def test_the_portals_own_records_serve_as_proof_and_not_the_purposes_they_tell_of(company: Company) -> None:
    requests = category(await frozen_with_categories(company), "portal", "requests")
    assert (requests.purposes, requests.retention) == ((), "3 years from our answer, to show that we answered, and how")


async def test_nothing_is_made_up_about_data_that_no_text_names(company: Company) -> None:
    contact = category(await frozen_with_categories(company), "shop", "contact")
    assert (contact.purposes, contact.retention) == ((), "")


async def test_it_is_said_in_the_persons_language(company: Company) -> None:
    letters = category(await frozen_with_categories(company, "ro"), "news", "newsletter")
    assert letters.purposes == ("Buletin informativ",)
    assert letters.retention == "Până îl opriți; dovada alegerii dumneavoastră încă 3 ani."


async def test_without_published_purposes_the_rule_still_says_how_long(company: Company) -> None:
    path = company.folder / "shop.toml"
    path.write_text(path.read_text().replace('category = "purchases"', 'category = "invoices"'))
    case_id = await collected("access")
    await cases.propose(case_id, officer=OLGA)
    snapshot = await cases.frozen(case_id)
    assert snapshot is not None
    invoices = category(snapshot, "shop", "invoices")
    assert invoices.purposes == () and invoices.retention.startswith("5 years from 1 July")
