"""Giving the package to the person and nobody else (GDPR Art. 12(3), 15(3), 32): in the portal, after a fresh proof.

A link works once, at most 24 hours, and only in the session that asked for it; the package itself stays 30 days and
gives new links after each fresh proof. Somebody's "that wasn't me" freezes exactly this step.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from portal import audit, db, identity, subjects, vault
from portal.cases import events, models, moves, states, verification
from portal.cases.policy import policy
from portal.lib import clock, ids
from portal.lib.errors import Conflict, NotAllowed, NotFound
from portal.paper import _

NOT_GIVEN = ("withdrawn", "refused")


@dataclass(frozen=True)
class Package:
    """A finished package as the status page shows it."""

    id: str
    case: str
    size: int
    sha256: str
    made_at: datetime
    keep_until: datetime
    opened_at: datetime | None


@dataclass(frozen=True)
class File:
    """A download on its way: the content chunk by chunk."""

    name: str
    size: int
    content: AsyncIterator[bytes]


async def package_of(case_id: str) -> Package | None:
    """The package that waits for the person, while it is kept."""
    row = await moves.load(case_id)
    found = await _package(case_id, "package")
    if found is None or found.keep_until <= clock.now() or not _is_given(row) or await verification.is_erased(row):
        return None
    return Package(found.id, case_id, found.size, found.sha256, found.made_at, found.keep_until, found.opened_at)


async def hand_over(case_id: str, session: identity.Session) -> str:
    """A one-use link's secret for the person's freshly proven session; raises NotAllowed when a step-up is due."""
    async with db.writing():
        row = await moves.lock(case_id)
        await _refuse_others(row, session)
        await _refuse_ended(row)
        if not identity.fresh(session):
            raise NotAllowed(_("Please prove once more that it is you; then the download starts."))
        package = await _package(case_id, "package")
        if package is None or package.keep_until <= clock.now():
            raise NotFound(_("This package is not kept any more. You can ask for a new one at any time."))
        if await models.Hold.filter(case_id=case_id, kind="freeze", lifted_at=None).exists():
            raise Conflict(_("We are checking something about this request first. You will hear from us within 2 working days."))
        secret = ids.secret(256)
        await models.Download.create(
            digest=ids.digest(secret),
            package_id=package.id,
            session=session.id,
            made_at=clock.now(),
            ends_at=clock.now() + policy().download_lives,
        )
        await audit.record(
            events.HANDED_OVER, actor=f"customer:{session.subject}", subject=row.subject, case=case_id, object=package.id
        )
    return secret


async def download(secret: str, session: identity.Session) -> File:
    """Use the link, once; the first download closes the case."""
    digest = ids.digest(secret)
    async with db.writing():
        found = await models.Download.get_or_none(digest=digest)
        if found is None or found.session != session.id:
            raise NotFound(_("This link is not known here. Please ask for a new one."))
        package = await models.PackageRow.get(id=found.package_id)
        row = await moves.lock(package.case_id)
        await _refuse_others(row, session)
        await _refuse_ended(row)
        if await models.Hold.filter(case_id=row.id, kind="freeze", lifted_at=None).exists():
            raise Conflict(_("We are checking something about this request first. You will hear from us within 2 working days."))
        now = clock.micros(clock.now())
        used = await db.run(
            "UPDATE case_download SET used_at = ? WHERE digest = ? AND used_at IS NULL AND ends_at > ?", now, digest, now
        )
        if used != 1 or package.keep_until <= clock.now():
            raise Conflict(_("This link was used already or is too old. Please ask for a new one."))
        await db.run("UPDATE case_package SET opened_at = ? WHERE id = ? AND opened_at IS NULL", now, package.id)
        await audit.record(
            events.DOWNLOADED, actor=f"customer:{session.subject}", subject=row.subject, case=row.id, object=package.id
        )
        if row.state == states.DELIVERING:
            await moves.finish(row, row.proposed, actor=f"customer:{session.subject}")
    return File("your-data.zip", package.size, vault.read_blob(package.blob_id))


async def paper_of(case_id: str, kind: str, *, officer: str = "") -> File:
    """A paper of a closed case: "proof", the evidence file for officers and auditors, or the "certificate" of a deletion,
    also for whoever holds the request's reference. An officer's look is recorded.
    """
    name, event, missing = {
        "proof": (f"case-{case_id}.pdf", events.PROOF_READ, _("The evidence file is made when the request is closed.")),
        "certificate": (
            "certificate-of-deletion.pdf",
            events.CERTIFICATE_READ,
            _("There is no certificate: it is made when a deletion is done."),
        ),
    }[kind]
    found = await _package(case_id, kind)
    if found is None:
        raise NotFound(missing)
    if officer:
        async with db.writing():
            await audit.record(event, actor=f"officer:{officer}", case=case_id, object=found.id)
    return File(name, found.size, vault.read_blob(found.blob_id))


async def _package(case_id: str, kind: str) -> models.PackageRow | None:
    return await models.PackageRow.filter(case_id=case_id, kind=kind).order_by("-made_at", "-id").first()


async def _refuse_others(row: models.CaseRow, session: identity.Session) -> None:
    # Somebody else's request and no request at all are answered alike.
    if session.kind != "customer" or row.subject is None or session.subject is None:
        raise NotFound(_("There is no such request."))
    if session.identifier not in await _proven(row):
        person = await subjects.whole(row.subject)
        if session.subject not in person.subjects or session.identifier not in {each.id for each in person.identifiers}:
            raise NotFound(_("There is no such request."))
        raise NotAllowed(_("Please sign in with the address that this request was made with."))


async def _refuse_ended(row: models.CaseRow) -> None:
    if not _is_given(row):
        raise Conflict(_("This request was taken back or refused, so there is nothing to download. You can ask again."))
    if await verification.is_erased(row):
        raise Conflict(_("Your data was deleted meanwhile, and this copy with it."))


def _is_given(row: models.CaseRow) -> bool:
    """Not what was made for an answer that was taken back since, or is being found anew."""
    return row.state in (states.DELIVERING, states.CLOSED) and row.outcome not in NOT_GIVEN


async def _proven(row: models.CaseRow) -> set[str]:
    return {str(each) for each in await models.CaseIdentifier.filter(case_id=row.id).values_list("identifier", flat=True)}
