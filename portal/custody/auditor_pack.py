"""`portal auditor-pack`: what an outside auditor reads and checks without us (GDPR Art. 5(2), 24, 30, 32(1)(d)).

A random sample of requests and answers with their proofs, the texts in force, who may do what, restores and drills, and the
signed states of the log around the window. It holds what receipts hold and nothing more about anybody. What is drawn
follows from the auditor's seed, or from the signed state at the window's end, which whoever signs could have steered.
Making a pack is itself an entry.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from portal import audit, db
from portal.custody import auditor_page, auditor_sample, auditor_texts, events
from portal.custody.archive import Archive, written_aside
from portal.custody.auditor_chapters import Chapters, Step
from portal.lib import clock
from portal.lib.errors import Conflict, Invalid
from portal.paper import _, in_language
from portal.settings import HOME, get

FORMAT = "portal/auditor-pack/2"
SCRIPTS = ("verify_receipt.py", "check_pack.py")


@dataclass(frozen=True)
class Packed:
    """Where it is, what was drawn by which seed, and the SHA-256 of its manifest, which stands in the log."""

    file: Path
    seed: str
    places: audit.windows.Window
    requests: int
    answers: int
    digest: bytes


@dataclass(frozen=True)
class States:
    """The signed states of the log before, at the end of and after the window; `before` is None when it begins with the log."""

    before: audit.notes.Checkpoint | None
    end: audit.notes.Checkpoint
    newest: audit.notes.Checkpoint


async def make(first: date, last: date, file: Path, *, seed: str = "") -> Packed:
    """Make the pack of the days from `first` to `last`, both included. Raises Invalid or Conflict saying why not."""
    if first > last:
        raise Invalid(_("The first day is after the last one."))
    try:
        with written_aside(file) as archive, in_language(get().language_list[0]):
            async with db.reading():
                packed = await _fill(archive, first, last, file, seed)
            # A crash after this leaves an entry about a pack that nobody got, which is better than a pack without an entry.
            await _record(packed, first, last)
    except audit.LogBroken as problem:
        raise Invalid(str(problem)) from problem
    return packed


async def _record(packed: Packed, first: date, last: date) -> None:
    told = {"from": first.isoformat(), "to": last.isoformat(), "seed": packed.seed}
    drawn = {"requests": packed.requests, "answers": packed.answers}
    async with db.writing():
        await audit.record(events.AUDITOR_PACK_MADE, actor="system", payload=told | drawn, digest=packed.digest)


async def _fill(archive: Archive, first: date, last: date, file: Path, seed: str) -> Packed:
    start, end = _moment(first), _moment(last + timedelta(days=1))
    window = await audit.windows.between(start, end)
    states = await _states(window)
    drawn_by = seed or states.end.root.hex()
    seen = await auditor_sample.walk(window, drawn_by)
    if seen.requests.passed_over() or seen.answers.passed_over():
        await _require_erasures_placed()
    chapters = Chapters(archive)
    requests = [await chapters.request(number, each) for number, each in enumerate(seen.requests.drawn(), 1)]
    answers = [await chapters.answer(number, each) for number, each in enumerate(seen.answers.drawn(), 1)]
    texts = await auditor_texts.in_force_between(archive, chapters, start, end, {each.edition for each in answers})
    about = {
        "format": FORMAT,
        "from": clock.rfc3339(start),
        "to": clock.rfc3339(end),
        "first_place": window.low,
        "end_place": window.high,
        "seed": drawn_by,
        "seed_from": "given" if seed else "log/end.checkpoint",
        "drawn": {
            "case.opened": _drawn(seen.requests, [step for each in requests for step in each.steps]),
            "consent": _drawn(seen.answers, [each.step for each in answers]),
        },
        "answers": sorted(auditor_sample.ANSWERS),
        "counts": dict(sorted(seen.counts.items())),
    }
    await _add_what_checks_it(archive, states)
    page = await auditor_page.written(
        first=first,
        last=last,
        about=about,
        states=states,
        seen=seen,
        requests=requests,
        answers=answers,
        texts=texts,
        roles=await chapters.named(seen.roles, "roles"),
        care=await chapters.named(seen.care, "care"),
        key=str(await audit.log_key()),
        made_at=clock.now(),
    )
    archive.add("index.html", page)
    return Packed(file, drawn_by, window, len(requests), len(answers), archive.seal(about))


async def _states(window: audit.windows.Window) -> States:
    newest = await audit.checkpoint()
    end = await audit.windows.signed_from(max(window.high, 1))
    if newest is None or end is None:
        raise Invalid(_("Nothing has been recorded yet, so there is nothing to show to an auditor."))
    return States(await audit.windows.signed_up_to(window.low) if window.low else None, end, newest)


async def _require_erasures_placed() -> None:
    """The log given with a pack must tell of at least as many erasures as the pack names."""
    newest = await audit.search(event="payload.shredded", limit=1)
    if any(each.log_index is None for each in newest):
        raise Conflict(_("An erasure has no place in the log yet. Please try again in a minute."))


async def _add_what_checks_it(archive: Archive, states: States) -> None:
    """The scripts, the signed states, the proofs that each grew from the one before, and the key that signed them."""
    for name in SCRIPTS:
        archive.add(name, (HOME / "docs" / name).read_bytes())
    named = {"before": states.before, "end": states.end, "newest": states.newest}
    steps = [(name, state) for name, state in named.items() if state is not None]
    for name, state in steps:
        archive.add(f"log/{name}.checkpoint", state.note.encode())
    proofs: list[dict[str, Any]] = []
    for (old_name, old), (new_name, new) in pairwise(steps):
        hashes = await audit.tiles.consistency_proof(old.size, new.size) if old.size < new.size else []
        proofs.append({"from": old_name, "to": new_name, "hashes": [audit.notes.encode64(each) for each in hashes]})
    archive.add("log/consistency.json", json.dumps(proofs, indent=1).encode() + b"\n")
    archive.add("log/key.txt", f"{await audit.log_key()}\n".encode())


def _drawn(draw: auditor_sample.Draw, steps: list[Step]) -> dict[str, Any]:
    given = {each.place: each.given for each in steps}
    places = [{"place": each.log_index, "receipt": given[each.log_index]} for each in draw.drawn() if each.log_index is not None]
    return {"of": draw.count, "places": places, "erased": draw.passed_over()}


def _moment(day: date) -> datetime:
    """When that day begins where the controller is."""
    return datetime.combine(day, time(), ZoneInfo(get().time_zone))
