"""The certificate of a deletion for the person, as a tagged PDF in their language (GDPR Art. 12(3), 17, 19).

Per system: what was deleted or made anonymous, what is kept under which law until when, that each system was asked
again, and until when its backups live. It holds no personal data, not even the masked address: after the deletion nobody
can sign in, so it opens for whoever holds the request's reference, and it may lie with the case for as long as that is kept.
"""

from collections.abc import Sequence

from portal.cases.backups import LastBackup
from portal.cases.letterhead import letterhead
from portal.cases.proof import by_system
from portal.cases.snapshot import Snapshot
from portal.paper import in_language, pdf, render


async def build_certificate(snapshot: Snapshot, backups: Sequence[LastBackup] = ()) -> bytes:
    """From the snapshot that is taken when everything is done; `backups`: of the systems where anything was deleted."""
    with in_language(snapshot.language):
        page = render(
            "pdf/certificate.html",
            snapshot=snapshot,
            **letterhead(),
            removals=by_system(snapshot),
            backups=backups,
            kept=[each for each in snapshot.removals if each.action == "keep"],
        )
        return await pdf(page)
