"""Copies on paper, at the desk: what the person wished for, the address on file, and the number of the parcel."""

from portal import cases
from tests.cases.shops import ANA, Company, ask
from tests.cases.test_handover import delivered
from tests.cases.test_proving import HOME, moved_in
from tests.people import Browser


async def test_an_officer_sends_the_copy_by_post(company: Company, olga: Browser) -> None:
    moved_in(company)
    case_id = await delivered()
    desk = f"/admin/cases/{case_id}"
    assert "Send the copy by post" in (await olga.get(desk)).text
    page = await olga.post(desk + "/post", data={"place": "Aleea Nouă 3\n400002 Cluj", "system": "shop"})
    assert page.status_code == 422 and 'id="place-error"' in page.text
    page = await olga.post(desk + "/post", data={"place": HOME, "system": "shop"})
    assert "Letter that goes with the copy" in page.text and "Posted with tracking" in page.text
    assert (await olga.get(desk + "/package")).headers["content-type"] == "application/zip"
    page = await olga.post(desk + "/handover", data={"given": "tracked post", "tracking": ""})
    assert page.status_code == 422 and 'id="tracking-error"' in page.text
    await olga.post(desk + "/handover", data={"given": "tracked post", "tracking": "RR123456789RO"})
    assert (await cases.case(case_id)).state == "closed"


async def test_the_officer_reads_how_the_answer_shall_come(company: Company, olga: Browser) -> None:
    opened = await ask("access", ANA, details={"country": "RO", "delivery": "large print"})
    page = await olga.get(f"/admin/cases/{opened.id}")
    assert "How it shall come" in page.text and "in large print" in page.text
