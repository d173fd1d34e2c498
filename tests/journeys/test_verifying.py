"""The page that checks proofs, in a browser, from the site and from disk: it judges every file as the portal does."""

import base64
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from portal import audit
from portal.audit.leaves import canonical
from portal.audit.notes import VerifierKey, sign_checkpoint, verifier_key
from tests.audit.acts import say
from tests.audit.mutations import mutations
from tests.conftest import LOG_KEY, apart, opened, settings_in
from tests.people import Browser as Reader

HERE = "http://127.0.0.1:8000/audit/verify"


@dataclass(frozen=True)
class Made:
    """A receipt with its key, and the page as the site sends it."""

    receipt: str
    key: str
    page: str
    policy: str


@pytest.fixture(scope="module")
def made(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("verifying")
    shutil.copy(migrated_sqlite, folder / "portal.db")
    return apart(_make(folder))


async def _make(folder: Path) -> Made:
    async with opened(settings_in(folder)):
        await say(times=6)
        (entry,) = await say("ana", answer="no", channel="email", purpose="newsletter", address="a…a@example.com", much=2**60)
        await say(times=4)
        await audit.sequence_all()
        async with Reader() as reader:
            answer = await reader.get("/audit/verify")
        receipt, key = await audit.prove(entry), str(await audit.log_key())
    return Made(receipt, key, answer.text, answer.headers["content-security-policy"])


@pytest.fixture
def page(chromium: Browser, made: Made) -> Iterator[Page]:
    """The page with the site's own policy; whatever it asks of the network, and every broken rule of the policy, is a failure."""
    context = chromium.new_context(locale="en-GB")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"content-security-policy": made.policy, "content-type": "text/html; charset=utf-8"}
        route.fulfill(status=200, body=made.page, headers=headers)

    context.route("**", answer)
    context.on("console", lambda message: asked.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: asked.append(str(error.error)))
    page = context.new_page()
    page.goto(HERE)
    yield page
    context.close()
    assert asked == [HERE]


def test_a_proof_is_told_in_plain_words(page: Page, made: Made, tmp_path: Path) -> None:
    _choose(page, made.receipt, tmp_path)
    expect(page.get_by_role("heading", name="The proof is right")).to_be_visible()
    page.get_by_text("All the rest").click()
    facts = page.locator("#facts").inner_text()
    for words in ("newsletter", "No", "a…a@example.com", "The person", "E-mail", "Place 6 of a record of 11 entries", str(2**60)):
        assert words in facts, facts
    assert "127.0.0.1:8000/audit/1" in facts and "(UTC)" in facts


def test_a_changed_proof_says_what_is_wrong_and_nothing_else(page: Page, made: Made, tmp_path: Path) -> None:
    _choose(page, made.receipt.replace("index 6", "index 7"), tmp_path)
    expect(page.get_by_role("heading", name="The proof is not right: do not rely on it")).to_be_visible()
    expect(page.locator("#result li")).to_have_text([_at_place(7)])
    assert page.locator("#facts dl").count() == 0
    page.get_by_label("Key of the record").fill(str(verifier_key("127.0.0.1:8000/audit/1", b"x" * 32)))
    page.get_by_label("Key of the record").blur()
    expect(page.locator("#result li").first).to_contain_text("It is not signed with the key above")


def test_the_page_works_from_disk_with_a_file_dropped_on_it(chromium: Browser, made: Made, tmp_path: Path) -> None:
    kept = tmp_path / "check-a-proof.html"
    kept.write_text(made.page)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(kept.as_uri())
    drop = page.evaluate_handle(
        "(text) => { const all = new DataTransfer(); all.items.add(new File([text], 'proof.txt')); return all; }", made.receipt
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": drop})
    expect(page.get_by_role("heading", name="The proof is right")).to_be_visible()
    expect(page.get_by_role("link", name="Download this page")).to_have_count(0)
    context.close()


def test_a_browser_without_ed25519_never_calls_a_proof_right(page: Page, made: Made, tmp_path: Path) -> None:
    page.evaluate("""() => {
      const own = crypto.subtle.importKey.bind(crypto.subtle), none = new DOMException("", "NotSupportedError");
      crypto.subtle.importKey = (form, key, kind, ...rest) =>
        kind.name === "Ed25519" ? Promise.reject(none) : own(form, key, kind, ...rest);
    }""")
    _choose(page, made.receipt, tmp_path)
    expect(page.get_by_role("heading", name="Not checked to the end")).to_be_visible()
    expect(page.locator("#result")).to_contain_text("Firefox 129")
    _choose(page, made.receipt.replace("index 6", "index 7"), tmp_path)
    expect(page.locator("#result li")).to_have_text([_at_place(7)])


def test_a_proof_of_the_log_before_or_after_a_restore_says_so(page: Page, made: Made, tmp_path: Path) -> None:
    """The same key under the name that the log has now; another key under that name is still a stranger's."""
    first, seed = "127.0.0.1:8000/audit/1", base64.b64decode(LOG_KEY)
    keys, said = page.get_by_label("Key of the record"), page.locator("#result")
    second = str(verifier_key("127.0.0.1:8000/audit/2", seed))
    for given in (second, f"{second}\n{made.key}"):
        keys.fill(given)
        _choose(page, made.receipt, tmp_path)
        expect(said).to_contain_text("The proof is right")
        expect(said).to_contain_text(f"It belongs to the log before, {first}. After a backup was restored the log goes on as")
    top = made.receipt.split("\n\n")[0]
    report = audit.verify_receipt(made.receipt, [VerifierKey.parse(made.key)])
    assert report.checkpoint is not None
    later = sign_checkpoint("127.0.0.1:8000/audit/2", report.checkpoint.size, report.checkpoint.root, seed)
    keys.fill(made.key)
    _choose(page, f"{top}\n\n{later.note}", tmp_path)
    expect(said).to_contain_text("It belongs to a later log, 127.0.0.1:8000/audit/2, than the one you know")
    _choose(page, made.receipt, tmp_path)
    expect(said).to_contain_text("The proof is right")
    expect(said).not_to_contain_text("belongs")
    keys.fill(str(verifier_key("127.0.0.1:8000/audit/2", b"x" * 32)))
    _choose(page, made.receipt, tmp_path)
    expect(said.locator("li").first).to_contain_text("It is not signed with the key above (127.0.0.1:8000/audit/2).")


def test_the_browser_and_the_portal_judge_every_changed_proof_alike(page: Page, made: Made) -> None:
    chance = random.Random(20261122)
    vectors = [made.receipt, *chance.sample(list(mutations(made.receipt)), 600), *_crafted(made.receipt)]
    script = (
        "([texts, key]) => Promise.all(texts.map(async (text) => (await verify(text, key)).problems.map((each) => each.word)))"
    )
    found = page.evaluate(script, [vectors, made.key])
    ours = [audit.verify_receipt(each, [VerifierKey.parse(made.key)]).ok for each in vectors]
    assert [not each for each in found] == ours
    assert ours[0] and not any(ours[1:])
    assert not any("malformed" in each for each in found[-len(_crafted(made.receipt)) :])


def test_the_page_is_accessible_and_fits(page: Page, made: Made, tmp_path: Path) -> None:
    for receipt, heading in ((made.receipt, "The proof is right"), ("x", "The proof is not right: do not rely on it")):
        _choose(page, receipt, tmp_path)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page).response["violations"]
            assert [each["id"] for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_check_takes_less_than_five_milliseconds(page: Page, made: Made) -> None:
    script = """async ([text, key]) => {
      const took = [];
      for (let n = 0; n < 100; n++) {
        const began = performance.now();
        await verify(text, key);
        took.push(performance.now() - began);
      }
      return took.sort((one, other) => one - other)[24];  // of the quicker half: other tests share the machine
    }"""
    assert page.evaluate(script, [made.receipt, made.key]) <= 5


def _choose(page: Page, receipt: str, folder: Path) -> None:
    file = folder / f"proof-{len(list(folder.iterdir()))}.txt"
    file.write_text(receipt)
    page.get_by_label("Proof", exact=True).set_input_files(file)


def _at_place(place: int) -> str:
    return f"The entry is not at place {place} of the signed record: it, its place or a hash was changed."


def _crafted(receipt: str) -> list[str]:
    """Changes of more than one letter, each against one rule."""
    top, note = receipt.split("\n\n", 1)
    lines = top.split("\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))
    key = verifier_key("127.0.0.1:8000/audit/1", base64.b64decode(LOG_KEY))

    def with_line(number: int, line: str) -> str:
        return "\n".join([*lines[:number], line, *lines[number + 1 :]]) + "\n\n" + note

    def with_extra(text: str) -> str:
        return with_line(1, "extra " + base64.b64encode(text.encode()).decode())

    return [
        with_extra(json.dumps(extra)),
        with_extra(canonical(extra)[:-1] + ',"statement":"{}"}'),
        with_extra(canonical(extra | {"more": "x"})),
        with_extra(canonical(extra | {"statement": extra["statement"].replace('"no"', '"yes"')})),
        with_extra(canonical(extra | {"salt": extra["salt"] + "="})),
        with_extra(canonical(extra | {"leaf": extra["leaf"].replace(",", ", ")})),
        with_extra(canonical(extra | {"statement": "x"}).replace('"x"', '"\\ud800"')),
        with_extra("[]"),
        with_line(2, "index 06"),
        with_line(2, "index 18446744073709551616"),
        with_line(2, "index 9007199254740993"),
        "\n".join(lines[:-1]) + "\n\n" + note,
        "\n".join([*lines, lines[3]]) + "\n\n" + note,
        "\n".join([*lines, *[lines[3]] * 64]) + "\n\n" + note,
        f"{top}\n\n{sign_checkpoint(key.name, 11, b'r' * 32, base64.b64decode(LOG_KEY)).note}",
        f"{top}\n\n{sign_checkpoint('elsewhere.example/audit/1', 11, b'r' * 32, base64.b64decode(LOG_KEY)).note}",
        receipt.replace("\n", "\r\n"),
        receipt + "\n",
        receipt + "— x y\n",
        "\ufeff" + receipt,
        receipt + "x" * 70_000,
        "",
    ]
