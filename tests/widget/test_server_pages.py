"""What the script and its owner are served: settings, files by their hash, texts for forms, pages without JavaScript."""

import asyncio
import base64
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal import audit, db, documents, sites
from portal.lib import clock
from portal.settings import HOME
from portal.sites import Site, releases
from tests.api.machines import Machine, faults, key
from tests.conftest import House, on_both
from tests.people import ANA
from tests.sites.shops import Visitor, found_site


@pytest.fixture
async def shop(sqlite_house: House, tmp_path: Path) -> Site:
    return await found_site(sqlite_house, tmp_path)


async def test_settings_are_the_same_for_everybody_and_kept_for_five_minutes(shop: Site) -> None:
    async with Visitor(shop) as visitor, Visitor(shop, "") as stranger:
        first = await visitor.get(visitor.at + "/settings?lang=ro")
        again = await stranger.get(visitor.at + "/settings?lang=ro", headers={"cookie": "customer=x; language=en"})
        assert first.content == again.content and first.headers["cache-control"] == "public, max-age=300"
        assert {"Origin", "x-region"} <= {each.strip() for each in first.headers["vary"].split(",")}
        known = {"if-none-match": first.headers["etag"]}
        assert (await visitor.get(visitor.at + "/settings?lang=ro", headers=known)).status_code == 304
        assert (await visitor.get(visitor.at + "/settings?lang=en", headers=known)).status_code == 200


async def test_settings_say_what_is_asked_in_the_visitors_language_and_by_their_law(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        told = (await visitor.get(visitor.at + "/settings?lang=ro", headers={"x-region": "us-ca"})).json()
        other = (await visitor.get(visitor.at + "/settings?lang=th-TH", headers={"x-region": "<script>"})).json()
    assert told["edition"] == "site-shop@1/ro" and told["region"] == "US-CA" and told["dir"] == "ltr"
    assert other["edition"] == "site-shop@1/en" and "region" not in other
    assert told["law"] == {"default": "opt-in", "US-CA": "opt-out"} and told["sells"] and told["months"] == 6
    assert [(each["key"], each["needed"], each["signal"]) for each in told["purposes"]] == [
        ("visits", False, False),
        ("audiences", False, True),
        ("partners", False, True),
        ("security", True, False),
    ]
    visits = told["purposes"][0]
    assert visits["title"] == "Măsurarea site-ului" and visits["cells"] == ["analytics_storage"]
    assert visits["clears"] == {"names": ["_ga*"], "local": ["visits"], "session": []}
    assert told["aliases"] == {"statistics": "visits"} and told["earlier"] == ["klaro"] and told["refusals"] is False
    assert told["links"]["page"] == f"http://127.0.0.1:8000/w/v1/{told['site']}/page?lang=ro"
    assert other["texts"]["signal_done"] == "Opt-Out Request Honored"  # 11 CCR 7025(c)(6), to the letter


async def test_what_the_script_is_told_stands_in_the_log_before_it_is_told(shop: Site) -> None:
    """Once for all visitors, whatever region a proxy names; and the proof needs nobody but the log's key."""
    async with Visitor(shop) as visitor:
        at = visitor.at + "/settings?lang=en"
        told = await visitor.get(at)
        placed = await visitor.get(at, headers={"x-region": "US-CA"})
        assert placed.content == told.content[:-1] + b',"region":"US-CA"}' and placed.headers["link"] == told.headers["link"]
        [entry] = await db.rows("SELECT d FROM entry WHERE event = 'site.settings_told'")
        assert entry["d"] == hashlib.sha256(told.content).hexdigest()
        await audit.sequence_all()
        proof = await visitor.get(told.headers["link"].partition("<")[2].partition(">")[0])
        report = audit.verify_receipt(proof.text, await audit.log_keys())
        assert report.ok and report.index is not None
        [leaf] = await db.rows("SELECT bytes FROM leaf WHERE log_index = ?", report.index)
        assert f'"d":"{entry["d"]}"'.encode() in bytes(leaf["bytes"])
        for other in (hashlib.sha256(placed.content).hexdigest(), "x", "00"):
            assert (await visitor.get(f"{visitor.at}/settings/{other}")).status_code == 404
        await visitor.get(visitor.at + "/settings?lang=ro")
        assert len(await db.rows("SELECT 1 AS one FROM site_told")) == 2


@on_both
async def test_many_first_visitors_at_once_are_told_the_same_under_one_entry(house: House, tmp_path: Path) -> None:
    async with Visitor(await found_site(house, tmp_path)) as visitor:
        told = await asyncio.gather(*(visitor.get(visitor.at + "/settings") for _each in range(12)))
    assert {each.status_code for each in told} == {200} and len({each.content for each in told}) == 1
    assert len(await db.rows("SELECT 1 AS one FROM entry WHERE event = 'site.settings_told'")) == 1
    assert len(await db.rows("SELECT 1 AS one FROM site_told JOIN entry ON entry.id = site_told.entry")) == 1


async def test_every_word_of_the_settings_stands_in_the_bytes_of_the_edition(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        told = (await visitor.get(visitor.at + "/settings?lang=ro")).json()
    html = (await documents.named(told["edition"])).html.decode()
    words = [told["texts"][name] for name in ("title", "body", "accept", "refuse", "more", "save")]
    for each in told["purposes"]:
        words += [each["title"], each["what"], *each["recipients"]]
    assert [each for each in words if each not in html] == []


async def test_a_file_is_served_for_ever_under_its_own_hash_alone(
    sqlite_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "built"
    monkeypatch.setattr(releases, "BUILT", built)
    before, now = b"// before\n", b"// now\n"
    place = built / "released" / hashlib.sha384(before).hexdigest()[:16]
    place.mkdir(parents=True)
    (place / "choice.js").write_bytes(before)
    (built / "choice.js").write_bytes(now)
    (built / "choice-form.js").write_bytes(b"// form\n")
    shop = await found_site(sqlite_house, tmp_path)
    pasted = sites.snippet(shop, "ro")
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(now).digest()).decode()
    assert f'integrity="{integrity}"' in pasted.tag and 'data-lang="ro"' in pasted.tag and "settings?lang=ro" in pasted.beside
    async with Visitor(shop, "https://anybody.example") as visitor:
        for content in (before, now):
            path = f"/w/v1/{hashlib.sha384(content).hexdigest()[:16]}/choice.js"
            answer = await visitor.get(path)
            assert answer.content == content and answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin" and "set-cookie" not in answer.headers
            assert (await visitor.get(path.replace("choice.js", "choice-form.js"))).status_code == 404
        for wrong in ("0" * 16, "..", "released", "%2e%2e"):
            assert (await visitor.get(f"/w/v1/{wrong}/choice.js")).status_code == 404
    (place / "choice.js").write_bytes(b"// not what the hash says\n")
    async with Visitor(shop) as visitor:
        assert (await visitor.get(f"/w/v1/{place.name}/choice.js")).status_code == 404


async def test_what_every_visitor_gets_is_as_small_as_can_be(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        script = sites.releases.current("choice.js").path
        got = {
            path: await visitor.get(path, headers={"accept-encoding": "gzip, br"}) for path in (script, visitor.at + "/settings")
        }
        for path, small in got.items():
            plain = await visitor.get(path, headers={"accept-encoding": "br;q=0"})
            assert small.headers["content-encoding"] == "br" and "content-encoding" not in plain.headers
            assert small.content == plain.content and "Accept-Encoding" in small.headers["vary"]
    assert sum(int(each.headers["content-length"]) for each in got.values()) <= 12_000


@on_both
async def test_a_built_file_is_noted_in_the_log_once(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "BUILT", tmp_path)
    (tmp_path / "choice.js").write_bytes(b"// one\n")
    noted = await asyncio.gather(*(releases.note_releases() for _process in range(12)))
    assert sum(map(len, noted)) == 1 and await releases.note_releases() == []
    (tmp_path / "choice.js").write_bytes(b"// another\n")
    [new] = await releases.note_releases()
    entries = await audit.search(event="widget.released")
    assert len(entries) == 2 and entries[0].object == new == releases.current("choice.js").path
    assert entries[0].digest == hashlib.sha256(b"// another\n").hexdigest()


async def test_a_form_shows_the_text_in_force_and_proves_which(shop: Site) -> None:
    async with Visitor(shop) as visitor:
        told = (await visitor.get(visitor.at + "/form/newsletter?lang=ro")).json()
        assert told["edition"] == "newsletter@1/ro" and told["title"] == "Buletin informativ"
        assert told["html"].encode() == (await documents.named("newsletter@1/ro")).html and told["text"] in told["html"]
        shown = sites.forms.shown(told["token"])
        assert shown is not None and (shown.site, shown.edition) == ("shop", "newsletter@1/ro")
        assert sites.forms.shown(told["token"][:-2] + "AA") is None
        box = (await visitor.get(visitor.at + "/form/newsletter.html?lang=ro")).text
        assert 'name="privacy-choice-newsletter" value="yes"' in box and "checked" not in box and told["text"] in box
        assert (await visitor.get(visitor.at + "/form/visits")).status_code == 404


async def test_what_a_form_sends_on_is_recorded_under_the_text_it_showed(shop: Site) -> None:
    async with Visitor(shop) as visitor, Machine(await key(sources=("form",))) as server:
        proof = (await visitor.get(visitor.at + "/form/newsletter?lang=ro")).json()["token"]
        item = {"purpose": "newsletter", "channel": "email", "answer": "yes"}
        sent: dict[str, Any] = {"identifier": {"email": ANA}, "source": "form", "decisions": [item]}
        for wrong in ({"privacy-choice": proof[:-2] + "AA"}, {"privacy-choice": 1}):
            answer = await server.post("/api/v1/decisions", json={**sent, "evidence": wrong})
            assert faults(answer) == ["/evidence/privacy-choice"]
        other = {**sent, "edition": "newsletter@1/en", "evidence": {"privacy-choice": proof}}
        assert faults(await server.post("/api/v1/decisions", json=other)) == ["/evidence/privacy-choice"]
        assert (await server.post("/api/v1/decisions", json={**sent, "evidence": {"privacy-choice": proof}})).status_code == 201
    assert await db.rows("SELECT edition, language, source FROM decision") == [
        {"edition": "newsletter@1/ro", "language": "ro", "source": "form"}
    ]


async def test_a_yes_long_after_the_text_was_shown_is_refused_and_a_no_is_not(shop: Site) -> None:
    async with Visitor(shop) as visitor, Machine(await key(sources=("form",))) as server:
        proof = (await visitor.get(visitor.at + "/form/newsletter?lang=en")).json()["token"]
        sent: dict[str, Any] = {"identifier": {"email": ANA}, "source": "form", "evidence": {"privacy-choice": proof}}
        yes, no = ({"purpose": "newsletter", "channel": "email", "answer": answer} for answer in ("yes", "no"))
        shown = clock.now()
        with clock.at(shown + timedelta(days=3)):
            refused = await server.post("/api/v1/decisions", json=sent | {"decisions": [yes]})
            assert faults(refused) == ["/evidence/privacy-choice"] and "Show it again" in refused.text
            assert (await server.post("/api/v1/decisions", json=sent | {"decisions": [no]})).status_code == 201
            said_then = sent | {"decisions": [yes], "said_at": clock.rfc3339(shown + timedelta(minutes=2))}
            assert (await server.post("/api/v1/decisions", json=said_then)).status_code == 201


async def test_without_a_script_a_page_says_the_same(shop: Site) -> None:
    async with Visitor(shop, "") as visitor:
        page = await visitor.get(visitor.at + "/page?lang=ro")
        assert page.status_code == 200 and "Ne permiteți?" in page.text and "Măsurarea site-ului" in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"] and 'href="/preferences"' in page.text
        gpc = await visitor.get("/.well-known/gpc.json")
        assert gpc.headers["content-type"] == "application/json" and gpc.json()["gpc"] is True
        ready = re.search(r"```json\n(.+)\n```", (HOME / "docs" / "sites.md").read_text())
        assert ready and json.loads(ready[1]) == gpc.json(), "What a site is told to serve is what we serve."
