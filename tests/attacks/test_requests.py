"""SEC-1 to 5, 35, 43: somebody else's data is reached by no request, and asking tells nobody anything about anybody."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from portal import audit, cases, db, identity, jobs, messages, subjects
from portal.cases import doubts
from portal.lib import clock
from portal.lib.errors import Refusal
from tests.cases.shops import Company, ask, code_to, collected, found_company, letters_to, prove, visit
from tests.cases.test_handover import delivered
from tests.cases.test_proving import FACTS, HOME, REASONS, code_in, moved_in
from tests.conftest import House, on_both
from tests.people import ANA, BEN, MALLORY, Browser, code_for

OLD = "old@example.com"


@pytest.fixture
def company(published_house: House, tmp_path: Path) -> Company:
    return found_company(published_house, tmp_path / "company")


async def two_addresses() -> str:
    """Ana's two mailboxes, both proven; a former partner reads the old one."""
    async with db.writing():
        first = await subjects.ensure("email", ANA, by="import")
        second = await subjects.ensure("email", OLD, by="import", subject=first.subject)
        for each in (first, second):
            await subjects.mark_verified(each.id)
    return first.subject


async def test_a_new_address_in_a_request_gets_no_record_that_did_not_carry_it(company: Company) -> None:
    """SEC-1: Mallory asks with her own address and names Ana everywhere else."""
    opened = await cases.open("access", MALLORY, language="en", details={"message": f"I am Ana Pop, {ANA}, customer 1."})
    await prove(opened, MALLORY)
    await cases.collect(opened.id, officer="olga")
    await jobs.run_due()
    case = await cases.case(opened.id)
    assert case.closings == ("nothing held",) and all(not sum(each.counts.values()) for each in case.systems)
    await cases.close(opened.id, "nothing held", officer="olga")
    await jobs.run_due()
    written = [each.letter.text for each in await messages.mailbox(50) if each.to == MALLORY and each.letter]
    assert written and not any("Tea" in text or "Pop" in text for text in written)
    assert await letters_to(ANA) == []


async def test_no_way_through_the_verbs_reaches_anas_data_without_her(company: Company) -> None:
    """SEC-2: Mallory knows name, birth date, address and number, has a mailbox of her own, and one officer's ear."""
    moved_in(company)
    async with db.writing():
        await subjects.mark_verified((await subjects.ensure("email", MALLORY, by="import")).id)
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    for walk in range(12):
        with clock.at(clock.now() + timedelta(days=31 * walk)):
            victim = await cases.open("access", ANA, language="en", details={"message": f"{walk}"}, browser=f"m{walk}")
            own = await cases.open("access", MALLORY, language="en", details={"message": f"{walk}"}, browser=f"m{walk}")
            steps = mallorys_steps(victim, own, chance)
            for _step in range(10):
                name, act = chance.choice(steps)
                with suppress(Refusal):
                    await act()
                state = (await cases.case(victim.id)).state
                assert state == "verifying", f"seed {seed}, walk {walk}: {name} led to {state}"
            assert not (await cases.proving.of(victim.id)).proven


def mallorys_steps(
    victim: cases.Opened, own: cases.Opened, chance: random.Random
) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    async def with_my_proof() -> None:
        proof = await identity.prove_code(own.challenge or "", await code_to(MALLORY), browser=None)
        await cases.verified(victim.id, proof)

    async def guess_letter() -> None:
        await cases.proving.take_letter_code("".join(chance.choice(cases.proving.ALPHABET) for _each in range(12)))

    async def one_officer() -> None:
        match = await cases.proving.compare_facts(victim.id, FACTS, REASONS, officer="olga")
        await cases.proving.confirm_facts(match, officer="olga")

    async def my_visit() -> None:
        await cases.hand_over(victim.id, await visit(MALLORY))

    return [
        ("a code of hers for her own request", with_my_proof),
        ("a wrong code", lambda: identity.prove_code(victim.challenge or "", "000000")),
        (
            "a letter to herself",
            lambda: cases.proving.write_letter(victim.id, "Mallory M\nAleea 3\n400002 Cluj", "shop", officer="olga"),
        ),
        ("a guessed code of a letter", guess_letter),
        (
            "what others know",
            lambda: cases.proving.compare_facts(victim.id, ["name", "birth date", "address"], REASONS, officer="olga"),
        ),
        ("one officer alone", one_officer),
        ("a document nobody lists", lambda: cases.proving.saw_document(victim.id, "a photograph", officer="olga")),
        ("her own visit", my_visit),
        ("collecting without a proof", lambda: cases.collect(victim.id, officer="olga")),
        ("refusing and opening again", lambda: cases.reopen(victim.id, officer="olga")),
        ("the copy for the post", lambda: cases.by_post.package(victim.id, officer="olga")),
    ]


async def test_the_handover_waits_two_working_days_and_the_clock_runs_on(company: Company) -> None:
    """SEC-3: a Friday before a public holiday of the company's country."""
    await two_addresses()
    with clock.at(datetime(2026, 11, 27, 9, tzinfo=UTC)):  # 30 November and 1 December are free in Romania
        await subjects_stay_proven()
        opened = await ask("access")
        await prove(opened)
        due = (await cases.case(opened.id)).due_on
        await cases.not_me(await secret_to(OLD))
        [doubt] = await doubts.waiting()
        assert (doubt.case, doubt.decide_by, doubt.late) == (opened.id, date(2026, 12, 3), False)
    with clock.at(datetime(2026, 12, 4, 9, tzinfo=UTC)):
        assert [each.late for each in await doubts.waiting(opened.id)] == [True]
        assert (await cases.case(opened.id)).due_on == due
        await cases.proving.saw_document(opened.id, "passport", officer="olga")  # a second proof
        assert await doubts.waiting() == []


async def subjects_stay_proven() -> None:
    for address in (ANA, OLD):
        known = await subjects.find("email", address)
        assert known is not None
        async with db.writing():
            await subjects.mark_verified(known.id)


async def secret_to(address: str) -> str:
    text = next(each.letter.text for each in await messages.mailbox(50) if each.to == address and each.letter)
    found = re.search(r"/requests/notices/([\w-]+)", text)
    assert found and not re.search("copy|delet|correct", text)
    return found[1]


async def test_a_known_and_an_unknown_address_are_answered_alike(company: Company) -> None:
    """SEC-4: the same bytes but for the random numbers; SEC-5: the reference shows nothing and leads to no neighbour."""
    await two_addresses()
    pages = []
    for address in (ANA, "nobody.at.all@example.com"):
        async with Browser() as person:
            await person.get("/requests/new")
            asked = await person.post("/requests", data={"right": "access", "email": address}, follow_redirects=False)
            shown = await person.get(asked.headers["location"])
            reference = person.cookies["request"]
            status = await person.get(f"/requests/{reference}")
            assert len(reference) >= 22 and address not in status.text and "Ana" not in status.text
            pages.append([blank(each, reference) for each in (asked.headers["location"], shown.text, status.text)])
            neighbour = reference[:-1] + ("A" if reference[-1] != "A" else "B")
            assert (await person.get(f"/requests/{neighbour}")).status_code == 404
    assert pages[0] == pages[1]


def blank(text: str, reference: str) -> str:
    return re.sub(r"(/|%2F)proofs\1[\w-]+", "/proofs/x", text.replace(reference, "x"))


async def at_once(act: Callable[[], Awaitable[object]]) -> int:
    """Twenty at the same time; answers how many were not refused."""
    done = await asyncio.gather(*(act() for _each in range(20)), return_exceptions=True)
    assert all(isinstance(each, Refusal) for each in done if isinstance(each, BaseException)), done
    return sum(not isinstance(each, BaseException) for each in done)


@on_both
async def test_of_twenty_at_once_one_has_an_effect_and_leaves_one_entry(house: House, tmp_path: Path) -> None:
    """SEC-35: a letter's code, a second officer's word, an approval, a download."""
    moved_in(found_company(house, tmp_path / "company"))
    letters, facts = await ask("access"), await ask("access", BEN)
    letter = await cases.proving.write_letter(letters.id, HOME, "shop", officer="olga")
    code = await code_in(letter)
    assert await at_once(lambda: cases.letters.posted(letters.id, letter, officer="olga")) == 1
    assert await at_once(lambda: cases.proving.take_letter_code(code)) == 1
    match = await cases.proving.compare_facts(facts.id, FACTS, REASONS, officer="olga")
    assert await at_once(lambda: cases.proving.confirm_facts(match, officer="petra")) == 1
    case_id = await collected("access")
    await cases.triage(case_id, officer="olga", flags=["third party"])
    await cases.review(case_id, officer="olga")
    await cases.propose(case_id, officer="olga")
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    assert await at_once(lambda: cases.approve(case_id, waiting.digest, officer="petra")) == 1
    ready, session = await delivered(), await visit()
    secret = await cases.hand_over(ready, session)
    assert await at_once(lambda: cases.download(secret, session)) == 1
    for case, event in (
        (letters.id, "case.letter_posted"),
        (letters.id, "case.proven"),
        (facts.id, "case.proven"),
        (case_id, "case.approved"),
        (ready, "case.downloaded"),
    ):
        assert len([each for each in await audit.search(case=case) if each.event == event]) == 1, event


async def test_whoever_reads_a_shared_mailbox_learns_nothing_and_stops_nothing(company: Company) -> None:
    """SEC-43: with two browsers. The former partner reads the old address, Ana the one she asks with."""
    await two_addresses()
    async with Browser() as ana, Browser() as partner:
        await ana.get("/requests/new")
        asked = await ana.post("/requests", data={"right": "erasure", "email": ANA}, follow_redirects=False)
        await ana.post(asked.headers["location"], data={"code": await code_for(ANA)})
        reference = ana.cookies["request"]
        notice = f"/requests/notices/{await secret_to(OLD)}"
        for page in (await partner.get(notice), await partner.post(notice)):
            said = page.text.split("<main")[1].split("</main>")[0]
            assert page.status_code == 200 and not re.search("delet|copy|correct|ana@", said)
        await partner.get("/sign-in")
        page = await partner.post("/sign-in", data={"email": OLD})
        await partner.post(page.url.path, data={"code": await code_for(OLD)})
        mine = await partner.get("/requests")
        assert reference not in mine.text
        taken = await partner.post(f"/requests/{reference}/withdrawal", follow_redirects=False)
        assert taken.status_code == 404
        case = (await cases.status_for_person(reference)).id
        assert (await cases.case(case)).state == "triage"  # it goes on; only the end waits
        assert [each.kind for each in (await cases.case(case)).holds] == ["freeze"]
