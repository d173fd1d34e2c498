"""The evidence file tells how a case was handled, with receipts that anybody can check, and without the personal data."""

import io
import json
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Any, get_args, get_origin, get_type_hints

import pikepdf
import pytest

from portal import audit, cases, db, jobs
from portal.cases.certificate import build_certificate
from portal.cases.proof import build_proof, by_system, record
from portal.cases.snapshot import Snapshot, Step
from portal.lib import clock
from portal.lib.errors import Unavailable
from tests.cases.package_of import ANA, corrected, erasure_of_ana, snapshot_of_ana
from tests.cases.shops import OLGA, PETRA, Company, answer, collected, visit
from tests.conftest import House

CANARIES = (ANA, "+40712345678", "Ana Pop", "Cup, as a present", "Tea, two boxes", "id=1")
# Everything of a snapshot that the evidence may hold; what is not here may not.
ALLOWED = {
    "Snapshot": {
        "case", "right", "requester", "language", "law", "law_title", "law_edition", "received_at",
        "due_on", "taken_at", "answer",
    },
    "Proven": {"kind", "masked", "how", "at"},
    "System": {"name", "label", "answered_at"},
    "Category": {"name"},
    "Table": {"name", "label"},
    "Row": {"redacted"},
    "Field": set(),
    "Purpose": {"name", "edition"},
    "Correction": {"field"},
    "Removal": {"system", "table", "label", "action", "law", "until"},
    "LawText": {"name", "title", "edition"},
    "Step": {"at", "event", "what", "who", "entry", "note"},
}  # fmt: skip


def test_the_record_holds_what_is_listed_and_nothing_else() -> None:
    marked = _marked(Snapshot)
    said = json.dumps(record(marked), ensure_ascii=False)
    found = {f"canary.{kind}.{name}" for kind, names in ALLOWED.items() for name in names}
    everything = set(_canaries(Snapshot))
    assert {each for each in everything if f'"{each}"' in said} == found
    assert found < everything


async def test_the_evidence_of_an_access_request_proves_each_step(company: Company) -> None:
    case_id = await collected("access")
    found = {each.table: each for each in await cases.review(case_id, officer=OLGA)}
    await cases.redact(case_id, found["purchase"].id, 1, "item", reason="third party", officer=OLGA)
    await answer(case_id, "partly", "One entry is about somebody else.")
    session = await visit()
    await cases.download(await cases.hand_over(case_id, session), session)
    content = await _proof(case_id)
    attached = _attached(content)
    facts = json.loads(attached.pop("record.json"))
    assert {each["system"]: each["entries"] for each in facts["searched"]} == {"shop": 4, "news": 1, "portal": 0}
    assert facts["proven"][0]["masked"] == "a•••@example.com" and facts["answer"] == "partly"
    assert [each["left_out"] for each in facts["searched"][0]["tables"] if each["table"] == "purchase"] == [{"third party": 1}]
    assert len(attached) == len(facts["steps"]) > 10
    keys = [await audit.log_key()]
    for name, receipt in attached.items():
        report = audit.verify_receipt(receipt.decode(), keys)
        assert report.ok and report.event and report.event.replace(".", "-").replace("_", "-") in name, report.problems
    _holds_no_data(content)


async def test_the_evidence_of_a_deletion_names_each_system_and_law(company: Company) -> None:
    case_id = await collected("erasure")
    await cases.propose(case_id, officer=OLGA)
    waiting = await cases.proposal(case_id)
    assert waiting is not None
    await cases.approve(case_id, waiting.digest, officer=PETRA)
    content = await _proof(case_id)
    facts = json.loads(_attached(content)["record.json"])
    kept = [each for each in facts["removals"] if each["action"] == "keep" and each["system"] == "shop"]
    assert {each["law"] for each in kept} == {"Accounting Act 82/1991"} and all(each["until"] for each in kept)
    gone = [each for each in facts["removals"] if each["action"] != "keep"]
    assert gone and all(each["done"] == each["entries"] and each["left"] == 0 for each in gone)
    assert {"case.approved", "case.erased", "case.closed"} <= {each["event"] for each in facts["steps"]}
    _holds_no_data(content)


async def test_a_step_that_is_not_in_the_log_yet_makes_the_evidence_wait(sqlite_house: House) -> None:
    async with db.writing():
        entry = await audit.record(audit.vocabulary()["case.noted"], actor="system", case="c1")
    step = Step("2026-11-03T09:12:44Z", "case.noted", "A note.", "officer", entry)
    with pytest.raises(Unavailable):
        await build_proof(replace(snapshot_of_ana(), steps=(step,)))
    await audit.sequence_all()
    assert len(_attached(await build_proof(replace(snapshot_of_ana(), steps=(step,))))) == 2


async def test_a_step_whose_contents_were_erased_is_counted_and_left_out(sqlite_house: House) -> None:
    gone = Step("2026-11-03T09:12:44Z", "case.opened", "A request came in.", "person", "01890000-0000-7000-8000-000000000000")
    assert list(_attached(await build_proof(replace(snapshot_of_ana(), steps=(gone,))))) == ["record.json"]


async def test_the_evidence_is_an_archive_file_of_its_own_language(sqlite_house: House) -> None:
    with pikepdf.open(io.BytesIO(await build_proof(replace(erasure_of_ana(), steps=(), language="ro")))) as paper:
        with paper.open_metadata() as about:
            assert about.pdfa_status == "3A"
        assert paper.Root.Lang == "en" and paper.Root.MarkInfo.Marked
        assert paper.attachments["record.json"].relationship == pikepdf.Name.Data


async def test_the_certificate_is_tagged_and_in_the_language_of_the_person(sqlite_house: House) -> None:
    with pikepdf.open(io.BytesIO(await build_certificate(replace(erasure_of_ana(), language="ro")))) as paper:
        assert paper.Root.Lang == "ro" and paper.Root.MarkInfo.Marked and len(paper.pages) == 1
    systems = [label for label, _at, _removals in by_system(erasure_of_ana())]
    assert systems == ["Shop", "Newsletter", "Privacy portal"]


async def test_no_value_of_a_correction_is_in_the_evidence(sqlite_house: House) -> None:
    content = await build_proof(replace(snapshot_of_ana(), steps=(), right="rectification", corrections=(corrected(),)))
    facts = json.loads(_attached(content)["record.json"])
    assert facts["corrections"] == [{"field": "phone", "accepted": True, "read_back": True, "person_disagrees": True}]
    _holds_no_data(content)


async def _proof(case_id: str) -> bytes:
    """Let the jobs run until the case is closed; its evidence waits for its steps to be signed, and is tried again then."""
    await jobs.run_due()
    await audit.sequence_all()
    with clock.at(clock.now() + timedelta(seconds=2)):
        await jobs.run_due()
    opened = await cases.paper_of(case_id, "proof", officer=OLGA)
    return b"".join([piece async for piece in opened.content])


def _attached(content: bytes) -> dict[str, bytes]:
    with pikepdf.open(io.BytesIO(content)) as paper:
        return {name: each.get_file().read_bytes() for name, each in paper.attachments.items()}


def _holds_no_data(content: bytes) -> None:
    """In no text, attachment, title or property of the file; receipts are looked into as well."""
    with pikepdf.open(io.BytesIO(content)) as paper:
        parts = [each.read_bytes() for each in paper.objects if isinstance(each, pikepdf.Stream)]
        parts.append(str(dict(paper.docinfo)).encode())
    for name, attached in _attached(content).items():
        parts.append(attached)
        if name.startswith("proofs/"):
            report = audit.verify_receipt(attached.decode(), [])
            assert report.statement is not None
            parts.append(json.dumps(report.statement, ensure_ascii=False).encode())
    held = b"\n".join(parts).decode("utf-8", "replace")
    assert [each for each in CANARIES if each in held] == []


def _marked(kind: Any) -> Any:
    """An instance whose every text says where it stands."""
    hints = get_type_hints(kind)
    return kind(**{each.name: _mark(hints[each.name], kind, each.name) for each in fields(kind)})


def _mark(hint: Any, kind: type, name: str) -> Any:
    if get_origin(hint) is tuple:
        return (_mark(get_args(hint)[0], kind, name),)
    if is_dataclass(hint):
        return _marked(hint)
    return f"canary.{kind.__name__}.{name}" if hint is str else None


def _canaries(kind: Any) -> list[str]:
    found = []
    for name, hint in get_type_hints(kind).items():
        inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
        found += _canaries(inner) if is_dataclass(inner) else [f"canary.{kind.__name__}.{name}"]
    return found
