"""A customer corrects her address: an officer accepts it, the shop has it, and it is read again there."""

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import (
    ask,
    counting,
    follow,
    mail,
    officer_signs_in,
    open_case,
    press,
    reloaded,
    rows,
    search_all_systems,
    sign_in,
    somebody,
    type_code,
)


def test_a_correction_reaches_the_shop_and_is_read_again_there(visitor: Page, colleague: Page, portal: Portal) -> None:
    number, address = somebody(portal.var, "language = 'en'")
    before = _others(portal, number)
    status_page = ask(visitor, "Correct something", address, street="Strada Turda 7", postcode="400193")

    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    follow(colleague, "Look at what was found")
    for _field in ("street", "postcode"):
        press(colleague, "Accept")
    expect(colleague.get_by_role("button", name="Accept")).to_have_count(0)
    colleague.goto(case)
    press(colleague, "Correct it everywhere")
    reloaded(colleague, "Evidence file (PDF)")

    found = rows(portal.var / "demo" / "shop.db", "SELECT street, postcode FROM address WHERE customer_id = ?", number)
    assert found == [("Strada Turda 7", "400193")]
    assert _others(portal, number) == before
    assert "corrected, and read again to be sure" in mail(visitor, address, "corrected")
    visitor.goto(status_page)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Done as you asked.")
    portal.verify_log()


def test_a_phone_number_is_corrected_from_the_preferences_by_one_field(visitor: Page, portal: Portal) -> None:
    _number, address = somebody(portal.var, "language = 'en'", 6)
    sign_in(visitor, address)
    with counting(visitor) as screens:
        visitor.locator("summary").get_by_text("Phone number", exact=True).click()
        visitor.locator("#new-phone").fill("+40 722 123 456")
        with visitor.expect_navigation():
            visitor.locator("form").filter(has=visitor.locator("#new-phone")).get_by_role("button", name="Correct it").click()
    expect(visitor.get_by_role("main")).to_contain_text("a correction of your data, asked on")
    assert len(screens) == 1, screens


def test_a_new_mail_address_is_proven_and_stands_everywhere_and_the_old_one_is_told(
    visitor: Page, colleague: Page, portal: Portal
) -> None:
    number, address = somebody(portal.var, "language = 'en'", 7)
    new = address.replace("@", ".new@")
    sign_in(visitor, address)
    with counting(visitor) as screens:
        visitor.locator("summary").get_by_text("E-mail address", exact=True).click()
        visitor.locator("#new-email").fill(new)
        with visitor.expect_navigation():
            visitor.locator("form").filter(has=visitor.locator("#new-email")).get_by_role("button", name="Correct it").click()
        type_code(visitor, new)
    assert len(screens) == 2, screens
    status_page = visitor.url

    officer_signs_in(colleague, "olga")
    case = open_case(colleague, address, "triage")
    search_all_systems(colleague)
    follow(colleague, "Look at what was found")
    expect(colleague.get_by_role("main")).to_contain_text("The person has confirmed the new address.")
    press(colleague, "Accept")
    colleague.goto(case)
    press(colleague, "Correct it everywhere")
    reloaded(colleague, "Evidence file (PDF)")

    assert rows(portal.var / "demo" / "shop.db", "SELECT email FROM customer WHERE id = ?", number) == [(new,)]
    active = "SELECT list FROM subscription WHERE active = 1 AND email = ?"
    assert rows(portal.var / "demo" / "newsletter.db", active, address) == []
    assert "Something was asked for" in mail(visitor, address)
    visitor.goto("/preferences")  # the visit began with the old address, and has ended
    sign_in(visitor, new)
    expect(visitor.locator("#addresses")).to_contain_text("No longer yours. Nothing is sent there.")
    visitor.goto(status_page)
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Done as you asked.")
    portal.verify_log()


def _others(portal: Portal, number: int) -> list[tuple[object, ...]]:
    return rows(portal.var / "demo" / "shop.db", "SELECT * FROM address WHERE customer_id <> ? ORDER BY id", number)
