"""An officer sees why two records look like one person, where they contradict each other, and decides."""

import re

from portal import audit, db, subjects
from portal.subjects import Identifier
from tests.consent.people import known, say
from tests.people import ANA, BEN, Browser

TAGGED = "ana+shop@example.com"


async def _pair() -> tuple[Identifier, Identifier]:
    return await known("email", ANA), await known("email", TAGGED)


def _page_of(one: Identifier, other: Identifier) -> str:
    return f"/admin/people/{one.subject}/with/{other.subject}"


async def test_the_list_shows_masked_pairs_and_why(olga: Browser) -> None:
    ana, tagged = await _pair()
    page = (await olga.get("/admin/duplicates")).text
    assert "Two spellings of one mailbox" in page and "a•••@example.com" in page
    assert ANA not in page and TAGGED not in page
    assert {ana.subject, tagged.subject} == set(re.findall(r"/admin/people/([\w-]+)/with/([\w-]+)", page)[0])


async def test_the_page_says_why_and_where_they_contradict_each_other(olga: Browser) -> None:
    ana, tagged = await _pair()
    await say(ana, "yes", "back-in-stock", "email", grade="self-verified", source="checkout")
    await say(tagged, "no", "back-in-stock", "email", source="call-centre")
    page = (await olga.get(_page_of(ana, tagged))).text
    assert "most likely two spellings of one mailbox" in page and ANA not in page
    assert re.search(r"said yes, [^(<]+ \(checkout\)", page) and re.search(r"said no, [^(<]+ \(call centre\)", page)
    looked = await audit.search(event="person.looked")
    assert {each.subject for each in looked} == {ana.subject, tagged.subject}


async def test_what_nobody_ever_asked_contradicts_nothing(olga: Browser) -> None:
    ana, tagged = await _pair()
    await say(ana, "yes", "back-in-stock", "email", grade="self-verified")
    assert "Nowhere: no answer" in (await olga.get(_page_of(ana, tagged))).text


async def test_linking_needs_a_reason_and_can_be_taken_back(olga: Browser) -> None:
    ana, tagged = await _pair()
    refused = await olga.post(_page_of(ana, tagged) + "/link", data={"why": ""})
    assert refused.status_code == 422 and "Choose one of these." in refused.text
    assert (await subjects.get(tagged.id)).subject == tagged.subject
    page = await olga.post(_page_of(tagged, ana) + "/link", data={"why": "told us"})
    assert page.url.path == f"/admin/people/{ana.subject}" and TAGGED in page.text
    assert "Take the link back" in page.text and "None." in (await olga.get("/admin/duplicates")).text
    back = await olga.post(f"/admin/people/{ana.subject}/addresses/{tagged.id}/split")
    assert back.url.path == _page_of(tagged, ana) and "most likely two spellings" in back.text
    assert (await subjects.get(tagged.id)).subject == tagged.subject


async def test_who_was_found_to_be_two_people_is_never_shown_again(olga: Browser) -> None:
    ana, tagged = await _pair()
    assert "One person or two?" in (await olga.get(_page_of(ana, tagged))).text
    page = await olga.post(_page_of(ana, tagged) + "/dismissal")
    assert page.url.path == "/admin/duplicates" and "None." in page.text
    assert "Possibly the same person:" not in (await olga.get(f"/admin/people/{ana.subject}")).text
    assert (await olga.post(_page_of(ana, tagged) + "/dismissal")).status_code == 409


async def test_a_persons_page_says_that_somebody_may_be_the_same(olga: Browser) -> None:
    ana, tagged = await _pair()
    page = (await olga.get(f"/admin/people/{tagged.subject}")).text
    assert "Possibly the same person:" in page and f"/admin/people/{tagged.subject}/with/{ana.subject}" in page


async def test_an_officer_compares_two_records_that_nothing_connects(olga: Browser) -> None:
    ana, ben = await known("email", ANA), await known("email", BEN)
    path = f"/admin/people/{ana.subject}/comparison"
    assert "We hold nothing under this address." in (await olga.post(path, data={"address": "x@example.com"})).text
    assert (await olga.post(path, data={"address": "x"})).status_code == 422
    assert "already" in (await olga.post(path, data={"address": ANA})).text
    page = await olga.post(path, data={"address": BEN})
    assert page.url.path == _page_of(ana, ben)
    assert "Nothing in the portal says" in page.text and "They are two people" not in page.text
    assert len(await audit.search(event="person.sought")) == 3


async def test_an_objection_of_one_is_said_before_linking(olga: Browser) -> None:
    from portal import consent

    ana, tagged = await _pair()
    await consent.stops.object_to_marketing(ana.subject, by="system", why="asked")
    page = (await olga.get(_page_of(ana, tagged))).text
    assert "One of them stopped all advertising on" in page and "counts for all addresses" in page


async def test_an_officer_says_who_uses_an_address(olga: Browser) -> None:
    ana = await known("email", ANA)
    path = f"/admin/people/{ana.subject}/addresses/{ana.id}/audience"
    page = await olga.post(path, data={"audience": "shared"})
    assert "Several people" in page.text and (await subjects.get(ana.id)).audience == "shared"
    assert (await olga.post(path, data={"audience": "former"})).status_code == 422
    ben = await known("email", BEN)
    strange = path.replace(ana.id, ben.id)
    assert (await olga.post(strange, data={"audience": "role"})).status_code == 404
    async with db.writing():
        await subjects.disown(ana.id, by="system")
    assert (await olga.post(path, data={"audience": "person"})).status_code == 409


async def test_only_who_may_change_people_decides(vik: Browser) -> None:
    ana, tagged = await _pair()
    page = await vik.get(_page_of(ana, tagged))
    assert page.status_code == 200 and "What you found" not in page.text
    for path in ("link", "dismissal"):
        assert (await vik.post(f"{_page_of(ana, tagged)}/{path}", data={"why": "told us"})).status_code == 403
