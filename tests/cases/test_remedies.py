"""A refusal names a ground that the law knows, and tells the person where to go: the authority, a court, an appeal."""

import pytest

from portal import cases, jobs
from portal.cases import laws, remedies
from portal.cases.laws import LawError
from portal.lib.errors import Invalid
from portal.paper import in_language
from portal.settings import HOME
from tests.cases.shops import ANA, OLGA, PETRA, Company, collected, newest_to
from tests.conftest import House


async def refused(case_id: str, ground: str) -> str:
    await cases.propose(case_id, answer="refused", ground=ground, reasons="It was the fourth time this week.", officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await jobs.run_due()
    return await newest_to(ANA, "mail/case-refused")


async def test_the_letter_names_ground_article_authority_and_court(company: Company) -> None:
    case_id = await collected("access")
    with pytest.raises(Invalid, match="ground that the law knows"):
        await refused(case_id, "legal duty")  # a ground for keeping what shall be deleted
    letter = await refused(case_id, "excessive")
    assert "The same was asked for again and again. (GDPR Art. 12(5))" in letter
    assert "It was the fourth time this week." in letter
    assert "complain to the Romanian data protection authority (ANSPDCP)" in letter and "GDPR Art. 79" in letter
    reasons = [each.note for each in await cases.timeline(case_id) if each.event == "case.proposed"]
    assert reasons == ["reason: excessive"]


@pytest.mark.parametrize(
    ("law", "there", "not_there"),
    [
        ("ro-190", ["ANSPDCP", "Romanian court"], ["looks at it again"]),
        ("uk-gdpr", ["ico.org.uk", "section 167"], ["ANSPDCP"]),
        ("ccpa", ["California Privacy Protection Agency"], ["court", "ANSPDCP"]),
        ("us-va", ["Attorney General of Virginia", "looks at it again; they answer within 60 days"], ["court", "ANSPDCP"]),
        ("vn-pdpl", ["ANSPDCP", "go to court"], []),
    ],
)
async def test_each_law_has_its_own_ways(sqlite_house: House, law: str, there: list[str], not_there: list[str]) -> None:
    said = " ".join(remedies.against(law))
    assert all(each in said for each in there) and not any(each in said for each in not_there)


async def test_every_section_belongs_to_a_law_and_is_said_in_every_language(sqlite_house: House) -> None:
    known = remedies._read(HOME / "policies" / "remedies.toml", 0)
    assert known.keys() - laws.laws().keys() == {"anywhere"}
    for section in known.values():
        assert all(isinstance(text, str) or text.keys() == {"en", "ro"} for text in section.values())
    with in_language("ro"):
        assert "instanței" in " ".join(remedies.against("gdpr"))


def test_grounds_fit_the_right_and_name_their_article() -> None:
    offered = dict(remedies.grounds("gdpr", "erasure"))
    assert {"legal claims", "legal duty", "unfounded", "cannot identify"} <= offered.keys() and "third party" not in offered
    assert "GDPR Art. 17(3)(e)" in offered["legal claims"]
    assert "Civ. Code 1798.145(k)" in dict(remedies.grounds("ccpa", "access"))["third party"]
    assert "(" not in dict(remedies.grounds("jp-appi", "access"))["third party"]  # no article is made up
    assert not remedies.is_ground("third party", "erasure") and not remedies.is_ground("busy", "access")


async def test_a_mistake_in_the_file_is_told_with_its_line(company: Company) -> None:
    file = company.folder / "remedies.toml"
    file.write_text('[anywhere]\ncourt = 3\n[gdpr]\nautority = "x"\n')
    with pytest.raises(LawError) as told:
        remedies._read(file, 1)
    assert "line 2: court must be a text" in str(told.value) and "line 4: autority is not known" in str(told.value)
