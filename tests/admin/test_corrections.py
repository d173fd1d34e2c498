"""The officer sees old and new before anything is written, and chooses between several entries."""

import re

from portal import jobs
from tests.cases.shops import Company, collected
from tests.cases.test_correcting import homes, with_a_name_in_the_newsletter, with_two_homes
from tests.people import Browser


async def test_the_officer_reads_old_and_new_and_ticks_the_address_that_is_meant(company: Company, olga: Browser) -> None:
    with_two_homes(company)
    case_id = await collected("rectification", details={"changes": {"street": "Home 2", "postcode": "400002"}})
    desk = f"/admin/cases/{case_id}"
    page = (await olga.get(desk + "/findings")).text
    assert "<del>Home 1</del> → <ins>Home 2</ins>" in page and "<del>Parents 9</del> → <ins>Home 2</ins>" in page
    names = re.findall(r' id="([^"]+)"', page)
    assert len(names) == len(set(names))
    refused = await olga.post(desk + "/corrections", data={"field": "street", "do": "accept"})
    assert refused.status_code == 422 and "Please choose which ones to correct." in refused.text
    for field, old in (("street", "Home 1"), ("postcode", "400001")):
        box = re.search(rf'name="(row-\w+)" value="yes"><label for="row-{field}-\w+"><del>{old}</del>', page)
        assert box
        await olga.post(desk + "/corrections", data={"field": field, "do": "accept", box[1]: "yes"})
    await olga.post(desk + "/proposal", data={"answer": "fulfilled"})
    await jobs.run_due()
    assert homes(company) == [("Home 2", 400002), ("Parents 9", 500001)]


async def test_the_page_names_what_cannot_be_corrected(company: Company, olga: Browser) -> None:
    with_a_name_in_the_newsletter(company)
    case_id = await collected("rectification", details={"changes": {"name": "Ana Ionescu", "shoe_size": "38"}})
    page = (await olga.get(f"/admin/cases/{case_id}/findings")).text
    assert re.search(r"Newsletter: Newsletters \([^)]*\), cannot be corrected there", page)
    assert "No connected system can correct this." in page


async def test_the_second_person_reads_old_and_new_before_approving(company: Company, olga: Browser, petra: Browser) -> None:
    with_two_homes(company)
    with_a_name_in_the_newsletter(company)
    details = {"changes": {"street": "Home 2", "name": "Queen Ana", "phone": "+40799999999"}, "old": {"street": "Home 1"}}
    case_id = await collected("rectification", details=details)
    desk = f"/admin/cases/{case_id}"
    await olga.post(desk + "/corrections", data={"field": "street", "do": "accept"})
    await olga.post(desk + "/corrections", data={"field": "phone", "do": "accept"})
    await olga.post(desk + "/corrections", data={"field": "name", "do": "decline", "why": "Your passport says Ana Pop."})
    await olga.post(desk + "/proposal", data={"answer": "partly", "reasons": "The name stays as it is."})
    page = (await petra.get(desk)).text
    assert "Approve exactly this" in page and "What will be corrected" in page
    assert "<del>Home 1</del> → <ins>Home 2</ins>" in page and "<del>+40712345678</del> → <ins>+40799999999</ins>" in page
    assert re.search(r"<bdi>Parents 9</bdi></td>\s+<td[^>]*>Web shop: Addresses \(id=2\), stays as it is", page)
    declined = r"<bdi>Ana Pop</bdi> <span[^>]*>asked for: Queen Ana</span></td>\s+<td[^>]*>Newsletter: Newsletters [^<]*"
    assert re.search(declined + "Your passport says Ana Pop.", page)
    assert "<ins>Queen Ana</ins>" not in page
