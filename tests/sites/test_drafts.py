"""Preparing a website: the section says what was filled in, is read as the file is, and mistakes stand at their field."""

import re
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal import consent, db, settings, sites, statement
from portal.handwritten import Faulty
from portal.lib.errors import Invalid
from portal.sites import drafts, sites_file
from portal.sites.drafts import Draft
from tests.conftest import House
from tests.people import OLGA, PETRA, Browser, go_to_work, hire
from tests.sites.shops import ORIGIN, found_site

# Half of a surrogate pair is no text; forms refuse it.
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
WORDS = ANYTHING.filter(str.strip)
MANY = st.lists(ANYTHING, max_size=3, unique=True).map(tuple)
NASTY = 'a "b" \\ \\u0041 \'\'\' """\n\r\n\t\x00\x1b\x7f\x85\u2028 \u202eright to left\u202c שלום 👩‍👩‍👧 # [x] = 1\\'

OUTLET = Draft(
    name="outlet",
    title="The outlet",
    origins=("https://outlet.example.com", "http://127.0.0.1:8011"),
    asks=("visits", "partners"),
    forms=("newsletter",),
    sells=True,
    law="opt-in",
    regions=(("US-CA", "opt-out"), ("DE", "opt-in")),
    texts=(("en", "May we?", "It works without."), ("ro", "Ne permiteți?", "Merge și fără.")),
)
FORM: dict[str, str | list[str]] = {
    "name": "outlet",
    "title": "The outlet",
    "origins": " https://outlet.example.com \r\n\r\nhttp://127.0.0.1:8011",
    "asks": ["visits", "partners"],
    "forms": ["newsletter"],
    "sells": "yes",
    "law": "opt-in",
    "regions": 'US-CA = opt-out\r\nDE="opt-in"',
    "title-en": "May we?",
    "body-en": "It works without.",
    "title-ro": "Ne permiteți?",
    "body-ro": "Merge și fără.",
}


@pytest.fixture
async def olga(sqlite_house: House, tmp_path: Path) -> AsyncIterator[Browser]:
    await found_site(sqlite_house, tmp_path)
    async with Browser() as browser:
        await go_to_work(browser, await hire(OLGA, "owner"))
        yield browser


@given(name=ANYTHING, title=ANYTHING, several=MANY, regions=st.dictionaries(ANYTHING, ANYTHING, max_size=3), body=ANYTHING)
@example(name=NASTY, title=NASTY, several=(NASTY, ""), regions={NASTY: NASTY, "": "", "a.b": "c"}, body=NASTY)
def test_whatever_was_filled_in_is_read_again_letter_by_letter(
    name: str, title: str, several: tuple[str, ...], regions: dict[str, str], body: str
) -> None:
    regions.pop("default", None)
    draft = Draft(
        name, title, several, several, several, True, body, tuple(regions.items()), (("en", title, body), ("ro", "", body))
    )
    section = drafts.section(draft)
    [(read, values)] = tomllib.loads(section).items()
    assert (read, values["title"], values["sells"]) == (name, title, True)
    assert [values[each] for each in ("origins", "asks")] == [list(several)] * 2 and values.get("forms", []) == list(several)
    assert values["law"] == {"default": body, **regions}
    assert values["text"]["en"] == {"title": title, "body": body}
    assert values["text"].get("ro", {"title": "", "body": ""}) == {"title": "", "body": body}
    assert all(each.isprintable() for each in section.split("\n")), "Nothing is lost by copying what is seen."


@given(title=WORDS, body=WORDS)
@example(title=NASTY[:60], body=NASTY)
def test_the_files_reader_makes_the_site_of_it(tmp_path_factory: pytest.TempPathFactory, title: str, body: str) -> None:
    file = tmp_path_factory.mktemp("policies") / "sites.toml"
    texts = (("en", title, body), ("ro", "", ""))
    file.write_text(drafts.section(replace(OUTLET, title=title, texts=texts)), newline="")
    site = sites_file.read(file, ["en", "ro"])[0]["outlet"]
    assert site.title == title and site.texts == {"en": {"title": title, "body": body}}
    assert (site.origins, site.asks, site.forms, site.sells) == (OUTLET.origins, OUTLET.asks, OUTLET.forms, True)
    assert site.law == {"default": "opt-in", "US-CA": "opt-out", "DE": "opt-in"}


async def test_exactly_what_the_form_offers_can_be_published(sqlite_house: House, tmp_path: Path) -> None:
    await found_site(sqlite_house, tmp_path)
    purposes, file = await consent.purposes(), tmp_path / "policies" / "sites.toml"
    asks, forms = drafts.for_visitors(purposes), drafts.for_forms(purposes)
    assert {"visits", "audiences"} <= {each.key for each in asks} and "newsletter" in {each.key for each in forms}
    before = file.read_text()
    full = replace(OUTLET, asks=tuple(each.key for each in asks), forms=tuple(each.key for each in forms))
    file.write_text(before + drafts.section(full))
    settings.use(replace(settings.get()))
    await statement.publish_all("system")
    assert sites.named("outlet").asks == full.asks
    for part, offered in (("asks", asks), ("forms", forms)):
        for other in [each for each in purposes if each not in offered and each.default != "fixed"]:
            file.write_text(before + drafts.section(_asking(part, other.key)))
            with pytest.raises(Faulty, match=other.key):
                await statement.publish_all("system")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "Out.let"}, "name", "small letters"),
    ({"name": ""}, "name", "small letters"),
    ({"name": "shop"}, "name", "taken"),
    ({"name": "new"}, "name", "taken"),
    ({"title": ""}, "title", "fill this in"),
    ({"origins": ()}, "origins", "at least one"),
    ({"origins": ("https://outlet.example.com/", "x")}, "origins", "'x' is no origin"),
    ({"origins": (ORIGIN,)}, "origins", "another site's"),
    ({"origins": ("https://a.example",) * 301}, "origins", "shorten"),
    ({"asks": (), "forms": ()}, "asks", "at least one"),
    ({"asks": ("orders",)}, "asks", "offered"),
    ({"asks": ("newsletter",)}, "asks", "offered"),
    ({"asks": ("visits", "visits")}, "asks", "stands twice"),
    ({"forms": ("surveys",)}, "forms", "offered"),
    ({"law": "no law"}, "law", "none of"),
    ({"regions": (("California", "opt-out"),)}, "regions", "no region"),
    ({"regions": (("US-CA", ""),)}, "regions", "none of"),
    ({"regions": (("DE", "opt-in"), ("DE", "opt-out"))}, "regions", "stands twice"),
    ({"regions": (("default", "opt-out"),)}, "regions", "chosen above"),
    ({"texts": (("en", "", ""), ("ro", "Da?", "Da."))}, "title-en", "0 characters"),
    ({"texts": (("en", "x" * 61, "y"),)}, "title-en", "61 characters"),
    ({"texts": (("en", "x", "y" * 161),)}, "body-en", "161 characters"),
    ({"texts": (("en", "x", "y"), ("ro", "x", ""))}, "body-ro", "0 characters"),
]


async def test_each_mistake_is_told_at_its_field(sqlite_house: House, tmp_path: Path) -> None:
    await found_site(sqlite_house, tmp_path)
    purposes = await consent.purposes()
    drafts.check(OUTLET, purposes)
    for wrong, field, sentence in WRONG:
        with pytest.raises(Invalid) as refused:
            drafts.check(replace(OUTLET, **wrong), purposes)
        assert sentence in refused.value.fields.get(field, ""), (wrong, refused.value.fields)
        assert set(refused.value.fields) <= {field, field.replace("title-", "body-")}, (wrong, refused.value.fields)


async def test_all_mistakes_are_told_at_once(sqlite_house: House, tmp_path: Path) -> None:
    await found_site(sqlite_house, tmp_path)
    several = replace(OUTLET, name="shop", title="", origins=("x",), regions=(("DE", "opt-in"), ("DE", "opt-in")))
    with pytest.raises(Invalid) as refused:
        drafts.check(several, await consent.purposes())
    assert set(refused.value.fields) == {"name", "title", "origins", "regions"}


async def test_a_mistake_in_the_file_itself_is_told_with_its_line(olga: Browser, tmp_path: Path) -> None:
    with (tmp_path / "policies" / "sites.toml").open("a") as file:
        file.write("[shop.theme]\nink = \n")
    answer = await olga.post("/admin/sites/new", data=FORM)
    assert answer.status_code == 422 and "sites.toml:30: This is not valid TOML" in answer.text
    assert 'value="The outlet"' in answer.text


async def test_an_officer_gets_the_section_and_nothing_is_kept(olga: Browser, tmp_path: Path) -> None:
    page = (await olga.get("/admin/sites/new")).text
    assert "Measuring our website" in page and "Newsletter" in page and "One question after your order" not in page
    assert " checked>" not in page
    before = await _entries()
    file = (tmp_path / "policies" / "sites.toml").read_bytes()
    answer = await olga.post("/admin/sites/new", data=FORM)
    assert answer.status_code == 200 and _section(answer) == drafts.section(OUTLET)
    assert "portal publish" in answer.text and "US-CA = opt-out\nDE = opt-in</textarea>" in answer.text
    assert await _entries() == before and (tmp_path / "policies" / "sites.toml").read_bytes() == file


async def test_what_the_page_prints_is_taken_by_the_file_and_published_whatever_was_chosen(olga: Browser, tmp_path: Path) -> None:
    """Each choice of the form once, one section below the other as somebody would paste them."""
    file, offered = tmp_path / "policies" / "sites.toml", (await olga.get("/admin/sites/new")).text
    changes: dict[str, dict[str, str | list[str] | None]] = {
        **{f"asks-{key}": {"asks": [key], "forms": None} for key in _offered(offered, "asks")},
        **{f"forms-{key}": {"asks": None, "forms": [key]} for key in _offered(offered, "forms")},
        **{f"law-{law}": {"law": law} for law in sites_file.LAWS},
        "sells-not": {"sells": None},
        "no-regions": {"regions": ""},
        "one-language": {"title-ro": "", "body-ro": ""},
        "one-origin": {},
    }
    assert len(changes) > 8
    for name, change in changes.items():
        own = {"name": name, "origins": f"https://{name}.example.com"}
        filled = {field: value for field, value in (FORM | own | change).items() if value is not None}
        answer = await olga.post("/admin/sites/new", data=filled)
        assert answer.status_code == 200, (name, answer.text)
        with file.open("a", newline="") as pasted:
            pasted.write("\n" + _section(answer))
    settings.use(replace(settings.get()))
    await statement.publish_all("system")
    made = sites.sites()
    assert made.keys() == {"shop", *changes}
    assert made["law-opt-out"].law["default"] == "opt-out" and not made["sells-not"].sells and made["law-opt-in"].sells
    assert list(made["one-language"].texts) == ["en"] and made["no-regions"].law == {"default": "opt-in"}
    for name in changes:
        kind, _dash, key = name.partition("-")
        assert (
            kind not in ("asks", "forms") or (made[name].asks, made[name].forms) == ((key,), ())[:: 1 if kind == "asks" else -1]
        )
        assert (await sites.texts.texts_of(made[name])).latest.keys() == set(made[name].texts)


async def test_what_was_typed_stays_text_and_stays_in_the_form(olga: Browser) -> None:
    title = '"><script>alert(1)</script> \u202e"\\'
    answer = await olga.post("/admin/sites/new", data=FORM | {"title": title, "body-en": "One.\r\n\r\nTwo."})
    assert "<script>alert" not in answer.text and "\u202e" not in _section(answer)
    read = tomllib.loads(_section(answer))["outlet"]
    assert read["title"] == title and read["text"]["en"]["body"] == "One.\n\nTwo."
    answer = await olga.post("/admin/sites/new", data=FORM | {"title": title, "name": "Outlet!", "body-ro": ""})
    assert answer.status_code == 422 and "<script>alert" not in answer.text and "<pre" not in answer.text
    assert 'href="#name"' in answer.text and 'href="#body-ro"' in answer.text
    assert re.search(r'id="name"[^>]* aria-describedby="name-hint name-error" aria-invalid="true"', answer.text)
    assert re.search(r'value="visits" type="checkbox" checked', answer.text)


async def test_a_form_made_by_hand_is_refused(olga: Browser) -> None:
    for odd in ({"asks": ["orders", "\x00"]}, {"title": "x" * 10_001}, {"regions": "DE=opt-in\n" * 900}, {"law": "no law"}):
        assert (await olga.post("/admin/sites/new", data=FORM | odd)).status_code == 422
    for raw in ("asks=%ED%A0%80", "title=%ED%A0%80", ""):
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert (await olga.post("/admin/sites/new", content=raw, headers=kind)).status_code == 422


async def test_only_who_may_change_websites_prepares_one(olga: Browser) -> None:
    async with Browser() as petra:
        await go_to_work(petra, await hire(PETRA, "privacy-officer"))
        assert (await petra.get("/admin/sites")).status_code == 200
        assert (await petra.get("/admin/sites/new")).status_code == 403
        assert (await petra.post("/admin/sites/new", data=FORM)).status_code == 403


def _section(answer: httpx2.Response) -> str:
    found = re.search(r"(?s)<pre [^>]*><code>(.*?)</code></pre>", answer.text)
    assert found, answer.text
    return unescape(found[1])


def _offered(page: str, field: str) -> list[str]:
    found = [tag for tag in re.findall(r"<input[^>]*>", page) if f'name="{field}"' in tag]
    return [value[1] for tag in found if (value := re.search(r'value="([^"]+)"', tag))]


def _asking(part: str, purpose: str) -> Draft:
    return replace(OUTLET, asks=(purpose,), forms=()) if part == "asks" else replace(OUTLET, asks=(), forms=(purpose,))


async def _entries() -> int:
    found = await db.row("SELECT count(*) AS n FROM entry")
    assert found is not None
    return int(found["n"])
