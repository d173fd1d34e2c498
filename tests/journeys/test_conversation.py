"""A person writes about their request from a small screen, an officer answers from a text, the person reads it there."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Portal
from tests.journeys.steps import ask, follow, mail, officer_signs_in, open_case, press, reloaded, somebody


def test_a_question_and_its_answer_stay_on_the_page_of_the_request(
    chromium: Browser, colleague: Page, portal: Portal, tmp_path: Path
) -> None:
    _number, address = somebody(portal.var, "language = 'en'")
    bill = tmp_path / "bill.pdf"
    bill.write_bytes(b"%PDF-1.7 a bill")
    context = chromium.new_context(base_url=portal.address, locale="en-GB", viewport={"width": 360, "height": 740})
    page = context.new_page()
    try:
        request = ask(page, "Get a copy of my data", address)
        page.get_by_label("Write to us about this request").fill("Is the order from last spring in it, too?")
        page.get_by_label(re.compile("^Files")).set_input_files(bill)
        press(page, "Send this message")
        expect(page.locator(".letters")).to_contain_text("Is the order from last spring in it, too?")
        expect(page.locator(".letters")).to_contain_text("bill.pdf")

        officer_signs_in(colleague, "olga")
        case = open_case(colleague, address, "triage")
        expect(colleague.locator("#messages")).to_contain_text("Wrote to us")
        follow(colleague, "Read and write")
        with colleague.expect_download() as loading:
            colleague.get_by_role("link", name="bill.pdf").click()
        assert loading.value.path().read_bytes() == bill.read_bytes()
        colleague.get_by_label("Start from").select_option(label="Which data do you mean?")
        press(colleague, "Put it into the box")
        box = colleague.get_by_label(re.compile("^Your message"))
        expect(box).to_have_value(re.compile("Which order, account or period"))
        box.fill(box.input_value() + "\nThank you, Ana!")
        colleague.get_by_label("A question that we need answered").check()
        press(colleague, "See it as the person will")
        expect(colleague.locator("#preview")).to_contain_text("Thank you, Ana!")
        press(colleague, "Send it")

        letter = mail(page, address, "A message about your request")
        assert "Which order" not in letter and f"{request}/messages" in letter
        page.goto(f"{request}/messages")
        expect(page.get_by_role("main")).to_contain_text("We asked you something and wait for your answer.")
        expect(page.locator(".letters .ours")).to_contain_text("Which order, account or period")
        expect(page.locator(".letters .ours header")).to_contain_text("Privacy officer")
        expect(page.get_by_role("main")).to_contain_text("Read your messages, to answer your request")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        reloaded(page, "Where it stands")
        expect(page.locator(".letters")).not_to_contain_text("New")  # the page itself said that it was read
        page.get_by_label("Write to us about this request").fill("All of them.")
        press(page, "Send this message")
        expect(page.get_by_role("main")).not_to_contain_text("We asked you something")
        colleague.goto(case)
        expect(colleague.get_by_role("main")).not_to_contain_text("On hold")
        expect(colleague.locator("#messages")).to_contain_text("Wrote to us")
    finally:
        context.close()
    portal.verify_log()
