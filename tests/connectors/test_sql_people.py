"""Finding the same person however an address was typed; corrections and consent in a SQL database."""

from pathlib import Path

import pytest

from portal.connectors import Cell, ConnectorError, RowName
from tests.connectors import shop

NEWS = Cell("newsletter", "email")


@pytest.mark.parametrize(
    ("kind", "asked", "stored"),
    [
        ("email", "ana@example.com", " ANA@Example.COM "),
        ("email", "ștefan@example.com", "ȘTEFAN@example.com"),
        ("email", "ana@xn--mnchen-3ya.example", "ana@münchen.example"),
        ("email", "ana@münchen.example", "ana@XN--mnchen-3ya.example"),
        ("phone", "+40712345678", "+40 (712) 345-678"),
        ("phone", "+40712345678", "0040 712.345.678"),
        ("phone", "+40712345678", "0712 345 678"),
        ("phone", "+442079460000", "+44 (0)20 7946 0000"),
        ("account", "A-17", " A-17 "),
    ],
)
async def test_an_identifier_is_found_however_it_was_typed(
    address: str, tmp_path: Path, kind: str, asked: str, stored: str
) -> None:
    assert await _found(address, tmp_path, kind, asked, stored) == [1]


@pytest.mark.parametrize(
    ("kind", "asked", "stored"),
    [
        ("email", "ana@example.com", "susana@example.com"),
        ("email", "a_a@example.com", "ana@example.com"),
        ("email", "%", "ana@example.com"),
        ("email", "", ""),
        ("phone", "+40712345678", "+40712345679"),
        ("phone", "+44712345678", "0712345678"),
        ("phone", "+", "-"),
        ("phone", "+40", "40"),
        ("account", "A-17", "a-17"),
    ],
)
async def test_another_identifier_is_not_taken_for_the_same(
    address: str, tmp_path: Path, kind: str, asked: str, stored: str
) -> None:
    assert await _found(address, tmp_path, kind, asked, stored) == []


async def _found(address: str, tmp_path: Path, kind: str, asked: str, stored: str) -> list[int]:
    shop.run(address, "CREATE TABLE person (id INTEGER PRIMARY KEY, who VARCHAR(60), other INTEGER)")
    statement = f"INSERT INTO person VALUES (1, '{stored}', 40712345678 % 1000)"
    with shop.opened(address) as connection:
        connection.exec_driver_sql(statement if address.startswith("sqlite") else statement.replace("%", "%%"))
    text = f"""region = "RO"
    [tables.person]
    label = "Person"
    category = "contact"
    identifiers = {{ {kind} = "who" }}
    on_erase = "delete"
    """
    found = await shop.connected(address, text, tmp_path).find({kind: [asked]})
    return [finding.key["id"] for finding in found]


async def test_a_correction_fits_the_type_of_its_column_or_is_refused(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    outcome = await connector.correct(shop.ANA, {"born": "1991-03-04", "name": None})
    assert {(change.field, change.old, change.new) for change in outcome.changed} == {
        ("born", "1990-02-01", "1991-03-04"),
        ("name", "Ana", None),
    }
    if address.startswith("postgres"):
        with pytest.raises(ConnectorError, match="cannot hold this value") as refused:
            await connector.correct(shop.ANA, {"name": "Ana", "born": "yesterday"})
        assert refused.value.permanent
        assert [row[0] for row in shop.rows(address, "SELECT full_name FROM customer WHERE id = 1")] == [None]


async def test_a_correction_against_their_rules_is_refused_without_naming_anybody(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with pytest.raises(ConnectorError) as refused:
        await connector.correct(shop.ANA, {"name": "Ana B", "email": "ben@example.com"})
    assert refused.value.permanent
    assert "ben" not in refused.value.sentence
    assert [row[0] for row in shop.rows(address, "SELECT full_name FROM customer WHERE id = 1")] == ["Ana"]


async def test_a_database_that_keeps_another_value_is_noticed_on_re_reading_and_nothing_stays_written(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/theirs.db"
    (tmp_path / "theirs.db").touch()
    connector = shop.open_shop(address, tmp_path)
    with shop.opened(address) as owner:
        owner.exec_driver_sql(
            "CREATE TRIGGER loud AFTER UPDATE OF full_name ON customer"
            " BEGIN UPDATE customer SET full_name = upper(full_name) WHERE id = new.id; END"
        )
    with pytest.raises(ConnectorError, match="re-reading shows another value"):
        await connector.correct(shop.ANA, {"name": "Ana-Maria"})
    assert [row[0] for row in shop.rows(address, "SELECT full_name FROM customer WHERE id = 1")] == ["Ana"]


async def test_correcting_one_of_two_addresses_leaves_the_other(address: str, tmp_path: Path) -> None:
    shop.run(
        address,
        """CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(20));
        CREATE TABLE mailbox (id INTEGER PRIMARY KEY, person INTEGER REFERENCES person (id), email VARCHAR(40));
        INSERT INTO person VALUES (1, 'Ana');
        INSERT INTO mailbox VALUES (1, 1, 'ana@example.com'), (2, 1, 'ana@work.example.com')""",
    )
    connector = shop.connected(
        address,
        """[tables.person]
        label = "Person"
        category = "contact"
        via = "person.id = mailbox.person"
        on_erase = "delete"
        [tables.mailbox]
        label = "Addresses"
        category = "contact"
        identifiers = { email = "email" }
        via = "mailbox.person = person.id"
        correctable = { email = "email" }
        on_erase = "delete"
        """,
        tmp_path,
    )
    assert len(await connector.find(shop.ANA)) == 3
    outcome = await connector.correct(shop.ANA, {"email": "ana@new.example.com"})
    assert [(change.key, change.new) for change in outcome.changed] == [({"id": 1}, "ana@new.example.com")]
    who = {"email": ["ana@work.example.com"]}
    plan = await connector.plan_erasure(who)
    # both tables lead to each other; the addresses still go before the person they belong to
    assert [row.table for row in plan.rows] == ["mailbox", "mailbox", "person"]
    await connector.erase(plan)
    assert await connector.recheck(who, plan) == []


async def test_a_no_is_remembered_even_for_an_address_the_list_never_had(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    who = {"email": ["new@example.com"]}
    await connector.set_consent(who, NEWS, False, 10)
    await connector.set_consent(who, NEWS, True, 9)
    status = "SELECT status, log_index FROM subscription WHERE email = 'new@example.com'"
    assert [tuple(row) for row in shop.rows(address, status)] == [("unsubscribed", 10)]


async def test_an_address_about_which_nobody_said_anything_is_not_entered_there(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    everybody = "SELECT email, list, status FROM subscription ORDER BY email, list"
    before = shop.rows(address, everybody)
    await connector.set_consent({"email": ["new@example.com"]}, NEWS, False, 10, enter=False)
    assert shop.rows(address, everybody) == before
    await connector.set_consent(shop.ANA, NEWS, False, 11, enter=False)
    hers = "SELECT status FROM subscription WHERE lower(email) = 'ana@example.com' AND list = 'weekly'"
    assert [tuple(row) for row in shop.rows(address, hers)] == [("unsubscribed",)]


async def test_a_value_that_another_entry_has_already_is_refused_in_a_sentence(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    with pytest.raises(ConnectorError, match="has another entry with a value that must be there only once") as refused:
        await connector.correct(shop.ANA, {"email": "ben@example.com"})
    assert refused.value.permanent


async def test_cells_of_one_person_do_not_overtake_each_other(address: str, tmp_path: Path) -> None:
    connector = shop.open_shop(address, tmp_path)
    await connector.set_consent(shop.ANA, Cell("offers", "email"), True, 50)
    await connector.set_consent(shop.ANA, NEWS, False, 40)
    states = "SELECT list, status FROM subscription WHERE lower(email) = 'ana@example.com' ORDER BY list"
    assert [tuple(row) for row in shop.rows(address, states)] == [("offers", "subscribed"), ("weekly", "unsubscribed")]
    assert [row[0] for row in shop.rows(address, "SELECT status FROM subscription WHERE email = 'ben@example.com'")] == [
        "subscribed"
    ]


async def test_a_flag_in_the_customer_row_is_set_without_inventing_customers(address: str, tmp_path: Path) -> None:
    shop.open_shop(address, tmp_path)
    text = (
        shop.MAP[: shop.MAP.index("[consent]")]
        + """[consent]
    table = "customer"
    identifiers = { email = "email", phone = "phone" }
    insert = false
    [[consent.cell]]
    purpose = "profiling"
    channel = "ads"
    set = { vip = [true, false] }
    """
    )
    connector = shop.connected(address, text, tmp_path)
    await connector.set_consent({"phone": ["+40712345678"]}, Cell("profiling", "ads"), False, 1)
    await connector.set_consent({"email": ["nobody@example.com"]}, Cell("profiling", "ads"), True, 2)
    assert [bool(row[0]) for row in shop.rows(address, "SELECT vip FROM customer ORDER BY id")] == [False, False]


TWO_HOMES = """CREATE TABLE home (id INTEGER PRIMARY KEY, email VARCHAR(40), kind VARCHAR(10), street VARCHAR(12), code INTEGER);
    INSERT INTO home VALUES (1, 'ana@example.com', 'home', 'Home 1', 400001),
      (2, 'ana@example.com', 'parents', 'Parents 9', 500001), (3, 'ben@example.com', 'home', 'Home 1', 1)"""
TWO_HOMES_MAP = """[tables.home]
    label = "Addresses"
    category = "contact"
    identifiers = { email = "email" }
    columns = { kind = "Kind" }
    correctable = { street = "street", postcode = "code" }
    on_erase = "delete"
    """
FIRST, SECOND, OF_BEN = (RowName("home", {"id": number}) for number in (1, 2, 3))


async def test_a_correction_changes_the_named_row_and_no_other(address: str, tmp_path: Path) -> None:
    shop.run(address, TWO_HOMES)
    connector = shop.connected(address, TWO_HOMES_MAP, tmp_path)
    stands = {(field.means, field.correctable) for finding in await connector.find(shop.ANA) for field in finding.fields}
    assert stands == {("email", False), ("", False), ("street", True), ("postcode", True)}
    outcome = await connector.correct(shop.ANA, {"street": "Home 2"}, {"street": [FIRST]})
    assert [(change.key, change.old, change.new) for change in outcome.changed] == [({"id": 1}, "Home 1", "Home 2")]
    assert _homes(address) == [("Home 2", 400001), ("Parents 9", 500001), ("Home 1", 1)]
    changes, rows = {"street": "Home 3", "postcode": "500002"}, {"street": [FIRST], "postcode": [SECOND]}
    assert len((await connector.correct(shop.ANA, changes, rows)).changed) == 2
    assert _homes(address) == [("Home 3", 400001), ("Parents 9", 500002), ("Home 1", 1)]


async def test_a_named_row_that_is_gone_or_somebody_elses_stops_the_whole_correction(address: str, tmp_path: Path) -> None:
    shop.run(address, TWO_HOMES)
    connector = shop.connected(address, TWO_HOMES_MAP, tmp_path)
    for other in (RowName("home", {"id": 77}), OF_BEN):
        with pytest.raises(ConnectorError, match="no longer there") as refused:
            await connector.correct(shop.ANA, {"street": "Home 2"}, {"street": [FIRST, other]})
        assert refused.value.permanent
    assert _homes(address) == [("Home 1", 400001), ("Parents 9", 500001), ("Home 1", 1)]


async def test_a_number_column_keeps_a_number_and_refuses_a_word_before_anything_is_written(address: str, tmp_path: Path) -> None:
    shop.run(address, TWO_HOMES)
    connector = shop.connected(address, TWO_HOMES_MAP, tmp_path)
    outcome = await connector.correct(shop.ANA, {"postcode": "040122"}, {"postcode": [FIRST]})
    assert [(change.old, change.new) for change in outcome.changed] == [(400001, 40122)]
    for wrong in ("SW1A 1AA", "1_000", "9" * 30):
        with pytest.raises(ConnectorError, match="cannot hold this value") as refused:
            await connector.correct(shop.ANA, {"street": "Home 2", "postcode": wrong}, {"street": [FIRST], "postcode": [FIRST]})
        assert refused.value.permanent
    assert _homes(address)[0] == ("Home 1", 40122)
    if address.startswith("postgres"):
        with pytest.raises(ConnectorError, match="cannot hold this value"):
            await connector.correct(shop.ANA, {"street": "Longer than twelve"}, {"street": [FIRST]})


async def test_a_corrected_address_that_is_part_of_its_rows_key_is_re_read_and_may_be_repeated(
    address: str, tmp_path: Path
) -> None:
    shop.run(address, "CREATE TABLE reader (email VARCHAR(40) PRIMARY KEY); INSERT INTO reader VALUES ('ana@example.com')")
    connector = shop.connected(
        address,
        """[tables.reader]
        label = "Newsletter"
        category = "marketing"
        identifiers = { email = "email" }
        correctable = { email = "email" }
        on_erase = "delete"
        """,
        tmp_path,
    )
    row = {"email": [RowName("reader", {"email": "ana@example.com"})]}
    for _time in range(2):
        outcome = await connector.correct(shop.ANA, {"email": "ana@new.example.com"}, row)
        assert [change.new for change in outcome.changed] == ["ana@new.example.com"]
    assert shop.rows(address, "SELECT email FROM reader") == [("ana@new.example.com",)]


def _homes(address: str) -> list[tuple[str, int]]:
    return [(row.street, row.code) for row in shop.rows(address, "SELECT street, code FROM home ORDER BY id")]
