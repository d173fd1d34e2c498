"""A package carries proofs of what happened with the request and of the choices in it, which anybody can check without us."""

import json
import subprocess
import sys
from pathlib import Path

from portal import audit, cases, consent, db, jobs, statement, subjects
from portal.cases import freeze, moves, package_receipts
from portal.cases.package import build_package
from portal.cases.timeline import TOLD
from portal.public import story
from portal.settings import HOME
from tests.cases.package_of import opened, snapshot_of_ana
from tests.cases.shops import ANA, OLGA, PETRA, Company, answer, collected, visit

WHY = "Something in it is about somebody else."


async def chose(*answers: str) -> None:
    """Ana said this about the newsletter, one after the other."""
    await statement.publish_all("system", why="The first texts.")
    async with db.writing():
        mine = await subjects.ensure("email", ANA, by="import")
    for said in answers:
        word = (mine.id, "newsletter", "email", "", said, None, "preference-centre", "self-verified")
        await consent.decide(consent.Word(*word, actor=f"customer:{mine.subject}", edition="newsletter@1/en", language="en"))


async def package_of(case_id: str) -> dict[str, bytes]:
    session = await visit()
    file = await cases.download(await cases.hand_over(case_id, session), session)
    return opened(b"".join([piece async for piece in file.content]))


def proofs(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.startswith("receipts/")}


async def test_the_steps_and_the_choices_can_be_proven_from_the_package_alone(company: Company, tmp_path: Path) -> None:
    await chose("yes", "no")
    case_id = await collected("access", details={"message": "And who decided?"})
    await cases.review(case_id, officer=OLGA)
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    await audit.sequence_all()
    await jobs.run_due()
    files = await package_of(case_id)
    page, found, keys = files["index.html"].decode(), proofs(files), [await audit.log_key()]
    reports = {name: audit.verify_receipt(content.decode(), keys) for name, content in found.items()}
    assert all(each.ok for each in reports.values())
    happened = [each.event for each in reports.values()]
    assert {"case.opened", "case.proven", "case.system_answered", "case.proposed", "case.approved"} <= set(happened)
    assert {each for each in happened if each and each.startswith("consent.")} == {"consent.pending", "consent.refused"}
    assert {each for each in happened if each and each.startswith("case.")} <= TOLD, "Who looked is not for these files."
    assert all(f'href="{name}"' in page for name in found) and "Proof that this happened: A request came in." in page
    assert "Proof that this happened: No to: Newsletter" in page and "/audit/verify" in page
    assert found.keys() <= {each["name"] for each in json.loads(files["manifest.json"])["files"]}
    name, content = next(iter(found.items()))
    (tmp_path / "proof.txt").write_bytes(content)
    command = [sys.executable, "-m", "portal.cli", "audit", "verify", str(tmp_path / "proof.txt"), "--key", str(keys[0])]
    checked = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and "nothing was changed since" in checked.stdout, (name, checked)
    assert str(keys[0]) in page


async def test_what_is_not_signed_yet_is_counted_and_does_not_hold_up_the_copy(company: Company) -> None:
    case_id = await collected("access")
    await audit.sequence_all()
    await cases.propose(case_id, officer=OLGA)
    row = await moves.load(case_id)
    found = await package_receipts.collect(row, await freeze.take(row))
    assert found.later == 2 and found.steps, "The proposal and its execution are not signed."
    page = opened(await build_package(snapshot_of_ana(), found))["index.html"].decode()
    assert "2 newer steps were not signed yet" in page


async def test_a_choice_that_was_taken_out_gives_no_proof(company: Company) -> None:
    await chose("yes", "no")
    case_id = await collected("portability")
    table = next(each for each in await cases.review(case_id, officer=OLGA) if each.table == "decision")
    number = next(n for n, each in enumerate(table.rows) if any(field.value == "yes" for field in each.fields))
    await cases.redact(case_id, table.id, number, "source", reason="security", officer=OLGA)
    await audit.sequence_all()
    assert (await answer(case_id, "partly", WHY)).state == "delivering"
    events = [
        str(audit.verify_receipt(each.decode(), [await audit.log_key()]).event)
        for each in proofs(await package_of(case_id)).values()
    ]
    assert "consent.refused" in events and "consent.pending" not in events


async def test_the_same_snapshot_with_the_same_proofs_gives_the_same_bytes(company: Company) -> None:
    case_id = await collected("access")
    await audit.sequence_all()
    row = await moves.load(case_id)
    found = await package_receipts.collect(row, await freeze.take(row))
    assert found.steps
    assert await build_package(snapshot_of_ana(), found) == await build_package(snapshot_of_ana(), found)


def test_the_proofs_are_of_the_steps_that_the_person_is_told_of() -> None:
    assert {name for name in audit.vocabulary() if story.told(name)} == TOLD
