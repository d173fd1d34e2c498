"""The files made for a case: the person's package from the approved snapshot alone, and at the end evidence and certificate.

All are built by jobs and sealed: the package under the person's key for 30 days (GDPR Art. 15(3)); the papers, which hold no
personal data, under the case's record key (Art. 5(2)). A crash before the commit leaves nothing; they are built again.
"""

import hashlib
from datetime import timedelta

from portal import audit, db, jobs, messages, vault
from portal.cases import backups, contact, events, fanout, freeze, fulfilment, legal_holds, models, moves, states, verification
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, Unavailable


@jobs.verb("cases.package", at_once=1)
async def package_job(job: jobs.Job) -> None:
    """Built from the frozen snapshot and read again; a crash before the commit leaves nothing, and it is built again."""
    from portal.cases.package import build_package  # with its PDF, only where packages are built
    from portal.cases.package_receipts import collect
    from portal.cases.reread import read_again

    task, row = await fulfilment.mine(job)
    if task is None or row is None:
        return
    approval = await moves.latest_approval(row)
    assert approval is not None
    await fulfilment.start(job, task)
    snapshot = await freeze.kept(approval.snapshot_blob)
    content = await build_package(snapshot, await collect(row, snapshot))
    try:
        values, wrong = await read_again(row, snapshot, content)
    except Conflict as gone:
        raise await fanout.failed(task, gone.sentence, permanent=True) from gone
    if wrong:
        raise await fanout.failed(task, wrong, permanent=True)
    said = {"re-read": f"{values} left-out values, none found"} if values else {}
    async with fulfilment.holding(job):
        row = await moves.lock(task.case_id)
        await keep_package(row, "package", content, approval.digest)
        await fulfilment.answered(row, task, {"bytes": len(content)}, events.PACKAGED, **said)
        await fulfilment.complete(row)


@jobs.verb("cases.proof", at_once=1)
async def proof_job(job: jobs.Job) -> None:
    """The evidence file of a closed case; holds no personal data, so it lies under the case's record key."""
    from portal.cases.proof import build_proof  # with its PDF, only where evidence is made

    row = await moves.load(job.arguments["case"])
    try:
        snapshot = await freeze.take(row)
    except Conflict as gone:
        raise jobs.GiveUp("What was found in this request was erased before its evidence file was made.") from gone
    try:
        evidence = await build_proof(snapshot)
    except Unavailable as not_signed_yet:
        raise jobs.TryAgain(not_signed_yet.sentence, after=timedelta(seconds=1)) from not_signed_yet
    await _keep_paper(job, row, "proof", evidence, snapshot.digest, events.PROOF_MADE)


@jobs.verb("cases.certificate", at_once=1)
async def certificate_job(job: jobs.Job) -> None:
    """The person's paper about a deletion. They have no sign-in any more: it outlives what else is known of them."""
    from portal.cases.certificate import build_certificate  # with its PDF, only where certificates are made

    row = await moves.load(job.arguments["case"])
    if moves.is_certified(row):
        snapshot = await freeze.take(row)
        certificate = await build_certificate(snapshot, await backups.of(row.id))
        await _keep_paper(job, row, "certificate", certificate, snapshot.digest, events.CERTIFIED)


# Those that were signed before such copies had an end, also in a restored backup.
_END_OF_ANSWERS = (
    "UPDATE blob SET keep_until = created_at + ? WHERE keep_until IS NULL AND id IN (SELECT a.snapshot_blob FROM case_approval a"
    " JOIN case_file f ON f.id = a.case_id WHERE f.right_name <> 'erasure')"
)


@jobs.verb("cases.tidy", every=timedelta(hours=6))
async def tidy_job(job: jobs.Job) -> None:
    """What was found, dry runs and packages go when their time is over, and in the end what a case says of the person;
    counts, hashes and the log's entries stay. An answer that nobody fetched in time closes. Of whom a legal hold stands on,
    everything stays until it is lifted.
    """
    now = clock.micros(clock.now())
    async with db.writing():
        held = await legal_holds.covered()
        others = f" AND case_id NOT IN ({', '.join('?' * len(held.cases))})" if held.cases else ""
        for table, column, noted in (("case_finding", "blob_id", ", signs = NULL"), ("case_task", "plan_blob", "")):
            over = f"{column} IN (SELECT id FROM blob WHERE keep_until <= ?)"
            await db.run(f"UPDATE {table} SET {column} = NULL{noted} WHERE {over}{others}", now, *held.cases)
        await db.run("DELETE FROM case_download WHERE ends_at <= ?", now)
        await db.run(_END_OF_ANSWERS, policy().findings_kept // timedelta(microseconds=1))
    await _close_unfetched()
    gone = 1
    while gone:
        async with db.writing():
            gone = await contact.fall_of_expired() + await contact.fall_of_old_values()
    gone = 1
    while gone:
        async with db.writing():
            held = await legal_holds.covered()
            gone = await vault.drop_expired_blobs(spared={"life": held.people, "case": held.cases})


@jobs.verb("messages.tidy", every=timedelta(days=1))
async def tidy_copies(job: jobs.Job) -> None:
    """Messages that belong to no request; here, because those to whoever is on hold stay."""
    gone = 1
    while gone:
        async with db.writing():
            gone = await messages.tidy(spared=(await legal_holds.covered()).people)


async def _close_unfetched() -> None:
    """The person had their time (Art. 12(3) is met by giving the answer); a frozen handover goes on waiting."""
    for case_id in await models.CaseRow.filter(state=states.DELIVERING).values_list("id", flat=True):
        async with db.writing():
            row = await moves.lock(str(case_id))
            made = moves.ACTS.get(row.right) == "package"
            if made and row.state == states.DELIVERING and row.proposed in states.outcomes(await moves.facts(row)):
                await moves.finish(row, row.proposed, actor="system")


async def keep_package(row: models.CaseRow, kind: str, content: bytes, digest: str) -> None:
    """Inside `writing()`: seal a file made for the case."""
    until = clock.now() + policy().package_kept
    key = await verification.person_key(row) if kind == "package" else await vault.key_for("record", row.id)
    await models.PackageRow.create(
        id=ids.new(),
        case_id=row.id,
        kind=kind,
        digest=digest,
        sha256=hashlib.sha256(content).hexdigest(),
        blob_id=await vault.store_blob(key, content, until if kind == "package" else None),
        size=len(content),
        made_at=clock.now(),
        keep_until=until,
    )


async def _keep_paper(job: jobs.Job, row: models.CaseRow, kind: str, content: bytes, digest: str, event: audit.Event) -> None:
    async with fulfilment.holding(job):
        row = await moves.lock(row.id)
        await keep_package(row, kind, content, digest)
        await audit.record(
            event,
            actor="system",
            subject=row.subject,
            case=row.id,
            payload={"sha256": hashlib.sha256(content).hexdigest()},
        )
