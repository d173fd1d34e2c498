"""The formal answer to a person as a tagged PDF (PDF/UA-1), in their language (GDPR Art. 12(1), (4), 15(1)-(2)).

It says who asked for what, where we looked, what is enclosed, the person's rights and where to complain. The data
itself stands in the package, never here: the letter stays under 20 pages for everybody.
"""

from portal.cases import remedies
from portal.cases.letterhead import letterhead
from portal.cases.package_pages import left_out
from portal.cases.snapshot import Snapshot
from portal.paper import in_language, pdf, render

MOST = 40  # lines of any table in the letter; the package has them all
LONGEST = 300  # letters of a published text in a cell
REASONS = 8000  # letters of reasons


async def build_letter(snapshot: Snapshot) -> bytes:
    """The letter that goes with a package."""
    with in_language(snapshot.language):
        return await pdf(letter_page(snapshot))


def letter_page(snapshot: Snapshot) -> str:
    """The letter before printing, in the language of the moment."""
    searched = [
        (system, sum(len(table.rows) for category in system.categories for table in category.tables))
        for system in snapshot.systems
    ]
    return render(
        "pdf/letter.html",
        snapshot=snapshot,
        **letterhead(),
        searched=searched,
        left_out=left_out(snapshot),
        most=MOST,
        longest=LONGEST,
        reasons=snapshot.reasons[:REASONS],
        remedies=remedies.against(snapshot.law),
    )
